"""Drift of probes (F-230 to F-234) against reading everything from scratch."""

import numpy as np
import pytest

from alignthermo.errors import ConfigError, ContextTooLong, InputError
from alignthermo.observables.drift import BaseSide, ProbeCase, measure_probes
from alignthermo.observables.forest import ForestSettings, Question, Sampling, read_forest
from alignthermo.quantities import VocabularyMap
from tests.observables.drift.twin import (
    Material,
    base_side,
    entropy,
    expected_distances,
    kl,
    log_rows,
    units,
)
from tests.observables.forest.test_protocol import VOCABULARY, looked_up, table
from tests.observables.forest.tiny import hugging_face, native

SAMPLING = Sampling(n=2, seed=5, max_new_tokens=5)


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt2", "mistral", "cohere", "ernie4_5"])
def test_every_distance_equals_the_slow_twin(name):
    cases = Material().cases()
    found = measure_probes(hugging_face(name), cases, base=base_side(name), sampling=SAMPLING)
    for case, one in zip(cases, found, strict=True):
        for distance, expected in expected_distances(name, case, one).items():
            ours = getattr(one, distance)
            assert units(np.concatenate(ours.per_token), np.concatenate(expected)) < 1, distance
            assert units(ours.per_answer, [e.sum() for e in expected]) < 1, distance
        for y, s in zip(one.answers, one.entropy, strict=True):
            assert units(s, entropy(log_rows(native(name, 0), case.here, y))) < 1
        assert one.reasons == {}


@pytest.mark.parametrize("name", ["mistral", "ernie4_5"])
def test_a_model_that_gives_logits_only_and_no_packed_rows(name):
    """Grouped heads in a sliding window, read through the protocol alone."""
    from alignthermo.models.heads import readout_logits
    from alignthermo.quantities import LogitReadout

    class LogitsOnly:
        def __init__(self, inner):
            self.inner = inner
            self.tokenizer, self.max_length = inner.tokenizer, inner.max_length
            self.vocab_size, self.stop_ids = inner.vocab_size, inner.stop_ids

        def read(self, ids, *, positions, prefix=None):
            found = self.inner.read(ids, positions=positions, prefix=prefix)
            return LogitReadout(logits=readout_logits(found))

        def extend(self, ids, prefix=None):
            return self.inner.extend(ids, prefix)

        def sample(self, contexts, **options):
            return self.inner.sample(contexts, **options)

    cases, side = Material().cases(answers=Material().given)[1::2], base_side(name)
    base = BaseSide(model=LogitsOnly(side.model), vocabulary=side.vocabulary)
    found = measure_probes(LogitsOnly(hugging_face(name)), cases, base=base)
    for case, one in zip(cases, found, strict=True):
        for distance, expected in expected_distances(name, case, one).items():
            assert units(np.concatenate(getattr(one, distance).per_token), np.concatenate(expected)) < 10
        for y, s in zip(one.answers, one.entropy, strict=True):
            assert units(s, entropy(log_rows(native(name, 0), case.here, y))) < 1


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_without_a_probe_it_is_the_literal_drift(name):
    material = Material(seed=6)
    cases = [
        ProbeCase(
            key=str(t),
            here=material.instruction + material.history[:t],
            start=material.instruction,
            neutral_instruction=material.neutral + material.history[:t],
            answers=material.given,
        )
        for t in (1, 20, 64)
    ]
    for case, one in zip(cases, measure_probes(hugging_face(name), cases), strict=True):
        rows = [
            [log_rows(native(name, 0), context, y) for y in case.answers]
            for context in (case.here, case.start, case.neutral_instruction)
        ]
        assert units(one.drift.per_answer, [kl(a, b).sum() for a, b in zip(*rows[:2], strict=True)]) < 1
        assert units(one.influence.per_answer, [kl(a, b).sum() for a, b in zip(*rows[::2], strict=True)]) < 1


def test_small_distances_keep_the_tolerance():
    """A model that hardly minds its context: distances of 1e-9 to 1e-3 nat."""
    from tests.models.tiny_models import make_model
    from tests.observables.forest.tiny import wrapped

    for sd, most in ((0.1, 0.1), (0.001, 1e-5)):
        model = make_model("qwen3", seed=2, logit_sd=sd)
        cases = Material().cases(answers=Material().given)
        found = measure_probes(wrapped(model), cases)
        for case, one in zip(cases[1:], found[1:], strict=True):
            for y, ours in zip(one.answers, one.drift.per_token, strict=True):
                assert units(ours, kl(log_rows(model, case.here, y), log_rows(model, case.start, y))) < 1
        assert 0 < found[-1].drift.mean < most


def test_nothing_moves_where_nothing_was_said():
    (first, *later) = measure_probes(hugging_face("llama"), Material().cases(), sampling=SAMPLING)
    assert first.drift.mean == 0.0  # the same context, read once
    assert first.excess == 0.0
    assert all(one.drift.mean > 0.01 for one in later)


def test_given_answers_are_taken_and_the_same_for_every_distance():
    cases = Material().cases(answers=Material().given)
    found = measure_probes(hugging_face("llama"), cases)
    for case, one in zip(cases, found, strict=True):
        assert one.answers == one.control_answers == case.answers
        expected = expected_distances("llama", case, one)
        assert units(one.drift.per_answer, [e.sum() for e in expected["drift"]]) < 1
        assert units(one.control.per_answer, [e.sum() for e in expected["control"]]) < 1
        assert one.excess == one.drift.mean - one.control.mean


def test_answers_are_drawn_from_the_first_argument():
    """The mean over draws is the KL of whole answers, here summed over all of them."""
    model = table()
    here, start = (3, 5, 8, 9), (3, 6, 9)
    answers, log_q, log_p = [()], [0.0], [0.0]
    for _ in range(2):
        grown = [(a, v) for a in answers for v in ([None] if a[-1:] == (4,) else range(VOCABULARY))]
        answers = [a if v is None else (*a, v) for a, v in grown]
    log_q = np.array([looked_up(model, here, a) for a in answers])
    log_p = np.array([looked_up(model, start, a) for a in answers])
    assert np.exp(log_q).sum() == pytest.approx(1)
    exact = (np.exp(log_q) * (log_q - log_p)).sum()
    case = ProbeCase(key="a", here=here, start=start)
    (one,) = measure_probes(model, [case], sampling=Sampling(n=600, seed=1, max_new_tokens=2))
    draws = one.drift.per_answer
    error = draws.std(ddof=1) / np.sqrt(len(draws))
    assert abs(one.drift.mean - exact) < 4 * error + 1e-9
    assert error < 0.1 * exact
    (other,) = measure_probes(model, [ProbeCase(key="a", here=start, start=here)], sampling=SAMPLING)
    assert abs(other.drift.mean - exact) > 4 * error, "the draws do not tell the two directions apart"


def test_draws_depend_on_the_case_alone():
    cases = Material().cases()
    model = hugging_face("llama")
    together = measure_probes(model, cases, sampling=SAMPLING)
    alone = measure_probes(model, cases[2:3], sampling=SAMPLING)
    assert together[2].answers == alone[0].answers
    assert together[2].control_answers == alone[0].control_answers
    other = measure_probes(model, cases[2:3], sampling=Sampling(n=2, seed=6, max_new_tokens=5))
    assert other[0].answers != alone[0].answers
    assert together[2].truncated == sum(len(y) == 5 and y[-1] != 2 for y in together[2].answers)


def test_every_token_goes_through_the_model_once():
    material = Material()
    cases = material.cases(answers=material.given, neutral_history=None, wish=None)
    seen = []
    model = hugging_face("llama")
    packed = model.packed
    model.packed = lambda tree, *, longest: seen.append(tree.n_tokens) or packed(tree, longest=longest)
    measure_probes(model, cases)
    # both trunks once, the probe at 5 points of either and once after the bare instruction; answers alike
    longest = len(material.history)
    answers = sum(len(y) - 1 for y in (*material.given, *material.compliant, *material.defiant))
    assert seen == [seen[0]]
    assert seen[0] <= 2 * (9 + longest) + 11 * (5 + answers)


def test_a_base_with_other_ids_is_read_in_its_own():
    """The same base behind permuted ids gives the same relaxation and log-odds."""
    model, plain = hugging_face("llama"), base_side("llama")
    order = np.random.default_rng(3).permutation(model.vocab_size)

    class Permuted:
        tokenizer, max_length, vocab_size = plain.model.tokenizer, 128, model.vocab_size

        def read(self, ids, *, positions, prefix=None):
            from alignthermo.models.heads import readout_logits
            from alignthermo.quantities import LogitReadout

            back = [[int(np.flatnonzero(order == i)[0]) for i in one] for one in ids]
            before = None if prefix is None else prefix.inner
            logits = readout_logits(plain.model.read(back, positions=positions, prefix=before))
            moved = logits.clone()
            moved[:, order] = logits
            return LogitReadout(logits=moved)

        def extend(self, ids, prefix=None):
            raise NotImplementedError

        def sample(self, contexts, **options):
            raise NotImplementedError

    vocabulary = VocabularyMap(
        aligned_rows=np.arange(len(order)),
        base_rows=order.astype(np.int64),
        aligned_vocab_size=len(order),
        base_vocab_size=len(order),
        policy="by_string",
    )
    cases = Material().cases(answers=Material().given)[1:3]
    ours = measure_probes(model, cases, base=BaseSide(model=Permuted(), vocabulary=vocabulary))
    expected = measure_probes(model, cases, base=plain)
    for a, b in zip(ours, expected, strict=True):
        assert units(a.relaxation.per_answer, b.relaxation.per_answer) < 1
        assert a.compliance["base"].log_odds == pytest.approx(b.compliance["base"].log_odds, abs=1e-4)


def test_what_is_missing_has_a_reason():
    material = Material()
    case = material.case(16, neutral_instruction=None, neutral_history=None, wish=None, defiant=())
    (one,) = measure_probes(hugging_face("llama"), [case], sampling=SAMPLING)
    assert set(one.reasons) == {"influence", "to_wish", "control", "relaxation"}
    assert np.isnan([one.influence.mean, one.relaxation.mean, one.control.mean, one.excess]).all()
    assert one.compliance == {}
    lacking = VocabularyMap(
        aligned_rows=np.arange(3),
        base_rows=np.arange(3),
        aligned_vocab_size=320,
        base_vocab_size=320,
        policy="by_string",
    )
    base = BaseSide(model=hugging_face("llama", 1), vocabulary=lacking)
    (one,) = measure_probes(hugging_face("llama"), [material.case(16)], base=base, sampling=SAMPLING)
    assert "the base has no token" in one.reasons["relaxation"]


def test_infinite_drift_stays_infinite():
    model = table(forbidden=())
    model.log_tables[0, 9, 11] = -np.inf  # only after the first topic
    model.log_tables[0, 9] -= np.log(np.exp(model.log_tables[0, 9]).sum())
    case = ProbeCase(key="a", here=(3, 6, 9), start=(3, 5, 9), answers=((7, 8),))
    (one,) = measure_probes(model, [case])
    assert one.drift.per_token[0][0] == np.inf
    (back,) = measure_probes(model, [ProbeCase(key="a", here=(3, 5, 9), start=(3, 6, 9), answers=((7, 8),))])
    assert np.isfinite(back.drift.mean)


def test_refusals():
    material, model = Material(), hugging_face("llama")
    with pytest.raises(InputError, match="keeps the length"):
        material.case(16, neutral_history=material.instruction)
    with pytest.raises(InputError, match="answer is empty"):
        material.case(16, answers=((),))
    with pytest.raises(InputError, match="context is empty"):
        ProbeCase(key="a", here=(), start=(1,))
    with pytest.raises(InputError, match="two cases"):
        measure_probes(model, [material.case(16)] * 2, sampling=SAMPLING)
    with pytest.raises(ConfigError, match="give sampling"):
        measure_probes(model, [material.case(16)])
    with pytest.raises(ConfigError, match="temperature"):
        measure_probes(
            model, [material.case(16)], sampling=Sampling(n=1, seed=0, max_new_tokens=2, temperature=0.5)
        )
    long = ProbeCase(key="a", here=(5,) * 127, start=(5,), answers=((5, 6, 7),))
    with pytest.raises(ContextTooLong):
        measure_probes(model, [long])


@pytest.mark.parametrize(
    "settings", [ForestSettings(tokens_per_pass=24), ForestSettings(max_cached_tokens=64)]
)
def test_bounds_of_memory_change_rounding_only(settings):
    cases = Material().cases(answers=Material().given)
    ours = measure_probes(hugging_face("qwen2"), cases, settings=settings)
    plain = measure_probes(hugging_face("qwen2"), cases)
    for a, b in zip(ours, plain, strict=True):
        assert units(a.drift.per_answer, b.drift.per_answer) < 1


def test_a_position_outside_the_context_is_refused():
    with pytest.raises(InputError, match="a position lies outside"):
        read_forest(table(), [Question(key="a", context=(5, 6), positions=(2,))])
