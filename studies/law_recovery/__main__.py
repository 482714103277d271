"""Command line of the study; see the package."""

import argparse
from pathlib import Path

import studies.law_recovery
from studies.law_recovery import alarms, exponents, loops, naming, speed, thresholds, verdicts
from studies.law_recovery.ledger import Ledger, Settings
from studies.law_recovery.page import page

PARTS = {
    "loops": loops,
    "alarms": alarms,
    "thresholds": thresholds,
    "exponents": exponents,
    "verdicts": verdicts,
    "naming": naming,
    "speed": speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=studies.law_recovery.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweeps", type=int, default=500)
    parser.add_argument("--refits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20264)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--parts", default="all", help=f"all, or some of {','.join(PARTS)}")
    parser.add_argument("--results", type=Path, default=Path("studies/results/law_recovery"))
    parser.add_argument("--page", type=Path, default=Path("docs/recovery.md"))
    options = parser.parse_args()
    settings = Settings(
        sweeps=options.sweeps, refits=options.refits, seed=options.seed, workers=options.workers
    )
    ledger = Ledger(folder=options.results, settings=settings)
    chosen = list(PARTS) if options.parts == "all" else options.parts.split(",")
    for name in chosen:
        for row, result, new in ledger.complete(name, PARTS[name].rows()):
            short = [
                claim["asked"] + ": " + claim["seen"] for claim in result["claims"] if not claim["holds"]
            ]
            loose = [c["asked"] + ": " + c["seen"] for c in result["controls"] if not c["holds"]]
            word = "" if new else "(kept) "
            print(
                f"{name}: {word}{row}: {result['cells']} short: {short} controls not caught: {loose}",
                flush=True,
            )
            options.page.write_text(page(ledger, PARTS), encoding="utf-8")


if __name__ == "__main__":
    main()
