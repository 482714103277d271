"""Planted drifts, and every law fitted to many other conversations of each."""

from functools import lru_cache

import numpy as np

from alignthermo.estimators.drift import DriftSeries, compare_drift_laws
from alignthermo.estimators.drift.rate import slope_sums
from alignthermo.testsystems.drift_series import PlantedDrift
from studies.planted.ledger import Settings, stream

COMMON = {"level": 0.2, "level_sd": 0.3, "nugget_sd": 0.2, "n_turns": 20, "min_turns": 12, "missing": 0.1}
RELAXING = {"scale": 3.0, "correlation_turns": 3.0, "at_rest": True}
SYSTEMS = {
    "none": PlantedDrift(law="none", noise_sd=0.4, **COMMON),
    "linear": PlantedDrift(law="linear", drift=0.8, drift_sd=0.3, noise_sd=0.4, **COMMON),
    "OU": PlantedDrift(law="saturating", drift=1.2, drift_sd=0.2, noise_sd=0.3, **RELAXING, **COMMON),
    "OU, quiet": PlantedDrift(
        law="saturating", drift=1.2, drift_sd=0.2, noise_sd=0.15, **RELAXING, **COMMON | {"nugget_sd": 0.1}
    ),
    "step": PlantedDrift(
        law="step", drift=1.0, drift_sd=0.2, scale=8.5, scale_sd=2.5, noise_sd=0.4, **COMMON
    ),
}
GROWING = PlantedDrift(law="power", drift=1.2, drift_sd=0.3, scale=2.5, noise_sd=0.4, **COMMON)
SIZES = (20, 50, 100, 200)
ORACLE_SIZE, MANY = 1000, 100_000


def series_of(system: PlantedDrift, n: int, rng: np.random.Generator) -> DriftSeries:
    rows = system.sample(n, rng=rng)
    return DriftSeries(conversation=rows.conversation, turns=rows.turns, tokens=rows.tokens, value=rows.value)


@lru_cache(maxsize=1)
def oracle_of(label: str, seed: int) -> dict[str, object]:
    """Every law with the parameters of 1,000 other conversations."""
    rng = np.random.default_rng([seed, list(SYSTEMS).index(label)])
    found = compare_drift_laws(series_of(SYSTEMS[label], ORACLE_SIZE, rng))
    return {fit.law.name: fit for fit in found.fits} | {"step": found.step}


@lru_cache(maxsize=8)
def true_slope(label: str, settings: Settings) -> float:
    """Pooled slope of very many conversations."""
    series = series_of(SYSTEMS[label], MANY, stream(settings, f"slope of {label}"))
    top, bottom = slope_sums(series.panel("turns"))
    return float(top.sum() / bottom.sum())
