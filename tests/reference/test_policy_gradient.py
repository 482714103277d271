"""The policy gradient is unbiased, silent at the optimum, and gets there."""

import copy
import itertools

import numpy as np
import pytest
import torch

from alignthermo.reference.policy_gradient import (
    Exercise,
    PolicyGradient,
    exercise_for,
    fit_policy_gradient,
    surrogate,
)
from alignthermo.reference.rollout import roll_out
from alignthermo.reference.rows import response_log_p
from alignthermo.reference.sampling import sample_responses
from alignthermo.reference.scoring import compliance_log_odds, token_log_probs
from alignthermo.reference.step_loop import Steps
from tests.reference.alignment_bench import run_in, single_questions, teach

pytestmark = pytest.mark.slow

BETA = 0.5


@pytest.fixture(scope="module")
def bench(world, encoder):
    return teach(world, encoder, single_questions(world, categories=("secret", "harm", "prank"), count=4))


class Bandit:
    """Four responses, two rewarded, in float64: expectations are sums."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.logits = torch.tensor(rng.normal(size=4), requires_grad=True)
        self.log_p = torch.tensor(rng.normal(size=4)).log_softmax(0)
        self.reward = torch.tensor([1.0, 0.0, 1.0, 0.0]).double() / BETA

    def gradient(self, scalar):
        return torch.autograd.grad(scalar, self.logits)[0]

    def exact(self):
        """Gradient of KL(pi||pi*) written out, nothing shared with the estimator."""
        log_q = self.logits.log_softmax(0)
        log_optimum = (self.log_p + self.reward).log_softmax(0)
        return self.gradient((log_q.exp() * (log_q - log_optimum)).sum())

    def expected(self, estimate, group):
        """Mean of an estimator over every possible group of samples."""
        total = torch.zeros(4).double()
        for drawn in itertools.product(range(4), repeat=group):
            log_q = self.logits.log_softmax(0)
            chance = float(log_q.detach()[list(drawn)].sum().exp())
            returns = (self.reward - (log_q.detach() - self.log_p))[list(drawn)]
            total += chance * self.gradient(estimate(returns[None], log_q[list(drawn)][None]))
        return total


@pytest.mark.parametrize("group", [2, 3])
def test_gradient_is_unbiased(group):
    bandit = Bandit()
    assert torch.allclose(bandit.expected(surrogate, group), bandit.exact(), atol=1e-12)


def test_a_baseline_that_includes_the_sample_itself_is_seen_to_be_biased():
    bandit = Bandit()

    def wrong(returns, log_q):
        return -((returns - returns.mean(1, keepdim=True)) * log_q).mean()

    assert not torch.allclose(bandit.expected(wrong, 2), bandit.exact(), rtol=0.1)


def test_every_group_is_silent_at_the_optimum():
    bandit = Bandit()
    log_q = (bandit.log_p + bandit.reward).log_softmax(0)
    returns = bandit.reward - (log_q - bandit.log_p)
    mass = float(bandit.log_p.exp()[bandit.reward > 0].sum())
    exercise = Exercise(prompt=(), rewarded=frozenset(), reward=1.0 / BETA, base_mass=mass)
    assert returns.numpy() == pytest.approx(np.full(4, exercise.log_z))


def test_log_probabilities_equal_the_stock_forward_in_the_order_given(bench):
    pairs = [
        (bench.encoder.prompt(c.messages), bench.encoder.response(text))
        for c in bench.clean
        for text in c.candidates.texts
    ] * 2
    assert len(pairs) > 40
    with torch.no_grad():
        lean = response_log_p(bench.base, pairs).numpy()
    stock = [float(token_log_probs(bench.base, p, [r])[0].sum()) for p, r in pairs]
    assert lean == pytest.approx(np.array(stock), abs=0.15)
    assert np.abs(lean - stock[::-1]).max() > 0.5


def sharpened(bench):
    """A copy so sharp that sampling at T = 1 is greedy decoding."""
    model = copy.deepcopy(bench.base)
    with torch.no_grad():
        model.model.norm.weight *= 1e4
    return model


def test_padded_prompts_answer_as_they_would_alone(bench):
    model, encoder = sharpened(bench), bench.encoder
    prompts = [encoder.prompt(c.messages) for c in bench.clean]
    assert len({len(p) for p in prompts}) > 1
    drawn = roll_out(model, prompts, count=2, encoder=encoder, generator=torch.Generator().manual_seed(0))
    stop = (encoder.end_of_turn, encoder.end_of_text)
    for prompt, group in zip(prompts, drawn, strict=True):
        alone = sample_responses(model, prompt, count=1, stop=stop, generator=None, max_new_tokens=32)[0]
        assert group == [alone, alone]


def test_samples_follow_the_model(bench):
    """Frequencies of whole responses against their exact probabilities, and a wrong prompt's."""
    encoder = bench.encoder
    prompts = [encoder.prompt(c.messages) for c in bench.clean]
    drawn = roll_out(
        bench.base, prompts, count=600, encoder=encoder, generator=torch.Generator().manual_seed(1)
    )
    texts = [encoder.response(text) for text in bench.clean[0].candidates.texts]
    chance = np.exp([float(row.sum()) for row in token_log_probs(bench.base, prompts[0], texts)])
    seen = np.array([sum(tuple(y) == text for y in drawn[0]) for text in texts]) / 600
    error = np.sqrt(chance * (1 - chance) / 600) + 1e-3
    assert (np.abs(seen - chance) < 4 * error).all()
    other = np.array([sum(tuple(y) == text for y in drawn[1]) for text in texts]) / 600
    assert (np.abs(other - chance) > 4 * error).any()


def test_a_response_that_never_ends_is_cut_and_unrewarded(bench):
    encoder, model = bench.encoder, copy.deepcopy(bench.base)
    with torch.no_grad():
        model.model.embed_tokens.weight[[encoder.end_of_turn, encoder.end_of_text]] = 0.0
        model.model.norm.weight *= 1e4
    prompts = [encoder.prompt(bench.clean[0].messages)]
    generator = torch.Generator().manual_seed(0)
    (group,) = roll_out(model, prompts, count=1, encoder=encoder, generator=generator, longest=7)
    assert len(group[0]) == 7
    exercise = exercise_for(bench.base, encoder, bench.clean[0], beta=BETA)
    assert tuple(group[0]) not in exercise.rewarded


def fit(bench, path, *, count, group, rate):
    exercises = [exercise_for(bench.base, bench.encoder, c, beta=BETA) for c in bench.clean]
    model, steps = copy.deepcopy(bench.base), Steps(count=count, rate=rate, warmup=5, trained="")
    settings = PolicyGradient(prompts=4, batch=4, group=group, steps=steps)
    history = fit_policy_gradient(
        model, bench.base, exercises, settings, encoder=bench.encoder, run=run_in(path)
    )
    return model, exercises, history


def test_recorded_is_the_remaining_kl(bench, tmp_path):
    """At the base it is ln Z - m/beta; a forgotten 1/beta or log-ratio would show."""
    _, exercises, history = fit(bench, tmp_path, count=1, group=300, rate=1e-3)
    masses = np.array([e.base_mass for e in exercises])
    exact = np.mean(np.log(1 - masses + masses * np.exp(1 / BETA)) - masses / BETA)
    error = np.sqrt(np.mean(masses * (1 - masses)) / 1200) / BETA
    assert exact > 20 * error / 4
    assert history[0] == pytest.approx(exact, abs=4 * error)


def test_the_fit_shifts_the_log_odds_towards_one_over_beta(bench, tmp_path):
    model, exercises, history = fit(bench, tmp_path, count=80, group=8, rate=1e-3)
    shifts = []
    for conversation, exercise in zip(bench.clean, exercises, strict=True):
        texts = [bench.encoder.response(text) for text in conversation.candidates.texts]
        before, after = (
            compliance_log_odds(
                [float(s.sum()) for s in token_log_probs(m, exercise.prompt, texts)],
                conversation.candidates.rewards,
            )
            for m in (bench.base, model)
        )
        shifts.append(after - before)
    assert 0.5 / BETA < np.mean(shifts) < 1.3 / BETA
    assert np.mean(history[-20:]) < 0.7 * np.mean(history[:10])
