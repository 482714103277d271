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


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "gemma2", "mistral"])
def test_equals_the_models_own_weights_over_the_whole_text(name):
    m = Material()
    ids = m.instruction + m.history
    model, plain = hugging_face(name), native(name, 0)
    before = plain.config._attn_implementation
    found = instruction_attention(model, ids, instruction=(1, 9), positions=POSITIONS)
    assert plain.config._attn_implementation == before
    plain.set_attn_implementation("eager")
    with torch.inference_mode():
        weights = plain(torch.tensor([ids]), output_attentions=True).attentions
    plain.set_attn_implementation(before)
    expected = np.array([[float(w[0, :, t, 1:9].sum(-1).mean()) for t in POSITIONS] for w in weights])
    np.testing.assert_allclose(found.mass, expected, rtol=1e-5, atol=1e-6)
    assert found.share_of_tokens.tolist() == [4 / 5, 8 / 9, 8 / 21, 8 / 73]
    assert isinstance(model, Attentive)


def test_what_shows_no_attention_is_nan_with_a_reason(monkeypatch):
    ids = Material(high=24).history
    found = instruction_attention(table(), ids, instruction=(0, 9), positions=(12,))
    assert np.isnan(found.mass).all()
    assert found.reason == "this model gives no attention"
    model = hugging_face("llama")

    def refuse(*_, **__):
        raise ValueError("flash only")

    monkeypatch.setattr(native("llama", 0), "set_attn_implementation", refuse)
    found = instruction_attention(model, ids, instruction=(0, 9), positions=(12,))
    assert np.isnan(found.mass).all()
    assert "flash only" in found.reason


def test_refusals():
    with pytest.raises(InputError, match="span"):
        instruction_attention(table(), (5, 6, 7), instruction=(2, 9), positions=(1,))
    with pytest.raises(InputError, match="ascend"):
        instruction_attention(table(), (5, 6, 7), instruction=(0, 1), positions=(2, 1))
