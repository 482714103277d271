"""Answers of a sweep against one native forward per response, over architectures, batches and bounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from alignthermo.models.heads import readout_logits
from alignthermo.observables.forest import ForestSettings, read_forest
from tests.models.tiny_models import ARCHITECTURES
from tests.observables.forest.tiny import by_key, errors, hugging_face, native, plain_answers, sweep

SHAPES = {
    "one pass": ForestSettings(),
    "trunks in pieces": ForestSettings(tokens_per_pass=24),
    "nothing fits": ForestSettings(tokens_per_pass=40, max_cached_tokens=48),
}


CASES = [(name, shape) for name in ARCHITECTURES for shape in ("one pass", "trunks in pieces")]
CASES += [(name, "nothing fits") for name in ("llama", "mistral", "gemma2", "gpt2")]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_equals_a_forward_per_response(name, shape):
    questions = sweep()
    run = read_forest(hugging_face(name), questions, settings=SHAPES[shape])
    answers = by_key(run)
    assert run.counts.route == "packed", run.counts.note
    assert len(answers) == len(questions)
    assert errors(answers, questions, plain_answers(name)) < 1
    assert all(answers[q.key].log_probs[-1] == 0 for q in questions if not q.candidates[-1])


# caches that hold states or biases instead of keys by position: no packed rows, some no prefixes either
OTHERS = {
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4}, "prefix"),
    "gpt_neo": (
        "GPTNeoConfig",
        {
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 30,
            "max_position_embeddings": 128,
        },
        "prefix",
    ),
    "lfm2": (
        "Lfm2Config",
        {
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "layer_types": ["conv", "full_attention"],
            "max_position_embeddings": 128,
        },
        "whole",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_caches_fall_back_and_stay_exact(name, monkeypatch):
    config, settings, route = OTHERS[name]
    monkeypatch.setitem(ARCHITECTURES, name, (config, settings))
    questions = sweep()
    run = read_forest(hugging_face(name), questions, settings=SHAPES["trunks in pieces"])
    answers = by_key(run)
    assert run.counts.route == route
    assert errors(answers, questions, plain_answers(name)) < 1


@pytest.mark.parametrize("name", ["llama", "mistral", "ernie4_5"])
def test_readouts_are_what_follows_each_context(name):
    questions = sweep()
    settings = ForestSettings(readouts=True, tokens_per_pass=48)
    answers = by_key(read_forest(hugging_face(name), questions, settings=settings))
    for question in questions:
        ours = readout_logits(answers[question.key].readout)
        with torch.inference_mode():
            whole = native(name)(torch.tensor([question.context])).logits[0, -1:]
        torch.testing.assert_close(ours, whole.clone(), rtol=1e-4, atol=1e-4)
        assert not ours.is_inference()


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_the_order_of_questions_changes_no_bit(name):
    questions = sweep()
    settings = ForestSettings(tokens_per_pass=64, readouts=True)
    shuffled = [questions[i] for i in np.random.default_rng(0).permutation(len(questions))]
    first = by_key(read_forest(hugging_face(name), questions, settings=settings))
    second = by_key(read_forest(hugging_face(name), shuffled, settings=settings))
    for key, answer in first.items():
        assert np.array_equal(answer.log_probs, second[key].log_probs)
        assert torch.equal(answer.readout.hidden, second[key].readout.hidden)


def test_chunks_give_what_the_whole_gives():
    questions = sweep()
    model = hugging_face("qwen3")
    whole = by_key(read_forest(model, questions))
    for start in range(0, len(questions), 5):
        part = questions[start : start + 5]
        answers = by_key(read_forest(model, part))
        assert errors(answers, part, [whole[q.key].log_probs for q in part]) < 1


def test_half_precision_weights_are_read_packed():
    from tests.models.tiny_models import make_model
    from tests.observables.forest.tiny import plain_log_prob, wrapped

    model = make_model("llama", seed=3).to(torch.bfloat16)
    questions = sweep(prompts=1)
    run = read_forest(wrapped(model), questions, settings=ForestSettings(tokens_per_pass=48))
    answers = by_key(run)
    assert run.counts.route == "packed"
    for question in questions:
        expected = [plain_log_prob(model, question.context, c) for c in question.candidates]
        np.testing.assert_allclose(answers[question.key].log_probs, expected, atol=0.3, rtol=0.05)


def test_what_is_not_to_be_scored_is_nan_and_everything_else_as_before():
    asked = sweep(prompts=1)
    model = hugging_face("llama")
    before = by_key(read_forest(model, asked))
    some = [replace(q, unscored=min(2, len(q.candidates))) for q in asked]
    for key, answer in by_key(read_forest(model, some)).items():
        assert np.isnan(answer.log_probs[:2]).all()
        np.testing.assert_allclose(answer.log_probs[2:], before[key].log_probs[2:], rtol=1e-5, atol=1e-6)
