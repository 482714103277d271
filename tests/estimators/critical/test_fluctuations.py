"""Outcome variance (F-170, F-171) and fluctuations of h (F-172, F-173) against exact laws and nulls."""

import numpy as np
import pytest

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.critical import field_fluctuations, outcome_variance, variance_ratio
from alignthermo.estimators.critical.field_fluctuations import additive_log_odds, ensemble_moments
from alignthermo.estimators.laws import ReplyRun
from alignthermo.testsystems.conversational import (
    Contexts,
    DecayingMemory,
    MeanField,
    arranged,
    rollout_law,
    simulate_rollouts,
)

CONTEXT = Contexts.of(arranged(48, n_adv=24, order="interleaved")[None], turn_tokens=8)
ORDERED = MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=12)
ADDITIVE = DecayingMemory(field=0.0, kernel=(0.4,), own_kernel=(0.3, 0.2, 0.1))
DEAF = DecayingMemory(field=0.5, kernel=(0.4,))


def how(seed, n=100):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=n)


def h_of(law, kept):
    sign = np.where(kept > 0, 1, -1).astype(np.int64)
    return np.stack(
        [
            law.log_odds(CONTEXT.with_own(sign[:, :turn])) * np.ones(len(sign))
            for turn in range(sign.shape[1])
        ],
        axis=1,
    )


def rollouts(law, rng, *, n=24, replicates=150):
    kept = simulate_rollouts(law, CONTEXT, n_replies=n, replicates=replicates, rng=rng).astype(float)
    return ReplyRun(kept=kept, inputs=np.zeros((*kept.shape, 0)))


def exact_ratio(law, n):
    pmf, k = rollout_law(law, CONTEXT, n_replies=n), np.arange(n + 1)
    p = simulate_rollouts(law, CONTEXT, n_replies=n, replicates=40_000, rng=np.random.default_rng(99)).mean(0)
    return float(pmf @ (k - pmf @ k) ** 2) / float((p * (1 - p)).sum())


@pytest.mark.parametrize("law", [ORDERED, ADDITIVE, DEAF], ids=["ordered", "additive", "deaf"])
def test_the_ratio_is_that_of_the_exact_law(law):
    rng = np.random.default_rng(0)
    truth = exact_ratio(law, 12)
    many = rollouts(law, rng, n=12, replicates=20_000)
    assert float(variance_ratio(many.kept)) == pytest.approx(truth, rel=0.04)
    if law is DEAF:
        assert truth == pytest.approx(1.0, rel=0.02)


def test_a_single_reply_at_fixed_context_has_no_excess_by_identity():
    kept = np.random.default_rng(1).integers(0, 2, (50, 1)).astype(float)
    assert float(variance_ratio(kept)) == pytest.approx(1.0)
    assert np.isnan(variance_ratio(np.ones((5, 3))))


def test_only_cooperation_exceeds_the_additive_null():
    rng = np.random.default_rng(2)
    magnet = outcome_variance(rollouts(ORDERED, rng), resampling=how(0))
    assert magnet.excess.low > 0.0
    assert magnet.ratio.low > 5.0
    scores = []
    for seed in range(8):
        additive = outcome_variance(rollouts(ADDITIVE, rng), resampling=how(seed), n_lags=4)
        assert additive.ratio.low > 1.0, "feedback alone widens the outcome"
        scores.append(additive.excess.value / additive.excess.stderr)
    assert np.abs(scores).max() < 3.5
    assert np.mean(np.abs(scores) < 2.0) >= 0.75


def test_h_of_a_fitted_law_is_that_of_the_law():
    run = rollouts(ADDITIVE, np.random.default_rng(3), n=10, replicates=30)
    material = -0.4 if CONTEXT.material[0, -1] < 0 else 0.4
    theta = np.array([[material, 0.3, 0.2, 0.1, 0.0, 0.0]])
    found = additive_log_odds(theta, run.kept[None], run.inputs, n_lags=4)[0]
    np.testing.assert_allclose(found, h_of(ADDITIVE, run.kept), atol=1e-12)
    far = additive_log_odds(np.array([[0.0, 0.0, 1.0]]), run.kept[None], run.inputs, n_lags=1)[0]
    sign = 2.0 * run.kept - 1.0
    np.testing.assert_allclose(far[:, 5], sign[:, :4].sum(axis=1))


def test_moments_are_detrended_by_the_ensemble():
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((4000, 12))
    h = noise.copy()
    for turn in range(1, 12):
        h[:, turn] = 0.6 * h[:, turn - 1] + 0.8 * noise[:, turn]
    variance, lag_one = ensemble_moments(h + 0.5 * np.arange(12))
    assert float(variance) == pytest.approx(1.0, rel=0.05)
    assert float(lag_one) == pytest.approx(0.6, abs=0.02)
    assert np.isnan(ensemble_moments(np.full((30, 12), 0.3))[1])


def test_fluctuations_of_h_beyond_the_null_are_cooperative():
    rng = np.random.default_rng(5)
    run = rollouts(ORDERED, rng)
    magnet = field_fluctuations(run, h_of(ORDERED, run.kept), resampling=how(1))
    assert magnet.variance.low > 0.5
    assert magnet.lag_one.value > 0.5
    scores = []
    for seed in range(6):
        run = rollouts(ADDITIVE, rng)
        found = field_fluctuations(run, h_of(ADDITIVE, run.kept), resampling=how(seed), n_lags=3)
        scores += [e.value / e.stderr for e in (found.excess_variance, found.excess_lag_one)]
        assert found.variance.value > 0.05
    assert np.abs(scores).max() < 4.0
    assert np.mean(np.abs(scores) < 2.0) >= 0.75
    # planted wrong: h of another, twice as strong law is an excess
    doubled = field_fluctuations(run, 2.0 * h_of(ADDITIVE, run.kept), resampling=how(2), n_lags=3)
    assert doubled.excess_variance.low > 0.0


def test_shuffled_replies_have_no_excess():
    rng = np.random.default_rng(6)
    kept = rng.permuted(rollouts(ORDERED, rng).kept, axis=0)
    found = outcome_variance(ReplyRun(kept=kept, inputs=np.zeros((*kept.shape, 0))), resampling=how(3))
    assert abs(found.ratio.value - 1.0) < 4.0 * found.ratio.stderr
    assert abs(found.excess.value) < 4.0 * found.excess.stderr


def test_replies_that_are_all_alike_have_no_variance_and_say_so():
    alike = outcome_variance(ReplyRun(kept=np.ones((30, 8)), inputs=np.zeros((30, 8, 0))), resampling=how(0))
    for estimate in (alike.ratio, alike.excess):
        assert np.isnan(estimate.value)
        assert estimate.reason == "all replies alike"


def test_what_cannot_be_measured_is_refused():
    run = ReplyRun(kept=np.eye(30)[:, :8], inputs=np.zeros((30, 8, 0)))
    with pytest.raises(InputError, match="finite"):
        field_fluctuations(run, np.full((30, 8), np.inf), resampling=how(0))
    few = ReplyRun(kept=np.eye(20)[:, :8], inputs=np.zeros((20, 8, 0)))
    with pytest.raises(InsufficientData):
        field_fluctuations(few, np.zeros((20, 8)), resampling=how(0))
    with pytest.raises(InsufficientData):
        outcome_variance(few, resampling=how(0))
