"""Entropy production (F-222 to F-224): closed form of a biased cycle, reversible chains, sign of dS/dt."""

import numpy as np
import pytest

from alignthermo.errors import ConfigError, InsufficientData
from alignthermo.estimators.drift import DriftSeries, entropy_change, path_irreversibility
from alignthermo.estimators.drift.irreversibility import _cycles, _interval
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


@pytest.mark.parametrize(("current", "cycles"), [(0.0, 1), (0.0, 4), (1.5, 1), (1.5, 4), (6.0, 4)])
def test_interval_of_squared_currents_covers(current, cycles):  # F-245
    """Currents drawn outright; one error either side of the unbiased value misses where they are weak."""
    rng = np.random.default_rng(8)
    noise, found, normal = 0.01, [], []
    for drawn in rng.standard_normal((600, cycles)):
        drawn[0] += current
        plain = noise * float((drawn**2).sum())
        error = 2.0 * np.sqrt(plain * noise)
        low, high = _interval(plain, error, cycles=cycles, level=0.95)
        found.append(low <= noise * current**2 <= high)
        normal.append(abs(plain - cycles * noise - noise * current**2) <= 1.96 * error)
    assert 0.93 <= np.mean(found) <= 0.985
    if current == 1.5 and cycles == 1:
        assert np.mean(normal) < 0.92


def test_cycles_are_counted_on_the_graph_of_transitions():  # F-245
    ring = np.roll(np.eye(5), 1, axis=1)
    assert _cycles(ring) == 1
    assert _cycles(np.ones((4, 4))) == 3
    assert _cycles(np.kron(np.eye(2), np.ones((3, 3)))) == 2
    assert _cycles(np.array([[3.0, 1.0], [1.0, 2.0]])) == 1


def test_many_states_without_a_direction_are_covered():  # F-245
    rng = np.random.default_rng(9)
    covered = []
    for _ in range(60):
        states = list(rng.integers(6, size=(30, 16)))
        rate = path_irreversibility(states, resampling=resampling(rng, n=100)).rate
        covered.append(rate.low <= 0.0 <= rate.high)
    assert np.mean(covered) >= 0.93
