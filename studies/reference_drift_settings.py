"""Does drift go with β and with the temperature? The same conversations under members and temperatures.

    python -m studies.reference_drift_settings [--conversations N] [--seed S] [--runs DIR] [--out FILE]

Plain conversations under a rule of style, as in `reference_drift`, of up to 640 tokens: of four members at
temperature 1, and of one member at three temperatures at which it speaks. Answers to probes are drawn at
temperature 1 throughout. Runs are kept in DIR and go on where they stopped; the page holds nothing that was
not printed by this.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from alignthermo.api import DriftConfig, DriftResult, drift_along, run_drift
from alignthermo.experiments.transition_loops import shown
from alignthermo.quantities import Record
from studies.reference_drift import persona_prompts

BETAS = {
    "aligned-beta-0.125": 0.125,
    "aligned-beta-0.25": 0.25,
    "aligned-beta-0.5": 0.5,
    "aligned-beta-1": 1.0,
}
TEMPERATURES = (0.5, 1.0, 1.5)
MEMBER = "aligned-beta-0.25"
NUMBERS = (
    *("drift_end", "control_end", "excess_end", "drift_rate_tokens", "compliance_start", "compliance_end"),
    *("influence_start", "influence_end", "relaxation_start", "relaxation_end"),
)


def main() -> None:
    options = _arguments()
    torch.set_num_threads(1)
    lines = [
        "# Drift against β and temperature",
        "",
        f"{options.conversations} conversations for each run, the same rules and user messages in all, seed "
        f"{options.seed}. Intervals 95 %, over conversations; one seed of the family. Slopes are paired by "
        "conversation and say nothing of the shape.",
    ]
    by_beta = {f"β = {beta:g}": _measured(member, 1.0, options) for member, beta in BETAS.items()}
    lines += ["", "## β, at temperature 1", "", *_section(by_beta)]
    lines += _slopes(drift_along(list(by_beta.values()), "beta", values=list(BETAS.values())))
    by_temperature = {f"T = {t:g}": _measured(MEMBER, t, options) for t in TEMPERATURES}
    lines += ["", "## Temperature, of β = 0.25", "", *_section(by_temperature)]
    lines += _slopes(drift_along(list(by_temperature.values()), "temperature"))
    text = "\n".join(lines) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conversations", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=Path, default=Path("runs/reference_drift_settings"))
    parser.add_argument("--out", type=Path, default=Path("studies/results/reference_drift_settings.md"))
    return parser.parse_args()


def _measured(member: str, temperature: float, options: argparse.Namespace) -> DriftResult:
    config = DriftConfig(
        base="shipped:base",
        aligned=f"shipped:{member}",
        mode="self_chat",
        prompts=str(persona_prompts(options.runs)),
        user_turns="shipped",
        conversations=options.conversations,
        turns=32,
        tokens=640,
        reply_tokens=32,
        temperature=temperature,
        answers=1,
        answer_tokens=24,
        every=128,
        literal=False,
        conversations_per_shard=20,
        seed=options.seed,
        out=str(options.runs / f"{member}-T{temperature:g}-{options.conversations}-{options.seed}"),
    )
    return run_drift(config, progress=lambda *told: print(*told, flush=True))


def _section(results: Mapping[str, DriftResult]) -> Iterator[str]:
    yield "| quantity | " + " | ".join(results) + " |"
    yield "|---" * (len(results) + 1) + "|"
    for name in NUMBERS:
        found = [result.value(name, arm="plain").estimate for result in results.values()]
        yield f"| {name}, {found[0].unit} | " + " | ".join(map(shown, found)) + " |"
    for name in ("compliance", "forgetting", "relaxation", "law", "growth"):
        said = [_outcome(result, name) for result in results.values()]
        yield f"| *{name}* | " + " | ".join(said) + " |"


def _outcome(result: DriftResult, name: str) -> str:
    return next(
        verdict.outcome
        for verdict in result.verdicts
        if verdict.name == name and verdict.slice == {"arm": "plain", "category": "all"}
    )


def _slopes(records: tuple[Record, ...]) -> Iterator[str]:
    yield from ("", "| slope | value |", "|---|---|")
    for record in records:
        yield f"| {record.quantity} | {shown(record.estimate)} {record.estimate.unit} |"


if __name__ == "__main__":
    main()
