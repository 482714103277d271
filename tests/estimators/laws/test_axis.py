"""The bent axis (F-247): its inverse, its derivative, when it is chosen, and what it is good for."""

import numpy as np
import pytest
from scipy.optimize import brentq

from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import threshold
from alignthermo.estimators.laws.axis import BENDS, Axis
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.population import fit_population
from tests.estimators.laws.simulated import GRID, accumulation, as_sweep, line, logistic, sweep_of


@pytest.mark.parametrize("bend", [0.0, *BENDS])
def test_there_and_back_and_the_slope_between(bend):
    axis = Axis(low=0.1, span=0.7, bend=bend)
    alpha = np.linspace(0.1, 0.8, 23)
    t = axis.to_t(alpha)
    np.testing.assert_allclose(t[[0, -1]], [-0.5, 0.5], atol=1e-12)
    assert (np.diff(t) > 0.0).all()
    np.testing.assert_allclose(axis.to_alpha(t), alpha, atol=1e-12)
    for at in (-0.4, 0.0, 0.3):
        ends = axis.to_alpha(np.array([at - 1e-6, at + 1e-6]))
        assert axis.alpha_per_t(at) == pytest.approx(np.ptp(ends) / 2e-6, rel=1e-6)


def test_a_bend_draws_its_end_apart():
    early, late = (
        Axis(low=0.0, span=1.0, bend=bend).to_t(np.array([0.0, 0.1, 0.9, 1.0])) for bend in (16.0, -16.0)
    )
    assert np.diff(early)[0] > 0.3 > 0.05 > np.diff(early)[2]
    np.testing.assert_allclose(late, -early[::-1])


def early(alpha):
    return 0.95 - 0.85 * np.clip(alpha, 0.0, 1.0) ** 0.25


def chosen(curve, seed):
    sweep = sweep_of(curve, np.random.default_rng(seed), prompts=50, trials=10)
    return fit_population(make_panel(sweep)).axis.bend


def test_the_axis_is_bent_where_the_curve_is_and_nowhere_else():
    assert all(chosen(early, seed) > 0.0 for seed in range(5))
    assert all(chosen(lambda a: 1.05 - early(1.0 - a), seed) < 0.0 for seed in range(5))
    for curve in (logistic, line, accumulation):
        assert sum(chosen(curve, seed) != 0.0 for seed in range(6)) <= 2


def covered(sweeps):
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    truth = brentq(lambda a: float(early(a - 0.06 * nodes) @ weights) / weights.sum() - 0.5, 0.0, 0.5)
    found = []
    for seed in range(sweeps):
        rng = np.random.default_rng([seed, 1])
        sweep = sweep_of(early, rng, prompts=50, trials=10)
        found.append(threshold(sweep, resampling=Resampling(rng=rng, n_resamples=200)).alpha_c)
    bias = np.mean([one.value for one in found]) - truth
    return float(np.mean([one.low <= truth <= one.high for one in found])), abs(float(bias))


@pytest.mark.slow
def test_a_crossing_that_comes_at_once_is_covered_on_the_bent_axis_only(monkeypatch):
    share, bias = covered(60)
    assert share >= 0.88
    assert bias < 0.01
    monkeypatch.setattr("alignthermo.estimators.laws.population.BENDS", (0.0,))
    share, bias = covered(60)
    assert share <= 0.85
    assert bias > 0.012


def test_log_odds_choose_theirs():
    rng = np.random.default_rng(3)
    scatter = 0.5 * rng.standard_normal((20, 1)) + 0.3 * rng.standard_normal((20, GRID.size))
    straight = as_sweep(4.0 - 8.0 * GRID + scatter, GRID, kind="log_odds")
    early = as_sweep(6.0 - 10.0 * GRID**0.25 + scatter, GRID, kind="log_odds")
    assert fit_population(make_panel(early)).axis.bend > 0.0
    assert abs(fit_population(make_panel(straight)).axis.bend) <= 4.0
