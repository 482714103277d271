"""What goes with drift over instructions: planted relations, their nulls, and the rank share of kinds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from alignthermo.errors import InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.experiments.drift.correlates import correlate_findings, rank_share
from alignthermo.experiments.drift.cuts import drift_cuts, whole_run
from alignthermo.experiments.drift.maker import DriftMaker
from tests.experiments.drift.synthetic_rows import LINEAR, Planted, config, drift_rows

FACTORS = tuple(0.5 + 0.1 * i for i in range(12))
PLANTED = Planted(
    law=replace(LINEAR, noise_sd=0.05),
    conversations=36,
    probes=1,
    instruction_factors=FACTORS,
    categories=("a", "b"),
)


def correlated(planted, **settings):
    run = whole_run(drift_rows(planted, seed=4))
    maker = DriftMaker(config=config(**settings), cut=next(iter(drift_cuts(run))))
    records, verdicts = correlate_findings(maker)
    return {(r.quantity, r.slice.get("adjusted")): r.estimate for r in records}, verdicts


def test_instructions_that_drift_with_their_free_energy_are_found():
    found, (claim,) = correlated(PLANTED)
    for adjusted in ("none", "category"):
        assert found["drift_vs_free_energy", adjusted].value > 0.9
        assert found["drift_vs_free_energy", adjusted].n == 12
    assert claim.outcome == "as the paper says"


def test_without_a_relation_none_is_claimed():
    found, (claim,) = correlated(replace(PLANTED, instruction_factors=(1.0,) * 12))
    assert claim.outcome == "no relation found"
    assert abs(found["drift_vs_free_energy", "none"].value) < 0.6


def test_few_instructions_and_no_base_say_so():
    found, (claim,) = correlated(replace(PLANTED, conversations=5))
    assert claim.outcome == "inconclusive"
    assert "needs 8" in found["drift_vs_free_energy", "none"].reason
    found, claims = correlated(replace(PLANTED, conversations=5), base=None, wish=None)
    assert claims == []
    assert ("drift_vs_kind", None) in found


def resampling(seed=0, n=400):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=n)


def test_the_share_of_kinds_is_that_of_kruskal_and_wallis():
    """F-250 against scipy's H, ties included."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        values, kind = rng.integers(0, 9, 20).astype(float), rng.integers(0, 3, 20)
        h = stats.kruskal(*(values[kind == one] for one in range(3))).statistic
        found = rank_share(values, kind, resampling=resampling(n=100))
        assert found.value == pytest.approx((h - 3 + 1) / (20 - 3))


def test_kinds_that_do_not_matter_are_found_in_one_run_out_of_twenty():
    rng = np.random.default_rng(2)
    kind = np.repeat([0, 1, 2], 6)
    found = [rank_share(rng.normal(size=18), kind, resampling=resampling(i, 200)) for i in range(200)]
    p = np.array([float(one.caveats[0].split()[2]) for one in found])
    assert 0.02 <= (p < 0.05).mean() <= 0.09
    assert abs(np.mean([one.value for one in found])) < 0.03
    apart = rank_share(rng.normal(size=18) + 2.0 * kind, kind, resampling=resampling())
    assert float(apart.caveats[0].split()[2]) < 0.02


def test_too_few_kinds_or_instructions_are_refused():
    with pytest.raises(InsufficientData, match="8 of at least 2 kinds"):
        rank_share(np.arange(9.0), np.zeros(9), resampling=resampling())
    with pytest.raises(InsufficientData, match="6 instructions"):
        rank_share(np.arange(6.0), np.repeat([0, 1], 3), resampling=resampling())
    same = rank_share(np.ones(9), np.arange(9) % 2, resampling=resampling())
    assert same.reason == "drift rates that do not vary"
