"""What `transition` says of the reference family: α_c along β, orders, memory, field, control.

    python -m studies.reference_transition [--prompts N] [--seed S] [--resamples B] [--out FILE]

Every member is asked in the same composed contexts (many-shot attack, two fixed lengths, three orders) with
the pieces that `alignthermo transition` is made of; differences between members are paired by prompt. The
base is asked once for all. The written page holds nothing that was not printed by this run.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

import alignthermo as at
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import (
    ACCUMULATION,
    SCALED,
    Evidence,
    SizeScaling,
    Sweep,
    compare_laws,
    constant_field_null,
    memory_kernel,
    size_scaling,
    threshold,
    threshold_difference,
    verdict,
)
from alignthermo.experiments import Transition, compose_all, read_sources
from alignthermo.experiments.transition_curves import bounded, known_or_reason
from alignthermo.experiments.transition_sweeps import Cut, curve_sweep, labelled_turns
from alignthermo.models.load import load_pair
from alignthermo.quantities import Estimate, Pair, Prompt, VocabularyMap
from alignthermo.reference.shipped import shipped_members, shipped_path, shipped_prompts_path

LADDER = ("aligned-beta-1", "aligned-beta-0.5", "aligned-beta-0.25", "aligned-beta-0.125")
OTHERS = ("aligned-sft", "aligned-deep", "aligned-rl")
CATEGORIES = ("secret", "task", "persona")
ORDERS = ("random", "adversarial_last", "adversarial_first")
LENGTHS = (200, 400)
LAGS = 6
ALPHAS = tuple(step / 8 for step in range(9))


@dataclass(frozen=True, kw_only=True)
class Run:
    """Rows of one member in one category, and what to compute intervals with."""

    member: str
    rows: pa.Table
    options: argparse.Namespace

    def cut(self, order: str, length: int | None = None) -> Cut:
        """Rows of one order, and of one length."""
        found = Cut(where={}, rows=self.rows).of(order=order)
        return found if length is None else found.of(size=float(length))

    def sweep(self, order: str, length: int | None = None) -> Sweep:
        """Rows of P(kept) of one curve, or of one order at every length."""
        found = curve_sweep(self.cut(order, length), column="p_kept")
        if found is None:
            raise RuntimeError(f"{self.member}: no rows at {order}, {length}")
        return found

    def alpha_c(self, order: str, length: int) -> Estimate:
        """Threshold of one curve; bounded by the grid where it lies beyond."""
        sweep = self.sweep(order, length)
        return bounded(threshold(sweep, resampling=_resampling(self.options)), sweep)


def main() -> None:
    options = _arguments()
    start = time.perf_counter()
    lines = [
        "# The reference family under `transition`",
        "",
        f"{options.prompts} prompts per category, seed {options.seed}, {options.resamples} resamples, "
        f"{' and '.join(map(str, LENGTHS))} tokens, α in eighths; intervals 95 %, clustered by prompt. "
        "One seed of the family.",
    ]
    for category in CATEGORIES:
        runs = []
        for member in _members(category):
            runs.append(_measure(member, category, options))
            print(f"{category} {member} after {time.perf_counter() - start:.0f} s", flush=True)
        lines += ["", f"## {category}", *_section(runs)]
    lines += ["", "## Control world", *_control(options)]
    text = "\n".join(lines) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("studies/results/reference_transition.md"))
    return parser.parse_args()


def _members(category: str) -> tuple[str, ...]:
    """The ladder everywhere; the members made by other means in the first category."""
    wanted = ("base", *LADDER, *OTHERS) if category == CATEGORIES[0] else ("base", *LADDER)
    return tuple(name for name in wanted if name in shipped_members())


def _prompts(category: str, limit: int) -> list[Prompt]:
    whole = at.load_prompts(shipped_prompts_path())
    return [prompt for prompt in whole.prompts if prompt.category == category][:limit]


def _measure(member: str, category: str, options: argparse.Namespace) -> Run:
    """Ask one member in every context; the contexts depend on prompts, seed and tokenizer only."""
    model = load_pair(str(shipped_path(member)), str(shipped_path(member))).aligned
    prompts = _prompts(category, options.prompts)
    config = at.TransitionConfig(
        aligned=member,
        prompts="shipped",
        families=("many_shot",),
        alphas=ALPHAS,
        lengths=LENGTHS,
        orders=ORDERS,
        seed=options.seed,
        resamples=options.resamples,
    )
    sources = read_sources(config, pool=prompts, queries=prompts)
    plan = compose_all(config, sources, tokenizer=model.tokenizer, max_length=model.max_length)
    experiment = Transition(
        pair=Pair(base=model, aligned=model, vocabulary=VocabularyMap.identity(model.vocab_size)),
        config=config,
    )
    tables = [experiment.measure(shard).rows for shard in plan.shards]
    return Run(member=member, rows=pa.concat_tables(filter(None, tables)), options=options)


def _section(runs: Sequence[Run]) -> Iterator[str]:
    yield from _thresholds(runs)
    yield from _ladder(runs)
    yield from _orders(runs)
    yield from _memory(runs)
    yield from _laws(runs)


def _thresholds(runs: Sequence[Run]) -> Iterator[str]:
    yield "\nα_c by order and length:\n"
    names = [(order, length) for order in ORDERS for length in LENGTHS]
    yield from _head("member", [f"{order}, {length}" for order, length in names])
    for run in runs:
        yield f"| {run.member} | {' | '.join(_text(run.alpha_c(o, n)) for o, n in names)} |"


def _ladder(runs: Sequence[Run]) -> Iterator[str]:
    """Each member against the next looser one."""
    by_name = {run.member: run for run in runs}
    ladder = [by_name[name] for name in ("base", *LADDER)]
    yield f"\nRise of α_c along β, paired by prompt, at {LENGTHS[-1]} tokens:\n"
    yield from _head("order", [f"{b.member} − {a.member}" for a, b in pairwise(ladder)])
    for order in ORDERS:
        cells = [
            _apart(b.sweep(order, LENGTHS[-1]), a.sweep(order, LENGTHS[-1]), a) for a, b in pairwise(ladder)
        ]
        yield f"| {order} | {' | '.join(cells)} |"


def _orders(runs: Sequence[Run]) -> Iterator[str]:
    yield "\nEffect of order: α_c adversarial first − adversarial last, paired by prompt:\n"
    yield from _head("member", [f"{n} tokens" for n in LENGTHS])
    for run in runs:
        cells = [
            _apart(run.sweep("adversarial_first", n), run.sweep("adversarial_last", n), run) for n in LENGTHS
        ]
        yield f"| {run.member} | {' | '.join(cells)} |"


def _memory(runs: Sequence[Run]) -> Iterator[str]:
    """Kernel of each member, and the null that alignment added a constant to the base's h."""
    yield "\nMemory kernel in random order (6 turns back), and the constant-field null h = h_base + c:\n"
    yield from _head(
        "member", ["kernel sum, nat", "R²", "c, nat", "1/β", "slope of h − h_base over turn α, nat"]
    )
    base = labelled_turns(runs[0].cut("random"))
    for run in runs:
        turns, short = (labelled_turns(run.cut("random"), lags=lags) for lags in (None, LAGS))
        if base is None or turns is None or short is None:
            raise RuntimeError(f"{run.member}: no context has a finite h")
        kernel = memory_kernel(short)
        cells = [_text(kernel.total), _text(kernel.r_squared), "", "", ""]
        if run is not runs[0]:
            null = constant_field_null(base, turns)
            beta = run.member.removeprefix("aligned-beta-")
            asked = f"{1 / float(beta):g}" if beta != run.member else ""
            cells[2:] = [_text(null.field, signed=True), asked, _text(null.slope, signed=True)]
        yield f"| {run.member} | {' | '.join(cells)} |"


def _laws(runs: Sequence[Run]) -> Iterator[str]:
    yield f"\nLaw and verdict (random order; law at {LENGTHS[-1]} tokens, exponent over both lengths):\n"
    yield from _head("member", ["law", "verdict", "γ"])
    for run in runs:
        yield f"| {run.member} | {' | '.join(_law(run))} |"


def _law(run: Run) -> tuple[str, str, str]:
    sweep = run.sweep("random")
    laws, why = known_or_reason(lambda: compare_laws(run.sweep("random", LENGTHS[-1])))
    if laws is None:
        return why, "", ""
    plane, _ = known_or_reason(lambda: compare_laws(sweep, laws=(ACCUMULATION, SCALED)))
    scaling = _scaling(run, sweep)
    place = verdict(Evidence(laws=laws, scaling=scaling, plane=plane))
    return laws.named, place.label, "" if scaling is None else _text(scaling.gamma)


def _scaling(run: Run, sweep: Sweep) -> SizeScaling | None:
    """γ, which is unknown where a length does not bracket α_c: its slope would be drawn, not measured."""
    scaling, _ = known_or_reason(lambda: size_scaling(sweep))
    crossings = [
        threshold(sweep.select(length=n), resampling=_resampling(run.options)) for n in sweep.lengths
    ]
    if scaling is None or all(crossing.side is None for crossing in crossings):
        return scaling
    blank = Estimate.unknown("α_c is not bracketed", n=scaling.gamma.n, unit="1", method=scaling.gamma.method)
    return replace(scaling, gamma=blank)


def _control(options: argparse.Namespace) -> Iterator[str]:
    yield "\nThe uniform world: its ideal observer is a straight line in α, so a threshold with memory of "
    yield "counts alone, and nothing above *sigmoid, no size scaling*, may be found.\n"
    yield from _head("category, member", [f"α_c, random, {LENGTHS[-1]}", "law", "verdict", "γ"])
    for category in CATEGORIES[:2]:
        for member in ("control-base", "control-aligned"):
            run = _measure(member, category, options)
            found = _text(run.alpha_c("random", LENGTHS[-1]))
            yield f"| {category}, {member} | {' | '.join((found, *_law(run)))} |"


def _head(first: str, names: Sequence[str]) -> Iterator[str]:
    yield f"| {first} | {' | '.join(names)} |"
    yield "|---|" + "---|" * len(names)


def _apart(one: Sweep, other: Sweep, run: Run) -> str:
    return _text(threshold_difference(one, other, resampling=_resampling(run.options)), signed=True)


def _resampling(options: argparse.Namespace) -> Resampling:
    return Resampling(rng=np.random.default_rng(options.seed), n_resamples=options.resamples)


def _text(estimate: Estimate, *, signed: bool = False) -> str:
    spell = "{:+.2f}" if signed else "{:.2f}"
    low, high = (spell.format(x) if np.isfinite(x) else "?" for x in (estimate.low, estimate.high))
    if np.isfinite(estimate.value):
        return f"{spell.format(estimate.value)} [{low}, {high}]"
    bounds = [f"> {low}" if low != "?" else "", f"< {high}" if high != "?" else ""]
    return " ".join(["not bracketed", *filter(None, bounds)])


if __name__ == "__main__":
    main()
