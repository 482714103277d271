"""The route from readouts to observables of a pair. Formulas F-07 (head) and F-08 (lost mass)."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from alignthermo.errors import ConfigError, IncompatiblePair, InputError, NonFiniteLogits
from alignthermo.observables import (
    ObservableSettings,
    observe_logits,
    observe_one,
    observe_pair,
    thermodynamics,
)
from alignthermo.observables.head_logits import head_logits
from alignthermo.quantities import HeadReadout, LogitReadout, OutputHead, PairObservables, VocabularyMap
from tests.observables import observable_twin

PLAIN = ObservableSettings(temperatures=(0.5, 1.0, 2.0), lambdas=(0.0, 0.4, 1.0))
GRIDS = ("path", "thermodynamics_aligned", "thermodynamics_base")


def identical(n, width=None):
    rows = np.arange(n)
    return VocabularyMap(
        aligned_rows=rows,
        base_rows=rows,
        aligned_vocab_size=width or n,
        base_vocab_size=width or n,
        policy="identical",
    )


def random_logits(seed, shape, scale=3.0):
    return scale * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def observe(z_q, z_p, vocabulary, token_ids, settings=PLAIN):
    return observe_logits(
        LogitReadout(logits=z_q),
        LogitReadout(logits=z_p),
        vocabulary=vocabulary,
        token_ids=token_ids,
        settings=settings,
    )


def assert_equal(first, second, rel=0.0, abs_=0.0, fields=None):
    for name in fields or [field.name for field in dataclasses.fields(first)]:
        a, b = getattr(first, name), getattr(second, name)
        if a is None or b is None:
            assert a is b, name
        elif dataclasses.is_dataclass(a):
            assert_equal(a, b, rel=rel, abs_=abs_)
        else:
            np.testing.assert_allclose(a, b, rtol=rel, atol=abs_, err_msg=name)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_every_column_is_the_definition(scale):
    z_q, z_p = random_logits(0, (4, 30), scale), random_logits(1, (4, 30), scale)
    z_q[1, 3:9] = -math.inf
    z_p[2, 4] = -math.inf
    token_ids = [0, 20, 4, 7]
    got = observe(z_q, z_p, identical(30), token_ids)
    for t, token in enumerate(token_ids):
        truth = observable_twin.pair(z_q[t].numpy(), z_p[t].numpy())
        for name, value in truth.items():
            assert getattr(got, name)[t] == pytest.approx(value, rel=1e-11, abs=1e-13), (t, name)
        q, p = (observable_twin.softmax(z[t].numpy()) for z in (z_q, z_p))
        assert got.log_prob_aligned[t] == pytest.approx(float(q[token].ln()), rel=1e-12, abs=1e-13)
        expected = -math.inf if p[token] == 0 else float(p[token].ln())
        assert got.log_prob_base[t] == pytest.approx(expected, rel=1e-12, abs=1e-13)
    assert abs(got.normalisation_defect).max() < 1e-13
    assert got.thermodynamics_base.entropy[:, 1] == pytest.approx(got.entropy_base, rel=1e-12, abs=1e-14)


def test_chunks_change_nothing():
    z_q, z_p = random_logits(2, (11, 25)), random_logits(3, (11, 25))
    whole = observe(z_q, z_p, identical(25), range(11))
    for tile in (1, 4, 11, 100):
        parts = observe(z_q, z_p, identical(25), range(11), dataclasses.replace(PLAIN, token_tile=tile))
        assert_equal(whole, parts, rel=1e-14, abs_=1e-15)


def test_permuted_and_padded_vocabularies():
    n, width_q, width_p = 20, 26, 23
    z_q, z_p = random_logits(4, (5, n)), random_logits(5, (5, n))
    rng = np.random.default_rng(6)
    rows_q, rows_p = rng.permutation(width_q)[:n], rng.permutation(width_p)[:n]
    wide_q, wide_p = random_logits(7, (5, width_q)), random_logits(8, (5, width_p))
    wide_q[:, rows_q], wide_p[:, rows_p] = z_q, z_p
    vocabulary = VocabularyMap(
        aligned_rows=rows_q,
        base_rows=rows_p,
        aligned_vocab_size=width_q,
        base_vocab_size=width_p,
        policy="by_string",
    )
    outside = int(np.setdiff1d(np.arange(width_q), rows_q)[0])
    common = [3, 0, 19, 7, 5]
    expected = observe(z_q, z_p, identical(n), common)
    got = observe(wide_q, wide_p, vocabulary, [*(int(rows_q[j]) for j in common[:4]), outside])
    unchanged = [
        f.name
        for f in dataclasses.fields(PairObservables)
        if "lost_mass_" not in f.name and "log_prob" not in f.name
    ]
    assert_equal(expected, got, rel=1e-12, abs_=1e-14, fields=unchanged)
    assert got.log_prob_aligned[:4] == pytest.approx(expected.log_prob_aligned[:4], rel=1e-12)
    assert got.log_prob_aligned[4] == got.log_prob_base[4] == -math.inf
    for lost, wide, rows in ((got.lost_mass_aligned, wide_q, rows_q), (got.lost_mass_base, wide_p, rows_p)):
        kept = torch.softmax(wide, dim=-1)[:, rows].sum(dim=-1).numpy()
        assert lost == pytest.approx(1.0 - kept, rel=1e-10)
    assert expected.lost_mass_aligned.tolist() == [0.0] * 5


def test_padding_at_minus_infinity_loses_nothing():
    z_q, z_p = random_logits(9, (3, 12)), random_logits(10, (3, 12))
    z_q[:, 10:], z_p[:, 10:] = -math.inf, -math.inf
    got = observe(z_q, z_p, identical(10, width=12), [0, 1, 2])
    assert got.lost_mass_aligned.tolist() == [0.0] * 3
    assert_equal(observe(z_q[:, :10], z_p[:, :10], identical(10), [0, 1, 2]), got, rel=1e-14, abs_=1e-15)


def test_swapping_the_models_exchanges_the_columns():
    z_q, z_p = random_logits(11, (6, 15)), random_logits(12, (6, 15))
    one, other = observe(z_q, z_p, identical(15), range(6)), observe(z_p, z_q, identical(15), range(6))
    assert other.kl_aligned_base.tolist() == one.kl_base_aligned.tolist()
    assert other.entropy_base.tolist() == one.entropy_aligned.tolist()
    work = one.log_prob_aligned - one.log_prob_base
    assert (other.log_prob_aligned - other.log_prob_base).tolist() == (-work).tolist()


def head(seed, *, vocab=40, hidden=8, **options):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(vocab, hidden, generator=generator, dtype=torch.float32)
    bias = torch.randn(vocab, generator=generator, dtype=torch.float32)
    return OutputHead(weight=weight.to(options.pop("dtype", torch.float32)), bias=bias, **options)


@pytest.mark.parametrize("softcap", [None, 5.0])
def test_head_logits_are_the_formula(softcap, monkeypatch):
    monkeypatch.setattr("alignthermo.observables.head_logits.VOCABULARY_ROWS", 7)
    given = head(1, multiplier=0.3, softcap=softcap, dtype=torch.bfloat16)
    hidden = torch.randn(3, 8, generator=torch.Generator().manual_seed(2)).to(torch.bfloat16)
    got = head_logits(hidden, given)
    for t in range(3):
        for v in range(40):
            products = [float(hidden[t, i]) * float(given.weight[v, i]) for i in range(8)]
            z = 0.3 * (math.fsum(products) + float(given.bias[v]))
            z = z if softcap is None else softcap * math.tanh(z / softcap)
            assert got[t, v].item() == pytest.approx(z, rel=1e-12, abs=1e-13)


def test_a_head_and_its_logits_give_the_same():
    given, hidden = head(3, multiplier=0.5), random_logits(13, (5, 8), 1.0).float()
    from_head = HeadReadout(hidden=hidden, head=given)
    from_logits = LogitReadout(logits=head_logits(hidden, given))
    base = LogitReadout(logits=random_logits(14, (5, 40)))
    options = {"vocabulary": identical(40), "token_ids": range(5), "settings": PLAIN}
    mixed = observe_pair(from_head, base, **options)
    assert_equal(mixed, observe_pair(from_logits, base, **options), rel=1e-12, abs_=1e-14)


def test_two_heads_are_streamed_and_agree_with_logits():
    heads = [
        HeadReadout(hidden=random_logits(s, (5, 8), 1.0).float(), head=head(s, multiplier=0.5))
        for s in (4, 5)
    ]
    exact = dataclasses.replace(PLAIN, precision="float64")
    options = {"vocabulary": identical(40), "token_ids": list(range(5)), "settings": exact}
    assert_equal(observe_pair(*heads, **options), observe_logits(*heads, **options), rel=1e-10, abs_=1e-12)


def test_one_model_alone():
    z = random_logits(15, (7, 20))
    got = observe_one(
        LogitReadout(logits=z), temperatures=(0.7, 1.0), settings=ObservableSettings(token_tile=3)
    )
    assert_equal(got, thermodynamics(z, (0.7, 1.0)), rel=1e-14, abs_=1e-15)


def test_faults_are_named():
    z = random_logits(16, (4, 6))
    broken = z.clone()
    broken[3, 5] = math.nan
    with pytest.raises(NonFiniteLogits, match="base model at position 3"):
        observe(z, broken, identical(6), range(4), ObservableSettings(token_tile=2))
    with pytest.raises(NonFiniteLogits, match="base model at position 3"):  # in a padding row as well
        observe(z, broken, identical(5, width=6), range(4))
    empty = z.clone()
    empty[2, :5] = -math.inf
    with pytest.raises(NonFiniteLogits, match=r"common vocabulary.* at position 2"):
        observe(empty, z, identical(5, width=6), range(4))
    with pytest.raises(IncompatiblePair, match="rebuild the map"):
        observe(z, z, identical(5), range(4))
    with pytest.raises(InputError, match="4 aligned and 4 base positions for 3 tokens"):
        observe(z, z, identical(6), range(3))
    for token in (6, -1):
        with pytest.raises(InputError, match="outside the aligned vocabulary"):
            observe(z, z, identical(6), [0, 0, token, 0])


@pytest.mark.parametrize(
    "options",
    [
        {"temperatures": (0.0,)},
        {"temperatures": (math.inf,)},
        {"lambdas": (math.nan,)},
        {"precision": "float16"},
        {"head_precision": "fp8"},
        {"compile": "sometimes"},
        {"token_tile": 0},
        {"vocabulary_tile": -1},
    ],
)
def test_impossible_settings(options, without_shape_checker):
    with pytest.raises(ConfigError, match=next(iter(options))):
        ObservableSettings(**options)
