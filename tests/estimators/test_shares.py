"""Shares of grouped draws: closed forms, coverage, and a planted interval that must fail (F-186)."""

import numpy as np
import pytest

from alignthermo.estimators import Resampling, clopper_pearson, cluster_proportion, clustered_share


def resampling(seed=0):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=200)


def test_one_draw_per_prompt_is_exact():
    part = np.array([1.0] * 7 + [0.0] * 5)
    found, exact = clustered_share(part, np.ones(12), resampling=resampling()), clopper_pearson(7, 12)
    assert (found.value, found.low, found.high) == (exact.value, exact.low, exact.high)


@pytest.mark.parametrize("n", [3, 12])
def test_prompts_that_agree_count_once_each(n):
    none = clustered_share(np.zeros(n), np.full(n, 50.0), resampling=resampling())
    assert none.high == pytest.approx(1.0 - 0.025 ** (1 / n))
    assert none.low == 0.0
    assert "counted as one draw" in none.caveats[0]


def test_few_prompts_are_wide_and_say_so():
    found = clustered_share(np.array([1.0, 3.0, 2.0]), np.full(3, 4.0), resampling=resampling())
    assert found.value == 0.5
    assert found.low < 0.1
    assert found.high > 0.9
    assert "3 prompts counted as one draw" in found.caveats[0]


def test_many_prompts_have_the_cluster_bootstrap():
    part, whole = np.tile([1.0, 2.0, 3.0], 10), np.full(30, 4.0)
    found = clustered_share(part, whole, resampling=resampling(4))
    twin = cluster_proportion(part, whole, rng=np.random.default_rng(4), n_resamples=200)
    assert (found.low, found.high) == (twin.low, twin.high)


def test_prompts_without_draws_are_left_out_and_no_draw_is_unknown():
    part, whole = np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0])
    assert clustered_share(part, whole, resampling=resampling()).n == 2
    nothing = clustered_share(np.zeros(2), np.zeros(2), resampling=resampling())
    assert np.isnan(nothing.value)
    assert nothing.reason == "there is no draw"


def test_intervals_cover_draws_that_hang_together_and_pooled_ones_do_not():
    rng, truth, hits = np.random.default_rng(11), 0.4, np.zeros(2)
    for _ in range(150):
        part = rng.binomial(6, rng.beta(0.8, 1.2, size=20)).astype(float)
        ours = clustered_share(part, np.full(20, 6.0), resampling=Resampling(rng=rng, n_resamples=200))
        pooled = clopper_pearson(int(part.sum()), 120)
        hits += [one.low <= truth <= one.high for one in (ours, pooled)]
    assert hits[0] >= 0.89 * 150
    assert hits[1] < 0.85 * 150
