"""Where a failed model went (F-236): a model that becomes its base, and one that obeys the adversary."""

import math

import pytest

from alignthermo.observables.drift import AnswerKL, Compliance, ProbeDrift, destination, measure_probes
from tests.observables.drift.twin import Material, base_side
from tests.observables.forest.tiny import hugging_face


def found(log_odds=-1.0, **distances):
    import numpy as np

    kls = {name: AnswerKL(per_token=(np.array([value / 2] * 2),)) for name, value in distances.items()}
    return ProbeDrift(key="a", answers=((1, 2),), compliance={"here": Compliance(log_odds=log_odds)}, **kls)


def test_nearest_and_lean():
    home = destination(found(drift=3.0, relaxation=0.5, to_wish=2.0))
    assert (home.nearest, home.lean, home.reason) == ("base", 1.5, "")
    taken = destination(found(drift=3.0, relaxation=2.0, to_wish=0.5))
    assert (taken.nearest, taken.lean) == ("wish", -1.5)


def test_only_a_failed_model_went_anywhere():
    kept = destination(found(log_odds=2.0, drift=3.0, relaxation=0.5, to_wish=2.0))
    assert (kept.nearest, kept.reason) == ("", "the instruction is kept here")
    assert math.isnan(kept.lean)
    judged = destination(found(log_odds=2.0, drift=3.0, relaxation=0.5, to_wish=2.0), failed=True)
    assert judged.nearest == "base"
    silent = destination(found(log_odds=math.nan, drift=1.0))
    assert silent.reason == "no reference answers and no judgement"


def test_what_was_not_measured_is_said():
    half = destination(found(drift=3.0, relaxation=0.5))
    assert half.nearest == "base"
    assert half.reason == "not every distance was measured"
    assert math.isnan(half.lean)


def test_a_model_that_is_its_base_or_does_what_the_wish_says():
    m = Material()
    same = base_side("llama", seed=0)
    (fallen,) = measure_probes(hugging_face("llama"), [m.case(48, answers=m.given)], base=same)
    assert destination(fallen, failed=True).nearest == "base"
    assert fallen.relaxation.mean == pytest.approx(0, abs=1e-7)
    case = m.case(48, answers=m.given)
    (obeying,) = measure_probes(
        hugging_face("llama"), [m.case(48, answers=m.given, wish=case.here)], base=base_side("llama")
    )
    assert destination(obeying, failed=True).nearest == "wish"
    assert obeying.to_wish.mean == 0.0
