"""Attention on the instruction (F-237): the model's own weights, read token by token."""

import numpy as np
import pytest
import torch

from alignthermo.errors import InputError
from alignthermo.observables.drift import Attentive, instruction_attention
from tests.observables.drift.twin import Material
from tests.observables.forest.test_protocol import table
from tests.observables.forest.tiny import hugging_face, native

POSITIONS = (4, 8, 20, 72)
ARCHITECTURES = ["llama", "gpt2", "gpt_neox", "gemma2", "mistral"]


def own_mass(name, ids, stop):
    """The weights of a forward over the whole text, at its last token, layer by layer."""
    plain = native(name, 0)
    before = plain.config._attn_implementation
    plain.set_attn_implementation("eager")
    with torch.inference_mode():
        weights = plain(torch.tensor([list(ids)]), output_attentions=True).attentions
    plain.set_attn_implementation(before)
    return [float(layer[0, :, -1, 1:stop].sum(-1).mean()) for layer in weights]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_equals_the_models_own_weights_over_the_whole_text(name):
    m = Material()
    ids = m.instruction + m.history
    # points of one text with a question after each, one of them asked at once, one text of its own; unordered
    contexts = [(*ids[: place + 1], 7, 9, place % 20 + 5) for place in reversed(POSITIONS)]
    contexts += [ids[:30], ids[:30], m.history[:40], ids[:5]]
    stops = [min(9, len(one)) for one in contexts]
    model = hugging_face(name)
    before = native(name, 0).config._attn_implementation
    found, read = instruction_attention(model, contexts, instructions=[(1, stop) for stop in stops])
    assert native(name, 0).config._attn_implementation == before
    for one, context, stop in zip(found, contexts, stops, strict=True):
        np.testing.assert_allclose(one.mass, own_mass(name, context, stop), rtol=1e-5, atol=1e-6)
        assert one.uniform == (stop - 1) / len(context)
    assert read < sum(map(len, contexts))
    assert isinstance(model, Attentive)


def test_points_of_one_text_cost_its_length_and_what_is_asked():
    m = Material()
    ids = m.instruction + m.history
    contexts = [(*ids[:place], 7, 9, 5) for place in range(12, 73, 4)]
    _, read = instruction_attention(hugging_face("llama"), contexts, instructions=[(0, 9)] * len(contexts))
    assert read == 72 + 3 * len(contexts)


def test_what_shows_no_attention_is_empty_with_a_reason(monkeypatch):
    ids = Material(high=24).history
    (found,), read = instruction_attention(table(), [ids], instructions=[(0, 9)])
    assert (found.mass, found.reason, read) == ((), "this model gives no attention", 0)
    model = hugging_face("llama")

    def refuse(*_, **__):
        raise ValueError("flash only")

    monkeypatch.setattr(native("llama", 0), "set_attn_implementation", refuse)
    (found,), read = instruction_attention(model, [ids], instructions=[(0, 9)])
    assert (found.mass, read) == ((), 0)
    assert "flash only" in found.reason


def test_a_span_must_lie_in_its_context():
    with pytest.raises(InputError, match="span"):
        instruction_attention(table(), [(5, 6, 7)], instructions=[(2, 9)])
