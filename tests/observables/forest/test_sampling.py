"""Continuations: those of `sample` with the same streams, whatever batch, order and neighbours."""

import pytest

from alignthermo.models.heads import readout_logits
from alignthermo.observables.forest import ForestSettings, Question, Sampling, packed_sampling, read_forest
from alignthermo.quantities import random_stream
from tests.observables.forest.test_protocol import table
from tests.observables.forest.tiny import LIMIT, by_key, hugging_face, sweep, words

SAMPLING = Sampling(n=3, seed=7, max_new_tokens=9)


def alone(model, question, sampling):
    rngs = [random_stream(sampling.seed, question.key, r, "sample") for r in range(sampling.n)]
    return model.sample(
        [question.context] * sampling.n,
        rngs=rngs,
        max_new_tokens=sampling.max_new_tokens,
        temperature=sampling.temperature,
    )


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3", "gpt2", "ernie4_5"])
def test_packed_sampling_equals_sampling_each_context_alone(name):
    model, questions = hugging_face(name), sweep(prompts=1)
    settings = ForestSettings(tokens_per_pass=64, rows_per_decode=10)
    run = read_forest(model, questions, settings=settings, sampling=SAMPLING)
    answers = by_key(run)
    assert run.counts.route == "packed"
    for question in questions:
        assert answers[question.key].completions == alone(model, question, SAMPLING)
    assert run.counts.generated == sum(len(c.ids) for a in answers.values() for c in a.completions)
    assert answers["inside"].completions != answers["again"].completions  # one context, two streams


@pytest.mark.parametrize("name", ["mistral", "gpt2", "ernie4_5"])
def test_contexts_of_one_conversation_grow_from_common_keys(name, monkeypatch):
    """One trunk, probed along it: no store of keys is repeated, and each draws what it draws alone."""
    monkeypatch.setattr(packed_sampling, "PackedDecoder", None)  # repeated stores would be an error
    run, model = words(seed=3), hugging_face(name)
    trunk = run(70)
    questions = [Question(key=str(n), context=trunk[:n] + run(4)) for n in range(12, 71, 6)]
    answers = by_key(read_forest(model, questions, sampling=SAMPLING))
    for question in questions:
        assert answers[question.key].completions == alone(model, question, SAMPLING)


def test_contexts_with_nothing_in_common_grow_apart(monkeypatch):
    monkeypatch.setattr(packed_sampling, "PooledDecoder", None)
    run, model = words(seed=5), hugging_face("llama")
    questions = [Question(key=str(n), context=run(24)) for n in range(9)]
    answers = by_key(read_forest(model, questions, sampling=SAMPLING))
    for question in questions:
        assert answers[question.key].completions == alone(model, question, SAMPLING)


def test_batches_order_and_neighbours_do_not_matter():
    model, questions = hugging_face("qwen3"), sweep(prompts=1)
    first = by_key(read_forest(model, questions, sampling=SAMPLING))
    small = ForestSettings(rows_per_decode=2, max_cached_tokens=128)
    second = by_key(read_forest(model, questions[::-2], settings=small, sampling=SAMPLING))
    assert second
    for key, answer in second.items():
        assert answer.completions == first[key].completions


def test_stop_tokens_budget_and_greedy():
    model, questions = hugging_face("llama"), sweep(prompts=1)
    drawn = by_key(read_forest(model, questions, sampling=SAMPLING))
    stop = drawn["0/0"].completions[0].ids[2]
    sampling = Sampling(n=3, seed=7, max_new_tokens=9, stop_ids=frozenset({stop}))
    stopped = by_key(read_forest(model, questions, sampling=sampling))["0/0"].completions[0]
    assert stopped.finish == "stop"
    assert stopped.ids == drawn["0/0"].completions[0].ids[: len(stopped.ids)]
    long = [Question(key="long", context=(questions[0].context * 4)[: LIMIT - 2])]
    (answer,) = read_forest(model, long, sampling=SAMPLING)
    assert all(len(c.ids) <= 2 for c in answer.completions)
    greedy = Sampling(n=1, seed=0, max_new_tokens=1, temperature=0.0)
    settings = ForestSettings(readouts=True)
    for answer in read_forest(model, questions, settings=settings, sampling=greedy):
        assert answer.completions[0].ids == (int(readout_logits(answer.readout)[0].argmax()),)


def test_a_stub_is_sampled_through_what_it_reads():
    model, questions = table(), sweep(prompts=1, high=24)
    answers = by_key(read_forest(model, questions, sampling=SAMPLING))
    again = by_key(
        read_forest(model, questions[::-1], settings=ForestSettings(rows_per_decode=4), sampling=SAMPLING)
    )
    for question in questions:
        assert answers[question.key].completions == again[question.key].completions
        assert answers[question.key].completions == alone(model, question, SAMPLING)
