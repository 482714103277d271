"""What a picture of a curve shows besides its points: held-out gaps, the base's curve, the null's curve."""

import numpy as np
import pytest

import alignthermo as at
from tests.experiments.transition_stubs import SETTINGS, stub_pair, stub_prompts


@pytest.fixture(scope="module")
def result():
    settings = {**SETTINGS, "lengths": [100], "controls": ["attack"]}
    return at.transition(stub_pair(), stub_prompts(), **settings)


def found(result, quantity):
    return [record for record in result.records if record.quantity == quantity]


def test_gaps_are_behind_the_best_law_with_two_errors(result):
    gaps = {record.slice["law"]: record.estimate for record in found(result, "law_gap")}
    assert {"constant", "line", "accumulation", "logistic"} <= set(gaps)
    assert min(gap.value for gap in gaps.values()) == 0.0
    assert gaps["constant"].low > 0.0
    for gap in gaps.values():
        assert gap.high - gap.low == pytest.approx(4.0 * gap.stderr)
    (law,) = (verdict for verdict in result.verdicts if verdict.name == "law")
    assert gaps[law.outcome].low <= 0.0


def test_the_curve_of_the_base_is_the_mean_over_its_prompts(result):
    rows = result.to_pandas()
    means = rows[rows["model"] == "base"].groupby("wanted_alpha")["p_kept"].mean()
    points = {float(r.slice["wanted_alpha"]): r.estimate.value for r in found(result, "base_p_kept")}
    assert points == pytest.approx(means.to_dict())
    measured = {float(r.slice["wanted_alpha"]): r.estimate.value for r in found(result, "p_kept")}
    assert all(points[alpha] < measured[alpha] for alpha in points)  # the stub's base lacks a field


def test_the_null_and_the_measured_curve_differ_by_what_is_recorded(result):
    measured, null, difference = (
        np.array([r.estimate.value for r in found(result, f"constant_field_{name}")])
        for name in ("measured", "predicted", "difference")
    )
    assert measured.size > 2
    np.testing.assert_allclose(measured - null, difference, atol=1e-12)
