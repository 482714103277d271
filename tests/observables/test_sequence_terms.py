"""Sequences of an enumerable autoregressive model. Formulas F-22, F-23, F-24, F-25, F-26."""

import itertools
import math

import numpy as np
import pytest
import torch

from alignthermo.errors import InputError
from alignthermo.observables import (
    ObservableSettings,
    observe_logits,
    sequence_terms,
    thermodynamics,
    work_terms,
)
from alignthermo.observables.sequence import sequence_sums
from alignthermo.quantities import LogitReadout, VocabularyMap

N_WORDS, LENGTH, SCALE = 3, 4, 1.5
SEQUENCES = list(itertools.product(range(N_WORDS), repeat=LENGTH))


def logits_of(seed):
    """Logits after every prefix: a random autoregressive model small enough to enumerate."""
    rng = np.random.default_rng(seed)
    prefixes = [p for n in range(LENGTH) for p in itertools.product(range(N_WORDS), repeat=n)]
    return {prefix: SCALE * rng.normal(size=N_WORDS) for prefix in prefixes}


def softmax(z):
    weight = np.exp(z - z.max())
    return weight / weight.sum()


def log_prob_and_energy(model, y, t):
    """Return ln P_T(y) and E(y) = −ln P_1(y), by hand."""
    log_prob = sum(math.log(softmax(model[y[:i]] / t)[y[i]]) for i in range(LENGTH))
    energy = -sum(math.log(softmax(model[y[:i]])[y[i]]) for i in range(LENGTH))
    return log_prob, energy


def mean_energy(model, t):
    pairs = [log_prob_and_energy(model, y, t) for y in SEQUENCES]
    return sum(math.exp(log_prob) * energy for log_prob, energy in pairs)


def tokens(model):
    """Logits and tokens of all sequences in a row, and the sequence each belongs to."""
    logits = np.array([model[y[:i]] for y in SEQUENCES for i in range(LENGTH)])
    words = np.array([y[i] for y in SEQUENCES for i in range(LENGTH)])
    return torch.tensor(logits), words, np.repeat(np.arange(len(SEQUENCES)), LENGTH)


def enumerated(model, t):
    """Terms of every sequence and their exact weights at T."""
    logits, words, sequence = tokens(model)
    thermo = thermodynamics(logits, (t,))
    log_prob = torch.log_softmax(logits, dim=-1).numpy()[np.arange(len(words)), words]
    terms = sequence_terms(
        log_prob, energy=thermo.energy[:, 0], heat_capacity=thermo.heat_capacity[:, 0], sequence=sequence
    )
    weight = np.array([math.exp(log_prob_and_energy(model, y, t)[0]) for y in SEQUENCES])
    return terms, weight


def covariance(weight, x, y):
    return np.sum(weight * x * y) - np.sum(weight * x) * np.sum(weight * y)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("t", [0.4, 1.0, 1.8])
def test_heat_capacity_is_the_derivative_of_the_mean_energy(seed, t):
    model, step = logits_of(seed), 1e-5
    terms, weight = enumerated(model, t)
    derivative = (mean_energy(model, t + step) - mean_energy(model, t - step)) / (2 * step)
    assert np.sum(weight) == pytest.approx(1.0, rel=1e-12)
    assert np.sum(weight * terms.energy_excess) == pytest.approx(0.0, abs=1e-12)
    assert covariance(weight, terms.energy_total, terms.energy_excess) / t**2 == pytest.approx(
        derivative, rel=1e-7
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_variance_of_the_total_energy_is_not_it(seed):
    t = 0.4
    terms, weight = enumerated(logits_of(seed), t)
    right = covariance(weight, terms.energy_total, terms.energy_excess) / t**2
    naive = covariance(weight, terms.energy_total, terms.energy_total) / t**2
    assert abs(naive / right - 1.0) > 0.05


def test_sequence_heat_capacity_can_be_negative():
    """Heat moves weight to a slightly rarer first word after which everything is certain."""
    model = {prefix: np.zeros(N_WORDS) for prefix in logits_of(0)}
    model[()] = np.array([0.3, 0.0, -80.0])
    for prefix in model:
        if prefix[:1] == (1,):
            model[prefix] = np.array([80.0, 0.0, 0.0])
    terms, weight = enumerated(model, 1.0)
    heat_capacity = covariance(weight, terms.energy_total, terms.energy_excess)
    derivative = (mean_energy(model, 1.0 + 1e-5) - mean_energy(model, 1.0 - 1e-5)) / 2e-5
    assert heat_capacity == pytest.approx(derivative, rel=1e-6)
    assert heat_capacity < -0.1


@pytest.mark.parametrize("t", [0.4, 1.0, 1.8])
def test_fisher_information_is_the_variance_of_the_score(t):
    model, step = logits_of(1), 1e-5
    terms, weight = enumerated(model, t)
    up, down = (np.array([log_prob_and_energy(model, y, t + d)[0] for y in SEQUENCES]) for d in (step, -step))
    score = (up - down) / (2 * step)
    assert terms.energy_excess / t**2 == pytest.approx(score, abs=1e-7)
    assert np.sum(weight * terms.fisher) / t**2 == pytest.approx(np.sum(weight * score**2), rel=1e-7)


def observed_pair(model_q, model_p):
    logits, words, sequence = tokens(model_q)
    rows = np.arange(N_WORDS)
    vocabulary = VocabularyMap(
        aligned_rows=rows, base_rows=rows, aligned_vocab_size=3, base_vocab_size=3, policy="identical"
    )
    return observe_logits(
        LogitReadout(logits=logits),
        LogitReadout(logits=tokens(model_p)[0]),
        vocabulary=vocabulary,
        token_ids=words.tolist(),
        settings=ObservableSettings(),
    ), sequence


def test_work_and_its_moments_by_enumeration():
    model_q, model_p = logits_of(1), logits_of(2)
    terms = work_terms(*observed_pair(model_q, model_p))
    log_q = np.array([log_prob_and_energy(model_q, y, 1.0)[0] for y in SEQUENCES])
    log_p = np.array([log_prob_and_energy(model_p, y, 1.0)[0] for y in SEQUENCES])
    q = np.exp(log_q)
    assert terms.work == pytest.approx(log_q - log_p, rel=1e-11, abs=1e-13)
    assert np.sum(q * np.exp(-terms.work)) == pytest.approx(1.0, rel=1e-12)
    assert np.sum(q * terms.work_excess) == pytest.approx(0.0, abs=1e-12)
    assert np.sum(q * terms.surprisal_excess) == pytest.approx(0.0, abs=1e-12)
    # Martingale differences: the variance of the sum is the mean of the summed conditional variances.
    assert np.sum(q * terms.work_excess**2) == pytest.approx(np.sum(q * terms.work_variance), rel=1e-11)
    variance = np.sum(q * terms.surprisal_variance)
    assert np.sum(q * terms.surprisal_excess**2) == pytest.approx(variance, rel=1e-11)


def test_standardised_work_notices_another_temperature():
    model_q, model_p = logits_of(1), logits_of(2)
    terms = work_terms(*observed_pair(model_q, model_p))
    rng = np.random.default_rng(0)

    def z_scores(t):
        weight = np.exp([log_prob_and_energy(model_q, y, t)[0] for y in SEQUENCES])
        drawn = rng.choice(len(SEQUENCES), size=4000, p=weight / weight.sum())
        work = terms.work_excess[drawn].sum() / math.sqrt(terms.work_variance[drawn].sum())
        surprisal = terms.surprisal_excess[drawn].sum() / math.sqrt(terms.surprisal_variance[drawn].sum())
        return work, surprisal

    honest = np.array([z_scores(1.0) for _ in range(100)])
    assert np.all(np.abs(honest.mean(axis=0)) < 0.4)
    assert np.all(np.abs(honest.std(axis=0) - 1.0) < 0.3)
    assert abs(z_scores(0.9)[1]) > 5.0


def test_work_of_an_impossible_token_is_infinite():
    rows = np.arange(2)
    vocabulary = VocabularyMap(
        aligned_rows=rows, base_rows=rows, aligned_vocab_size=2, base_vocab_size=2, policy="identical"
    )
    seen = observe_logits(
        LogitReadout(logits=torch.tensor([[0.0, 0.0], [0.0, -math.inf]])),
        LogitReadout(logits=torch.tensor([[0.0, -math.inf], [0.0, -math.inf]])),
        vocabulary=vocabulary,
        token_ids=[1, 1],
        settings=ObservableSettings(),
    )
    terms = work_terms(seen, np.array([0, 1]))
    assert terms.work[0] == math.inf
    assert math.isnan(terms.work[1])


def test_sums_refuse_what_does_not_fit(without_shape_checker):
    with pytest.raises(InputError, match="2 token values for 1 sequence numbers"):
        sequence_sums(np.ones(2), np.array([0]))
    with pytest.raises(InputError, match="-1 is negative"):
        sequence_sums(np.ones(1), np.array([-1]))
    assert sequence_sums(np.ones(3), np.array([2, 0, 2])).tolist() == [1.0, 0.0, 2.0]
