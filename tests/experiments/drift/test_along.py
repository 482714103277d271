"""Drift against a setting that differs between runs: planted slopes, null, unlike runs."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from alignthermo.api import DriftResult, drift_along
from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.experiments.drift import RunAt, drift_slopes
from alignthermo.quantities import random_stream
from tests.experiments.drift.synthetic_rows import LINEAR, Planted, drift_rows

PLANTED = Planted(law=replace(LINEAR, noise_sd=0.3), conversations=24, probes=1)
END = 0.2 * 8.5
"""Drift beyond the length effect in the last third."""


def resampling(quantity):
    return Resampling(rng=random_stream(0, quantity), n_resamples=200)


def runs(factors, *, seed=0):
    """The same conversations, whose drift beyond length is multiplied by what the setting is."""
    rows = [
        drift_rows(replace(PLANTED, instruction_factors=(f,)), seed=seed + n) for n, f in enumerate(factors)
    ]
    return [RunAt(value=value, rows=one) for value, one in zip((0.5, 1.0, 2.0), rows, strict=False)]


def slope(found, name):
    (record,) = [one for one in found if one.quantity == f"{name}_end_slope"]
    assert record.slice == {"arm": "plain", "category": "all", "along": "temperature"}
    return record.estimate


@pytest.mark.parametrize("factors", [(0.5, 1.0, 2.0), (0.5, 1.0)])
def test_a_planted_slope_is_found(factors):
    found = slope(drift_slopes(runs(factors), setting="temperature", resampling=resampling), "drift")
    assert found.low < END < found.high
    assert found.high - found.low < 0.7
    assert (found.n, found.unit) == (24, "nat/(temperature)")
    assert found.caveats[-1].startswith("mean by value: 0.5: ")


def test_no_slope_is_claimed_where_nothing_differs():
    claimed = 0
    for seed in range(20):
        found = drift_slopes(
            runs((1.0, 1.0, 1.0), seed=10 * seed), setting="temperature", resampling=resampling
        )
        one = slope(found, "drift")
        claimed += not one.low <= 0.0 <= one.high
    assert claimed <= 4  # of 20 at 95 %: more has a chance of 0.3 %


def test_only_common_conversations_count_and_what_is_missing_has_a_reason():
    both = runs((1.0, 2.0))
    table = both[1].rows
    fewer = RunAt(value=1.0, rows=table.filter(np.asarray(table["number"]) < 10))
    found = drift_slopes([both[0], fewer], setting="temperature", resampling=resampling)
    assert slope(found, "drift").n == 10
    nothing = table.set_column(
        table.schema.get_field_index("relaxation"), "relaxation", pa.nulls(table.num_rows, pa.float64())
    )
    found = drift_slopes(
        [both[0], RunAt(value=1.0, rows=nothing)], setting="temperature", resampling=resampling
    )
    assert "no conversation that all runs have" in slope(found, "relaxation").reason


def test_runs_that_do_not_belong_together():
    one, two = runs((1.0, 2.0))
    with pytest.raises(InputError, match="two different values"):
        drift_slopes([one, replace(two, value=one.value)], setting="t", resampling=resampling)
    names = pa.array([f"other {name}" for name in two.rows["instruction"].to_pylist()])
    other = two.rows.set_column(two.rows.schema.get_field_index("instruction"), "instruction", names)
    with pytest.raises(InputError, match="different instructions"):
        drift_slopes([one, replace(two, rows=other)], setting="t", resampling=resampling)
    blind = drift_rows(replace(PLANTED, references=False), seed=3)
    with pytest.raises(InputError, match="compliance is measured by"):
        drift_slopes([one, replace(two, rows=blind)], setting="t", resampling=resampling)


def test_results_beside_each_other():
    results = [
        DriftResult(
            records=(),
            verdicts=(),
            shard_records=(),
            tables={"probe": one.rows},
            run={"config": {"temperature": one.value, "mode": "self_chat"}},
        )
        for one in runs((0.5, 1.0, 2.0))
    ]
    found = slope(drift_along(results, "temperature"), "drift")
    assert found.low < END < found.high
    named = drift_along(results, "beta", values=[2.0, 1.0, 0.5])
    assert {one.slice["along"] for one in named} == {"beta"}
    with pytest.raises(InputError, match="no number in the settings"):
        drift_along(results, "mode")
    with pytest.raises(InputError, match="3 runs and 2 values"):
        drift_along(results, "beta", values=[1.0, 0.5])
