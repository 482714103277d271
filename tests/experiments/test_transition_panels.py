"""What a picture of a curve shows besides its points: held-out gaps, the base's curve, the null's curve."""

import numpy as np
import pytest

HERE = {"length": "100", "control": "attack"}
"""The curve that is looked at; the constant field has one size for all lengths."""


def found(accumulator, quantity):
    return [
        record
        for record in accumulator.records
        if record.quantity == quantity and all(record.slice.get(k, v) == v for k, v in HERE.items())
    ]


def test_gaps_are_behind_the_best_law_with_two_errors(accumulator):
    gaps = {record.slice["law"]: record.estimate for record in found(accumulator, "law_gap")}
    assert {"constant", "line", "accumulation", "logistic"} <= set(gaps)
    assert min(gap.value for gap in gaps.values()) == 0.0
    assert gaps["constant"].low > 0.0
    for gap in gaps.values():
        assert gap.high - gap.low == pytest.approx(4.0 * gap.stderr)
    (law,) = (v for v in accumulator.verdicts if v.name == "law" and v.slice["length"] == HERE["length"])
    assert gaps[law.outcome].low <= 0.0


def test_the_curve_of_the_base_is_the_mean_over_its_prompts(accumulator):
    rows = accumulator.to_pandas()
    rows = rows[(rows["size"] == 100.0) & (rows["control"] == "attack")]
    means = rows[rows["model"] == "base"].groupby("wanted_alpha")["p_kept"].mean()
    points = {float(r.slice["wanted_alpha"]): r.estimate.value for r in found(accumulator, "base_p_kept")}
    assert points == pytest.approx(means.to_dict())
    measured = {float(r.slice["wanted_alpha"]): r.estimate.value for r in found(accumulator, "p_kept")}
    assert all(points[alpha] < measured[alpha] for alpha in points)  # the stub's base lacks a field


def test_the_null_and_the_measured_curve_differ_by_what_is_recorded(accumulator):
    measured, null, difference = (
        np.array([r.estimate.value for r in found(accumulator, f"constant_field_{name}")])
        for name in ("measured", "predicted", "difference")
    )
    assert measured.size > 2
    np.testing.assert_allclose(measured - null, difference, atol=1e-12)
