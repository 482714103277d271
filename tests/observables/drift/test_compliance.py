"""Log-odds of reference answers (F-235)."""

import math

import numpy as np
import pytest

from alignthermo.observables.drift import Compliance, measure_probes
from tests.observables.drift.twin import Material
from tests.observables.forest.tiny import hugging_face, native, plain_log_prob


def test_closed_form():
    one = Compliance.of(np.log([0.3, 0.3]), np.log([0.15]))
    assert one.log_odds == pytest.approx(math.log(4))
    assert one.mass == pytest.approx(0.75)
    assert math.isnan(Compliance.of(np.array([]), np.log([0.5])).log_odds)
    assert Compliance.of(np.log([0.5]), np.array([-math.inf])).log_odds == math.inf
    assert math.isnan(Compliance.of(np.array([-math.inf]), np.array([-math.inf])).log_odds)


def test_each_context_has_its_own():
    m = Material()
    case = m.case(32, answers=m.given)
    (one,) = measure_probes(hugging_face("llama"), [case])
    contexts = {"here": case.here, "start": case.start, "neutral_history": case.neutral_history}
    assert one.compliance.keys() == contexts.keys()
    for name, context in contexts.items():
        kept, broken = (
            np.logaddexp.reduce([plain_log_prob(native("llama", 0), context, y) for y in answers])
            for answers in (m.compliant, m.defiant)
        )
        assert one.compliance[name].log_odds == pytest.approx(kept - broken, rel=1e-5, abs=1e-5)
        assert one.compliance[name].mass == pytest.approx(np.exp(np.logaddexp(kept, broken)), rel=1e-4)
