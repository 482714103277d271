"""Supervised fine-tuning draws the base's own compliant answers and moves what it may move."""

import copy

import numpy as np
import pytest

from alignthermo.reference.scoring import compliance_log_odds, token_log_probs
from alignthermo.reference.step_loop import Steps
from alignthermo.reference.supervised import SupervisedFit, compliant_answers, fit_supervised
from tests.reference.alignment_bench import run_in, single_questions, teach

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench(world, encoder):
    return teach(world, encoder, single_questions(world, categories=("secret", "harm", "prank"), count=4))


def fields(model, bench):
    scores = []
    for c in bench.clean:
        texts = [bench.encoder.response(text) for text in c.candidates.texts]
        log_p = [float(row.sum()) for row in token_log_probs(model, bench.encoder.prompt(c.messages), texts)]
        scores.append(compliance_log_odds(log_p, c.candidates.rewards))
    return np.array(scores)


def test_answers_are_the_compliant_ones_in_the_base_s_proportions(bench):
    for conversation in bench.clean:
        example = compliant_answers(bench.base, bench.encoder, conversation)
        assert example.answers == tuple(
            bench.encoder.response(text) for text in conversation.candidates.compliant
        )
        scores = [float(s.sum()) for s in token_log_probs(bench.base, example.prompt, example.answers)]
        assert example.shares == pytest.approx(np.exp(scores) / np.exp(scores).sum())


def test_compliance_rises_with_every_bout_of_training(bench, tmp_path):
    """No knob holds it back: twice the steps, a larger shift."""
    examples = [compliant_answers(bench.base, bench.encoder, c) for c in bench.clean]
    shifts = []
    for count in (8, 16, 60):
        model = copy.deepcopy(bench.base)
        steps = Steps(count=count, rate=1e-3, warmup=2)
        settings = SupervisedFit(prompts=4, batch=4, steps=steps)
        history = fit_supervised(model, examples, settings, run=run_in(tmp_path / str(count)))
        shifts.append((fields(model, bench) - fields(bench.base, bench)).mean())
    assert 0.1 < shifts[0] < shifts[1] < shifts[2]
    assert np.mean(history[-5:]) < np.mean(history[:5]) - 0.3
