"""Differences of two thresholds over shared prompts (F-200)."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import threshold_difference
from tests.estimators.laws.simulated import GRID, as_sweep, step, sweep_of

PLANTED = 0.1


def how(seed):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=100)


def two_models(rng, *, shift=PLANTED, prompts=20, spread=0.15):
    """Probabilities of two models on the same prompts; the first one's thresholds lie `shift` higher."""
    own = spread * rng.standard_normal(prompts)[:, None]
    noise = 0.5 * rng.standard_normal((2, prompts, GRID.size))
    first, second = (
        expit(8.0 * (0.45 + more + own - GRID[None, :]) + scatter)
        for more, scatter in zip((shift, 0.0), noise, strict=True)
    )
    return as_sweep(first, GRID, kind="probability"), as_sweep(second, GRID, kind="probability")


def test_the_planted_difference_is_covered_and_a_shifted_one_is_not():
    rng, runs = np.random.default_rng(3), 24
    found = [threshold_difference(*two_models(rng), resampling=how(k)) for k in range(runs)]
    assert abs(np.mean([e.value for e in found]) - PLANTED) < 0.01
    least = stats.binom.ppf(0.00135, runs, 0.93)
    assert sum(e.low <= PLANTED <= e.high for e in found) >= least
    wrong = PLANTED + 3.0 * np.median([e.stderr for e in found])
    assert sum(e.low <= wrong <= e.high for e in found) < least


def test_prompts_in_common_cancel():
    """Thresholds scatter by 0.15 between prompts, but the difference is far better known than each."""
    one, other = two_models(np.random.default_rng(5))
    paired = threshold_difference(one, other, resampling=how(0))
    strangers = replace(other, cluster=(other.cluster + 7) % 20)
    assert paired.stderr < 0.4 * threshold_difference(one, strangers, resampling=how(0)).stderr


def test_a_model_does_not_differ_from_itself():
    one, _ = two_models(np.random.default_rng(1))
    found = threshold_difference(one, one, resampling=how(0))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_only_shared_prompts_count():
    one, other = two_models(np.random.default_rng(2))
    fewer = other.of_prompts(np.arange(12))
    found = threshold_difference(one, fewer, resampling=how(0))
    assert found.n == 12
    assert found.value == threshold_difference(one.of_prompts(np.arange(12)), fewer, resampling=how(0)).value


def test_a_missing_threshold_bounds_the_difference_on_one_side_only():
    rng = np.random.default_rng(4)
    kept = sweep_of(lambda a: np.full(a.shape, 0.9), rng)
    broken = sweep_of(lambda a: np.full(a.shape, 0.1), rng)
    falls = sweep_of(lambda a: expit(9.0 * (0.5 - a)), rng)
    above = threshold_difference(kept, falls, resampling=how(0))
    assert np.isnan(above.value)
    assert 0.4 < above.low < 0.55
    assert np.isnan(above.high)
    assert "first: not bracketed: kept" in above.reason
    below = threshold_difference(falls, kept, resampling=how(0))
    assert -0.55 < below.high < -0.4
    assert 0.4 < threshold_difference(falls, broken, resampling=how(0)).low < 0.55
    assert np.isnan(threshold_difference(kept, broken, resampling=how(0)).low)


def test_a_step_gives_whole_cells():
    rng = np.random.default_rng(6)
    one, other = sweep_of(step, rng, spread=0.0), sweep_of(lambda a: step(a + 0.2), rng, spread=0.0)
    found = threshold_difference(one, other, resampling=how(0))
    assert found.low <= 0.2 <= found.high
    assert found.high - found.low >= 2 / 17
    assert found.caveats


def test_what_cannot_be_compared_is_refused():
    one, other = two_models(np.random.default_rng(0))
    with pytest.raises(InputError, match="no prompt in common"):
        threshold_difference(one, replace(other, cluster=other.cluster + 100), resampling=how(0))
    with pytest.raises(InputError, match="different order parameters"):
        threshold_difference(one, replace(other, column="other"), resampling=how(0))
