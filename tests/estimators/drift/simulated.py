"""Planted drifts for the tests of the drift estimators."""

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import DriftSeries
from alignthermo.testsystems.drift_series import PlantedDrift

COMMON = {"level": 0.2, "level_sd": 0.3, "nugget_sd": 0.1, "n_turns": 14, "min_turns": 9, "missing": 0.1}
NONE = PlantedDrift(law="none", noise_sd=0.3, **COMMON)
LINEAR = PlantedDrift(law="linear", drift=1.0, drift_sd=0.3, noise_sd=0.3, **COMMON)
RELAXING = PlantedDrift(
    law="saturating",
    drift=1.5,
    drift_sd=0.2,
    scale=2.5,
    correlation_turns=2.5,
    noise_sd=0.1,
    at_rest=True,
    **COMMON,
)
STEP = PlantedDrift(law="step", drift=1.2, drift_sd=0.2, scale=6.5, scale_sd=1.5, noise_sd=0.3, **COMMON)


def series_of(system, n, rng, *, first=0):
    rows = system.sample(n, rng=rng)
    return DriftSeries(
        conversation=rows.conversation + first, turns=rows.turns, tokens=rows.tokens, value=rows.value
    )


def resampling(rng, n=400, level=0.95):
    return Resampling(rng=rng, n_resamples=n, level=level)
