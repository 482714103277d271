"""Command line of the study; see the package."""

import argparse
from pathlib import Path

import studies.drift_laws
from alignthermo.estimators.drift import LAW_NAMES
from studies.drift_laws import correlates, entropy, growth, laws, null, rates, schedules
from studies.law_recovery.ledger import Ledger, Settings
from studies.law_recovery.page import sections

PARTS = {
    "null": null,
    "rates": rates,
    "laws": laws,
    "entropy": entropy,
    "schedules": schedules,
    "correlates": correlates,
    "growth": growth,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=studies.drift_laws.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--refits", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20265)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--parts", default="all", help=f"all, or some of {','.join(PARTS)}")
    parser.add_argument("--results", type=Path, default=Path("studies/results/drift_laws"))
    parser.add_argument("--page", type=Path, default=Path("studies/results/drift_laws.md"))
    options = parser.parse_args()
    settings = Settings(
        sweeps=options.sets, refits=options.refits, seed=options.seed, workers=options.workers
    )
    ledger = Ledger(folder=options.results, settings=settings)
    for name in list(PARTS) if options.parts == "all" else options.parts.split(","):
        for row, result, new in ledger.complete(name, PARTS[name].rows()):
            short = [
                f"{c['asked']}: {c['seen']}"
                for kind in ("claims", "controls")
                for c in result[kind]
                if not c["holds"]
            ]
            print(f"{name}: {'' if new else '(kept) '}{row}: {result['cells']} short: {short}", flush=True)
            options.page.write_text(page(ledger), encoding="utf-8")


def page(ledger: Ledger) -> str:
    """The page of results, from the rows that are there."""
    s = ledger.settings
    lines = [
        "# Drift: planted laws, rates, entropy production, schedules",
        "",
        f"`python -m studies.drift_laws --sets {s.sweeps} --refits {s.refits} --seed {s.seed}`",
        "",
        f"{s.sweeps} simulated sets per row unless it says otherwise, {s.refits} refits each, seed {s.seed}.",
        f"Laws: {', '.join(LAW_NAMES)}. Written by the study itself, row by row as they are done;",
        "`make nightly` repeats it. The control of a coverage row, a truth 1.5 of the run's own errors off",
        "(three for the skewed ones of laws) must be covered in less than 90 %.",
        "",
        *sections(ledger, PARTS),
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
