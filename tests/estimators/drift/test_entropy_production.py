"""Entropy production (F-222 to F-224): closed form of a biased cycle, reversible chains, sign of dS/dt."""

import numpy as np
import pytest

from alignthermo.errors import ConfigError, InsufficientData
from alignthermo.estimators.drift import DriftSeries, entropy_change, path_irreversibility
from alignthermo.testsystems.biased_cycle import BiasedCycle
from tests.estimators.drift.simulated import LINEAR, NONE, resampling, series_of


def found(walks, seed=0):
    return path_irreversibility(list(walks), resampling=resampling(np.random.default_rng(seed), 299))


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.3), (0.6, 0.1)])
def test_biased_cycle_has_the_closed_form_rate(p, q):  # F-222, F-223
    cycle = BiasedCycle(forward=p, backward=q)
    values = [found(cycle.sample(60, 16, rng=np.random.default_rng(k))) for k in range(80)]
    truth = cycle.entropy_production
    mean = np.array([v.rate.value for v in values])
    assert abs(mean.mean() - truth) < 4.0 * mean.std() / np.sqrt(mean.size)
    cover = np.mean([v.rate.low <= truth <= v.rate.high for v in values])
    off = np.mean([v.rate.low <= 2.0 * truth <= v.rate.high for v in values])
    assert cover > 0.87
    assert off < 0.6
    assert all(v.verdict == "irreversible" for v in values)


def plain(walks):
    counts = np.bincount((3 * walks[:, :-1] + walks[:, 1:]).ravel(), minlength=9).reshape(3, 3)
    share = counts / counts.sum()
    return float((share * np.log(share / share.T)).sum())


def test_a_reversible_chain_shows_nothing_and_the_plain_form_would():  # F-223, F-224
    cycle = BiasedCycle(forward=0.35, backward=0.35)
    walks = [cycle.sample(40, 12, rng=np.random.default_rng(k)) for k in range(200)]
    out = [found(one, seed=k) for k, one in enumerate(walks)]
    value = np.array([one.rate.value for one in out])
    assert abs(value.mean()) < 4.0 * value.std() / np.sqrt(value.size)
    claims = np.mean([one.verdict == "irreversible" for one in out])
    assert claims < 0.11
    assert np.mean([one.rate.low <= 0.0 for one in out]) > 0.9
    biased = np.array([plain(one) for one in walks])
    assert biased.mean() > 10.0 * biased.std() / np.sqrt(biased.size)


def test_reversible_chains_with_memory_and_uneven_states_show_nothing():
    rng = np.random.default_rng(1)
    weights = np.array([[4.0, 2.0, 1.0], [2.0, 6.0, 3.0], [1.0, 3.0, 1.0]])  # symmetric: detailed balance
    occupied = weights.sum(axis=1) / weights.sum()
    step = weights / weights.sum(axis=1, keepdims=True)
    claims = 0
    for k in range(60):
        state = np.empty((30, 14), dtype=np.int64)
        state[:, 0] = rng.choice(3, 30, p=occupied)
        for t in range(1, 14):
            state[:, t] = (rng.random(30)[:, None] > step[state[:, t - 1]].cumsum(axis=1)).sum(axis=1)
        claims += found(state, seed=k).verdict == "irreversible"
    assert claims <= 9


def test_unknown_states_break_the_chain_and_nothing_is_invented():
    walk = np.array([0, 1, 2, -1, 0, 1, 2])
    assert found([walk] * 9).n_transitions == 36
    assert any("lower bound" in note for note in found([walk] * 9).rate.caveats)
    two = found([np.array([0, 1, 0, 1, 1])] * 9)
    assert any("two states" in note for note in two.rate.caveats)
    with pytest.raises(InsufficientData, match="two known states"):
        found([np.array([0, -1, 1])])
    with pytest.raises(InsufficientData, match="got 0"):
        found([])
    few = found([walk] * 5)
    assert np.isnan(few.rate.low)
    assert few.rate.reason == "too few conversations: 5, an interval needs 8"
    with pytest.raises(ConfigError, match="p, q > 0"):
        BiasedCycle(forward=0.9, backward=0.2)


def test_the_sign_of_the_entropy_change():
    rng = np.random.default_rng(2)
    rising = series_of(LINEAR, 60, rng)
    falling = DriftSeries(
        conversation=rising.conversation, turns=rising.turns, tokens=rising.tokens, value=-rising.value
    )
    signs = [
        entropy_change(s, resampling=resampling(rng)).sign
        for s in (rising, falling, series_of(NONE, 60, rng))
    ]
    assert signs == ["rises", "falls", "undecided"]
