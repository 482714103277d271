"""Rows compared together (F-238) against each pair by its definition in float64."""

import numpy as np
import pytest
import torch

from alignthermo.errors import NonFiniteLogits
from alignthermo.observables.drift import row_divergences, row_entropies, row_table
from alignthermo.observables.drift.row_table import compare_rows
from alignthermo.observables.head_logits import readout_logits
from alignthermo.quantities import HeadReadout, LogitReadout, OutputHead, VocabularyMap
from tests.observables.drift.twin import entropy, kl, units

VOCABULARY, WIDTH = 50, 6


def head(seed, **changes):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn((VOCABULARY, WIDTH), generator=generator)
    return OutputHead(weight=weight, **changes)


def readouts(owner, *, seed=0, near=0.3):
    """Six readouts of 2 to 5 rows that lie near each other."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn((5, WIDTH), generator=generator)
    moved = [start + near * torch.randn((5, WIDTH), generator=generator) for _ in range(5)]
    return [HeadReadout(hidden=x, head=owner) for x in (start, *moved)]


def log_q(readout, tokens=slice(None)):
    z = readout_logits(readout, 0, readout.n_tokens)[:, tokens]
    return z.log_softmax(-1).numpy()


HEADS = {
    "plain": head(0),
    "scaled, with a bias": head(1, multiplier=0.3, bias=torch.linspace(-2, 2, VOCABULARY)),
    "soft-capped": head(2, softcap=3.0),
}


@pytest.mark.parametrize("owner", HEADS.values(), ids=list(HEADS))
@pytest.mark.parametrize("logits", [2**18, 64], ids=["one stretch", "many"])
def test_equals_the_definition(owner, logits, monkeypatch):
    monkeypatch.setitem(row_table._LOGITS, "cpu", logits)
    monkeypatch.setattr(row_table, "_ROWS", 12)
    start, *moved = readouts(owner)
    pairs = [(one, start) for one in moved] + [(moved[0], moved[1]), (start, start)]
    for (a, b), found in zip(pairs, compare_rows(pairs), strict=True):
        assert units(found.kl, kl(log_q(a), log_q(b))) < 1e-3
        assert units(found.entropy, entropy(log_q(a))) < 1e-3
        np.testing.assert_allclose(found.kl, row_divergences(a, b), rtol=1e-9, atol=1e-14)
    assert (compare_rows(pairs)[-1].kl == 0.0).all()


def test_small_distances_keep_their_digits():
    start, moved, *_ = readouts(HEADS["plain"], near=1e-6)
    (found,) = compare_rows([(moved, start)])
    assert found.kl.max() < 1e-10
    np.testing.assert_allclose(found.kl, row_divergences(moved, start), rtol=1e-3, atol=2e-15)


@pytest.mark.parametrize("n_common", [VOCABULARY, 31])
def test_two_models_on_their_common_tokens(n_common):
    """Other heads, ids in another order, tokens missing on either side: renormalised on what is common."""
    rng = np.random.default_rng(3)
    mine, theirs = (np.sort(rng.permutation(VOCABULARY)[:n_common]), rng.permutation(VOCABULARY)[:n_common])
    vocabulary = VocabularyMap(
        aligned_rows=mine,
        base_rows=theirs,
        aligned_vocab_size=VOCABULARY,
        base_vocab_size=VOCABULARY,
        policy="by_string",
    )
    pairs = list(zip(readouts(HEADS["plain"]), readouts(HEADS["soft-capped"], seed=1), strict=True))
    for (a, b), found in zip(pairs, compare_rows(pairs, vocabulary=vocabulary), strict=True):
        assert units(found.kl, kl(log_q(a, mine), log_q(b, theirs))) < 1e-3
        np.testing.assert_allclose(found.kl, row_divergences(a, b, vocabulary=vocabulary), rtol=1e-9)


def test_logits_alone_and_impossible_tokens():
    start, moved, *_ = readouts(HEADS["plain"])
    plain = [LogitReadout(logits=readout_logits(one, 0, 5)) for one in (moved, start)]
    (found,) = compare_rows([tuple(plain)])
    (expected,) = compare_rows([(moved, start)])
    np.testing.assert_allclose(found.kl, expected.kl, rtol=1e-9)
    np.testing.assert_allclose(found.entropy, expected.entropy, rtol=1e-9)
    bias = torch.zeros(VOCABULARY)
    bias[7] = -torch.inf
    lacking = OutputHead(weight=HEADS["plain"].weight, bias=bias)
    never = HeadReadout(hidden=start.hidden, head=lacking)
    with_seven, without = compare_rows([(moved, moved), (never, never)])  # the same rows under two heads
    assert (with_seven.kl == 0).all()
    assert (without.kl == 0).all()
    np.testing.assert_allclose(without.entropy, row_entropies(never), rtol=1e-9)


def test_what_is_no_distribution_is_refused():
    start, moved, *_ = readouts(HEADS["plain"])
    for wrong in (float("nan"), float("inf")):
        moved.hidden[1, 0] = wrong
        with pytest.raises(NonFiniteLogits):
            compare_rows([(moved, start)])
