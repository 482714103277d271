"""Literal drift, influence, relaxation along a text (F-230, F-232, F-233) against forwards from scratch."""

import numpy as np
import pytest

from alignthermo.errors import InputError
from alignthermo.models import MixedModel
from alignthermo.observables.drift import TraceCase, trace_histories
from tests.observables.drift.twin import Material, base_side, entropy, kl, log_rows, units
from tests.observables.forest.test_protocol import looked_up, table
from tests.observables.forest.tiny import hugging_face, native

POSITIONS = (0, 1, 7, 30, 63, 64)


def case(material, **changes):
    settings = {
        "key": "a",
        "instruction": material.instruction,
        "history": material.history,
        "positions": POSITIONS,
        "neutral": material.neutral,
    }
    return TraceCase(**{**settings, **changes})


def after(model, context):
    return log_rows(model, context, (0,))


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_neox", "mistral", "ernie4_5"])
def test_every_column_equals_the_slow_twin(name):
    m = Material(seed=4)
    (one,) = trace_histories(hugging_face(name), [case(m)], base=base_side(name))
    q, p = native(name, 0), native(name, 1)
    first = after(q, m.instruction)
    here = np.concatenate([after(q, m.instruction + m.history[:t]) for t in POSITIONS])
    there = np.concatenate([after(q, m.neutral + m.history[:t]) for t in POSITIONS])
    base = np.concatenate([after(p, m.instruction + m.history[:t]) for t in POSITIONS])
    assert units(one.literal, kl(here, np.repeat(first, len(POSITIONS), 0))) < 1
    assert units(one.influence, kl(here, there)) < 1
    assert units(one.relaxation, kl(here, base)) < 1
    assert units(one.entropy, entropy(here)) < 1
    said = [m.history[t] for t in POSITIONS[:-1]]
    np.testing.assert_allclose(one.surprisal[:-1], -here[range(5), said], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one.base_surprisal[:-1], -base[range(5), said], rtol=1e-5, atol=1e-6)
    assert np.isnan(one.surprisal[-1])
    assert one.literal[0] == 0.0
    assert one.reasons == {}


def test_texts_are_followed_together_or_alone():
    cases = [case(Material(seed=n), key=str(n)) for n in range(3)]
    model = hugging_face("llama")
    together = trace_histories(model, cases)
    for one, alone in zip(together, (trace_histories(model, [c])[0] for c in cases), strict=True):
        assert units(one.influence, alone.influence) < 1
        assert one.reasons.keys() == {"relaxation", "base_surprisal"}
        assert np.isnan(one.relaxation).all()


def test_any_language_model_can_be_followed():
    """A table, where every distance can be looked up; and a mixture, which gives logits only."""
    model = table()
    m = Material(high=24)
    (one,) = trace_histories(model, [case(m, neutral=None)])
    context = m.instruction + m.history[:30]
    row = np.array([looked_up(model, context, (v,)) for v in range(24)])
    first = np.array([looked_up(model, m.instruction, (v,)) for v in range(24)])
    assert one.literal[3] == pytest.approx(kl(row, first), rel=1e-9)
    assert one.surprisal[3] == pytest.approx(-row[m.history[30]])
    assert one.reasons["influence"] == "no neutral text was given"
    side = base_side("llama")
    mixed = MixedModel(side.model, hugging_face("llama"), side.vocabulary, 1.0)
    (mixture,) = trace_histories(mixed, [case(Material())])
    (plain,) = trace_histories(hugging_face("llama"), [case(Material())])
    np.testing.assert_allclose(mixture.influence, plain.influence, rtol=1e-4, atol=1e-6)


def test_refusals():
    m = Material()
    for changes, words in (
        ({"positions": ()}, "at least one position"),
        ({"positions": (3, 2)}, "ascend"),
        ({"positions": (65,)}, "ascend within"),
        ({"neutral": m.neutral[1:]}, "must be as long"),
        ({"base_context": (m.instruction, ())}, "other lengths"),
        ({"instruction": ()}, "needs an instruction"),
    ):
        with pytest.raises(InputError, match=words):
            case(m, **changes)
    with pytest.raises(InputError, match="share a key"):
        trace_histories(hugging_face("llama"), [case(m), case(m)])
