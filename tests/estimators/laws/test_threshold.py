"""α_c (F-121 to F-124): bias, coverage, what is not bracketed, steps, refinement."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit

from alignthermo.errors import ConfigError, InputError
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import refined_grid, threshold
from alignthermo.estimators.laws.axis import Axis
from alignthermo.estimators.laws.guided import guided_curve
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.pilot import fit_pilot, pilot_curve, pooled
from tests.estimators.laws.simulated import (
    GRID,
    accumulation,
    as_sweep,
    line,
    logistic,
    power,
    step,
    sweep_of,
)


def how(seed, n=100):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=n)


def population_threshold(curve, spread):
    z, w = np.polynomial.hermite_e.hermegauss(41)
    return brentq(lambda a: (w / w.sum()) @ curve(a - spread * z) - 0.5, 0.0, 1.0)


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(line, id="line", marks=pytest.mark.slow),
        pytest.param(logistic, id="logistic"),
        pytest.param(power, id="power"),
        pytest.param(accumulation, id="accumulation", marks=pytest.mark.slow),
    ],
)
def test_alpha_c_is_unbiased_and_covered_and_a_shifted_truth_is_not(curve):
    rng = np.random.default_rng(11)
    truth, sweeps = population_threshold(curve, 0.06), 40
    found = [threshold(sweep_of(curve, rng), resampling=how(k)).alpha_c for k in range(sweeps)]
    assert abs(np.mean([e.value for e in found]) - truth) < 0.01
    least = stats.binom.ppf(0.00135, sweeps, 0.93)
    assert sum(e.low <= truth <= e.high for e in found) >= least
    shift = 2.5 * np.median([e.stderr for e in found])
    assert sum(e.low <= truth + shift <= e.high for e in found) < least


@pytest.mark.parametrize(("level", "side"), [(0.85, "above"), (0.15, "below"), (0.5, "undecided")])
def test_a_constant_is_not_bracketed_and_says_on_which_side(level, side):
    rng = np.random.default_rng(5)
    for k in range(5):
        found = threshold(sweep_of(lambda a: np.full(a.shape, level), rng), resampling=how(k))
        assert found.side == side
        assert np.isnan(found.alpha_c.value)
        assert "not bracketed" in found.alpha_c.reason
    if side == "above":
        assert found.held_until == 1.0
    falling = threshold(sweep_of(line, rng), resampling=how(9))
    assert falling.side is None, "a curve that does fall through 1/2 is bracketed"


def test_an_end_that_is_nearly_told_says_how_many_prompts_would_do():
    rng = np.random.default_rng(12)
    curve, grid = (lambda a: 0.75 - 0.32 * a), np.linspace(0.0, 1.0, 9)
    reason = threshold(
        sweep_of(curve, rng, prompts=20, trials=1, grid=grid), resampling=how(0)
    ).alpha_c.reason
    needed = int(reason.split("about ")[1].split()[0])
    assert 20 < needed < 3000
    enough = [sweep_of(curve, rng, prompts=needed, trials=1, grid=grid) for _ in range(5)]
    assert sum(threshold(sweep, resampling=how(0)).side is None for sweep in enough) >= 3


def test_a_curve_cut_off_before_its_crossing_is_not_extrapolated():
    found = threshold(
        sweep_of(logistic, np.random.default_rng(0), grid=np.linspace(0.0, 0.3, 9)), resampling=how(0)
    )
    assert found.side == "above"
    assert np.isnan(found.alpha_c.high)
    assert 0.2 < found.held_until <= 0.3


def test_a_step_keeps_its_whole_cell_and_refinement_narrows_it():
    rng, grid = np.random.default_rng(8), GRID
    for round_ in range(3):
        sweep = sweep_of(step, rng, spread=0.0, grid=grid)
        found = threshold(sweep, resampling=how(round_))
        width = found.alpha_c.high - found.alpha_c.low
        assert found.alpha_c.low <= 0.45 <= found.alpha_c.high
        assert width == pytest.approx(0.0625 / 4**round_)
        grid = np.sort(np.concatenate([grid, refined_grid(sweep, found)]))
    assert refined_grid(sweep, found, finest=0.01) == ()
    with pytest.raises(ConfigError, match="1 parts"):
        refined_grid(sweep, found, parts=1)


def test_a_resolved_crossing_asks_for_no_refinement():
    sweep = sweep_of(logistic, np.random.default_rng(1))
    assert refined_grid(sweep, threshold(sweep, resampling=how(0))) == ()


def test_log_odds_cross_at_zero_whatever_their_unit():
    rng = np.random.default_rng(2)
    h = 3.0 - 6.0 * GRID + rng.standard_normal((30, 1)) + rng.standard_normal((30, GRID.size))
    one, ten = (
        threshold(as_sweep(k * h, GRID, kind="log_odds"), resampling=how(0)).alpha_c for k in (1.0, 10.0)
    )
    crossing = np.polynomial.Polynomial.fit(GRID, h.mean(axis=0), 1).roots()[0]
    assert one.value == pytest.approx(crossing, abs=0.02)
    np.testing.assert_allclose([one.value, one.low, one.high], [ten.value, ten.low, ten.high], rtol=1e-6)


def test_midpoint_is_not_the_half_when_the_floor_is_high():
    rng = np.random.default_rng(3)
    found = threshold(
        sweep_of(lambda a: 0.4 + 0.6 * expit(14.0 * (0.4 - a)), rng, trials=20), resampling=how(0)
    )
    assert found.alpha_mid.low <= 0.4 <= found.alpha_mid.high
    assert found.alpha_c.value > found.alpha_mid.high
    flat = threshold(sweep_of(lambda a: np.full(a.shape, 0.6), rng), resampling=how(0))
    assert "no significant fall" in flat.alpha_mid.reason


def test_few_prompts_and_thin_candidates_are_said():
    few = threshold(
        sweep_of(logistic, np.random.default_rng(0), prompts=5, trials=20), resampling=how(0)
    ).alpha_c
    assert "too few prompts" in few.reason
    assert np.isnan(few.low)
    assert abs(few.value - 0.5) < 0.1
    rng = np.random.default_rng(1)
    sweep = as_sweep(3.0 - 6.0 * GRID + rng.standard_normal((20, GRID.size)), GRID, kind="log_odds")
    thin = threshold(replace(sweep, mass=np.full(sweep.y.size, 0.6)), resampling=how(0)).alpha_c
    assert "candidate mass 0.60" in thin.reason
    one = threshold(as_sweep(np.full((3, 1), 0.5), np.array([0.5]), kind="probability"), resampling=how(0))
    assert "one value of α" in one.alpha_c.reason
    with pytest.raises(InputError, match="n_resamples"):
        threshold(sweep, resampling=how(0, n=10))


@pytest.mark.parametrize("grid", [(0.0, 1.0), (0.2, 0.7), (0.0, 0.02, 0.04, 1.0)])
def test_a_gap_of_the_grid_is_given_whole_and_refined(grid):
    """Nothing was measured between two neighbours: the crossing lies there, and that is all."""
    sweep = sweep_of(logistic, np.random.default_rng(6), grid=np.array(grid), trials=20)
    found = threshold(sweep, resampling=how(0))
    assert found.cell == pytest.approx(grid[-2:])
    assert (found.alpha_c.low, found.alpha_c.high) == pytest.approx(grid[-2:])
    assert found.alpha_c.low < found.alpha_c.value < found.alpha_c.high
    assert len(refined_grid(sweep, found)) == 3
    assert found.alpha_mid.low <= grid[-2] < grid[-1] <= found.alpha_mid.high


def test_any_small_sweep_gives_an_answer_or_a_reason():
    for seed in range(25):
        rng = np.random.default_rng(seed)
        grid = np.sort(rng.random(int(rng.integers(1, 6))))
        y = np.round(rng.random((int(rng.integers(1, 20)), grid.size)) * rng.integers(1, 3)).clip(0.0, 1.0)
        found = threshold(as_sweep(y, grid, trials=1.0), resampling=how(seed))
        assert np.isfinite(found.alpha_c.value) or found.alpha_c.reason


def test_prompts_not_rows_set_the_error():
    """Ten copies of every row say nothing new: an interval that shrank would count rows."""
    rng = np.random.default_rng(4)
    kept = rng.binomial(1, logistic(GRID - 0.1 * rng.standard_normal((30, 1)))).astype(float)
    once = threshold(as_sweep(kept, GRID, trials=1.0), resampling=how(0)).alpha_c
    tenfold = threshold(as_sweep(10.0 * kept, GRID, trials=10.0), resampling=how(0)).alpha_c
    assert tenfold.stderr == pytest.approx(once.stderr, rel=0.15)


def test_the_guide_corrects_a_wrong_pilot():
    """The exact power law: the four-parameter pilot misses the crossing, the guided curve does not."""
    sharp = 0.95 - 0.85 * GRID**0.5
    panel = make_panel(as_sweep(np.tile(1e4 * sharp, (8, 1)), GRID, trials=1e4))
    data = pooled(panel, np.ones((1, 8)), axis=Axis.of(panel))
    theta = fit_pilot(data)
    at = np.array([(0.45 / 0.85) ** 2 - 0.5])
    pilot_error = abs(pilot_curve(theta, at, normal=False)[0][0, 0] - 0.5)
    guided_error = abs(guided_curve(data, theta, at).value[0, 0] - 0.5)
    assert guided_error < 0.01 < pilot_error
