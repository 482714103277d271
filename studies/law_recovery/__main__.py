"""Command line of the study; see the package."""

from pathlib import Path

import studies.law_recovery
from studies.law_recovery import alarms, exponents, loops, naming, speed, thresholds, verdicts
from studies.planted.ledger import Settings
from studies.planted.study import Study


def head(settings: Settings) -> list[str]:
    """What stands at the top of the page."""
    return [
        f"{settings.sweeps} simulated sweeps per row, {settings.refits} refits each, seed {settings.seed};",
        "every row has its own random streams. Written by the study itself, row by row as they are done;",
        "`make nightly` repeats it. Settings of the estimators were chosen on other seeds. The control of a",
        "coverage row is a truth 1.5 of the run's own errors off (three for exact, discrete and skewed",
        "ones): it must be covered in less than 90 %.",
    ]


STUDY = Study(
    module=studies.law_recovery,
    parts={
        "loops": loops,
        "alarms": alarms,
        "thresholds": thresholds,
        "exponents": exponents,
        "verdicts": verdicts,
        "naming": naming,
        "speed": speed,
    },
    title="Recovery of planted truths",
    head=head,
    simulated="sweeps",
    defaults=Settings(sweeps=500, refits=300, seed=20264),
    results=Path("studies/results/law_recovery"),
    page=Path("docs/recovery.md"),
)

if __name__ == "__main__":
    STUDY.main()
