"""Command line of the study; see the package."""

from pathlib import Path

import studies.drift_laws
from alignthermo.estimators.drift import LAW_NAMES
from studies.drift_laws import correlates, entropy, growth, laws, null, rates, schedules
from studies.planted.ledger import Settings
from studies.planted.study import Study


def head(settings: Settings) -> list[str]:
    """What stands at the top of the page."""
    return [
        f"{settings.sweeps} simulated sets per row unless it says otherwise, {settings.refits} refits each, "
        f"seed {settings.seed}.",
        f"Laws: {', '.join(LAW_NAMES)}. Written by the study itself, row by row as they are done;",
        "`make nightly` repeats it. The control of a coverage row, a truth 1.5 of the run's own errors off",
        "(three for the skewed ones of laws; of entropy production one that is a usual width off) must be",
        "covered in less than 90 %.",
    ]


STUDY = Study(
    module=studies.drift_laws,
    parts={
        "null": null,
        "rates": rates,
        "laws": laws,
        "entropy": entropy,
        "schedules": schedules,
        "correlates": correlates,
        "growth": growth,
    },
    title="Drift: planted laws, rates, entropy production, schedules",
    head=head,
    simulated="sets",
    defaults=Settings(sweeps=200, refits=400, seed=20265),
    results=Path("studies/results/drift_laws"),
    page=Path("studies/results/drift_laws.md"),
)

if __name__ == "__main__":
    STUDY.main()
