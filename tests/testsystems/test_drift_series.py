"""Planted drifts (F-229): moments of the process against closed form, rates against differences."""

from dataclasses import replace

import numpy as np
import pytest

from alignthermo.errors import ConfigError
from alignthermo.testsystems.drift_series import PlantedDrift

LAWS = {
    "none": PlantedDrift(law="none"),
    "linear": PlantedDrift(law="linear", drift=1.0),
    "saturating": PlantedDrift(law="saturating", drift=1.0, scale=3.0),
    "power": PlantedDrift(law="power", drift=1.0, scale=2.0),
    "step": PlantedDrift(law="step", drift=1.0, scale=7.5, scale_sd=2.0),
}


@pytest.mark.parametrize("system", LAWS.values(), ids=LAWS)
def test_rate_is_the_slope_of_the_mean_and_samples_have_that_mean(system):
    t = np.array([2.0, 7.0, 12.0])
    slope = (system.mean(t + 1e-5) - system.mean(t - 1e-5)) / 2e-5
    np.testing.assert_allclose([system.rate(float(x)) for x in t], slope, atol=1e-6)
    rows = replace(system, level=0.4).sample(4000, rng=np.random.default_rng(0))
    mean = rows.value.reshape(4000, 16).mean(axis=0)
    np.testing.assert_allclose(mean, 0.4 + system.mean(np.arange(1.0, 17.0)), atol=0.045)


@pytest.mark.parametrize("at_rest", [True, False])
def test_noise_has_the_covariance_of_the_process(at_rest):  # F-229
    system = PlantedDrift(law="none", noise_sd=0.8, correlation_turns=3.0, at_rest=at_rest, nugget_sd=0.5)
    value = system.sample(20_000, rng=np.random.default_rng(1)).value.reshape(20_000, 16)
    t = np.arange(1.0, 17.0)
    wanted = 0.64 * np.exp(-np.abs(t[:, None] - t) / 3.0) + 0.25 * np.eye(16)
    wanted = wanted - 0.64 * np.exp(-(t[:, None] + t) / 3.0) * at_rest
    np.testing.assert_allclose(np.cov(value.T), wanted, atol=0.035)


def test_an_oscillator_set_off_at_rest_relaxes_as_one_process():
    """Mean and noise share τ: increments regress on the distance to the plateau with 1 − e^(−1/τ)."""
    system = PlantedDrift(
        law="saturating", drift=2.0, scale=4.0, correlation_turns=4.0, at_rest=True, noise_sd=0.5
    )
    value = system.sample(4000, rng=np.random.default_rng(2)).value.reshape(4000, 16)
    away, change = (2.0 - value[:, :-1]).ravel(), np.diff(value, axis=1).ravel()
    assert (away @ change) / (away @ away) == pytest.approx(1.0 - np.exp(-0.25), abs=0.01)


def test_ends_gaps_and_tokens():
    system = PlantedDrift(law="none", n_turns=20, min_turns=10, missing=0.2, tokens_per_turn=30.0)
    rows = system.sample(500, rng=np.random.default_rng(3))
    last = np.array([rows.turns[rows.conversation == g].max() for g in range(50)])
    assert last.min() >= 10.0
    assert last.max() <= 20.0
    assert np.isnan(rows.value).mean() == pytest.approx(0.2, abs=0.02)
    assert (rows.tokens / rows.turns).mean() == pytest.approx(30.5, rel=0.05)


def test_impossible_settings_are_refused():
    for wrong in ({"noise_sd": -1.0}, {"missing": 1.0}, {"correlation_turns": 0.0}, {"min_turns": 40}):
        with pytest.raises(ConfigError, match="PlantedDrift"):
            PlantedDrift(law="none", **wrong)
    with pytest.raises(ConfigError, match="needs scale > 0"):
        PlantedDrift(law="power", scale=0.0)
