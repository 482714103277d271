"""Rank correlation over instructions (F-225): closed form of the normal copula, kinds, ties, refusals."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from scipy import stats

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift import rank_correlation
from tests.estimators.drift.simulated import resampling


def found(x, y, kind=None, seed=0, n=199):
    return rank_correlation(x, y, kind=kind, resampling=resampling(np.random.default_rng(seed), n))


def test_it_is_spearman_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 40).astype(float), rng.integers(0, 6, 40) + 0.0
    assert found(x, y).rho.value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("r", [0.0, 0.7])
def test_intervals_cover_the_copula_and_a_wrong_truth_fails(r):  # F-225
    truth, hit, off = 6.0 / np.pi * np.arcsin(r / 2.0), [], []
    for k in range(250):
        rng = np.random.default_rng([3, k])
        x = rng.standard_normal(40)
        rho = found(x, r * x + np.sqrt(1.0 - r * r) * rng.standard_normal(40), n=100).rho
        hit.append(rho.low <= truth <= rho.high)
        off.append(rho.low <= truth - 0.35 <= rho.high)
    assert 0.9 <= np.mean(hit) <= 0.99
    assert np.mean(off) < 0.6


def test_what_kinds_explain_is_taken_out():
    partial, plain, inside = [], [], []
    for k in range(60):
        rng = np.random.default_rng([4, k])
        kind = np.repeat(np.arange(4), 8)
        x, y = (3.0 * kind + rng.standard_normal(32) for _ in range(2))
        partial.append(found(x, y, kind, seed=k).p_value <= 0.05)
        plain.append(found(x, y, seed=k).p_value <= 0.05)
        inside.append(found(x, x + 0.3 * rng.standard_normal(32), kind, seed=k).p_value <= 0.05)
    assert np.mean(partial) < 0.15
    assert np.mean(plain) > 0.95
    assert np.mean(inside) > 0.95
    assert found(x, y, kind).partial_for == 4


def test_refusals():
    x = np.arange(12.0)
    assert found(np.zeros(12), x).rho.reason == "a quantity that does not vary"
    with pytest.raises(InputError, match="NaN"):
        found(np.where(x == 3.0, np.nan, x), x)
    with pytest.raises((InputError, TypeCheckError), match=r"different lengths|instruction=12"):
        found(x, x[:-1])
    with pytest.raises(InsufficientData, match="needs 11"):
        found(x[:10], x[:10], np.repeat(np.arange(4), [3, 3, 2, 2]))
