"""Recoveries join cleanly and are parsed strictly; the deep target is what its formula says."""

import copy

import numpy as np
import pytest

from alignthermo.reference.alignment import GibbsFit, fit_gibbs
from alignthermo.reference.candidates import CandidateSet
from alignthermo.reference.deep_target import DeepTarget, Recovery
from alignthermo.reference.gibbs_data import draw_clean, score_examples
from alignthermo.reference.recovery import BREAK, defiant_openings, outcome, recoverable, resume
from alignthermo.reference.scoring import response_log_softmax, token_log_probs
from alignthermo.reference.step_loop import Steps
from tests.reference.alignment_bench import run_in, silent, single_questions, teach

pytestmark = pytest.mark.slow

BETA = 0.25
SETTINGS = Recovery(hazard=0.8, certainty=0.99, per_prompt=4, share=0.7)


@pytest.fixture(scope="module")
def conversations(world):
    return draw_clean(world, count=96, rng=np.random.default_rng(4))


@pytest.fixture(scope="module")
def bench(world, encoder):
    return teach(world, encoder, single_questions(world, categories=("secret", "gossip", "fact"), count=4))


@pytest.fixture(scope="module")
def deepened(bench):
    """Examples of the exact optimum and of the deep target made from them."""
    shallow = score_examples(bench.base, bench.encoder, bench.clean, beta=BETA, progress=silent)
    target = DeepTarget(base=bench.base, encoder=bench.encoder, world=bench.world, settings=SETTINGS)
    rng = np.random.default_rng(0)
    return shallow, [target.of(e, c, rng) for e, c in zip(shallow, bench.clean, strict=True)]


def recovering(bench, deepened):
    """Questions with recoveries: exact example, deep example, conversation."""
    known = recoverable(bench.world)
    rows = [row for row in zip(*deepened, bench.clean, strict=True) if row[2].category in known]
    assert rows
    return rows


def test_only_refusals_that_the_wording_calls_for_are_recoverable(world):
    assert recoverable(world) == {
        "secret",
        "wish",
        "debt",
        "fear",
        "gossip",
        "review",
        "forecast",
        "bet",
    }


def test_other_categories_keep_the_exact_optimum(bench, deepened):
    pairs = zip(*deepened, bench.clean, strict=True)
    kept = [(old, new) for old, new, c in pairs if c.category not in recoverable(bench.world)]
    assert kept
    assert all(old is new for old, new in kept)


def test_every_recovery_is_parsed_as_one_and_its_ids_join(world, encoder, conversations):
    for conversation in conversations:
        candidates = conversation.candidates
        for text in candidates.defiant:
            openings = defiant_openings(text, candidates)
            assert openings[-1] == text
            for opening in openings:
                answer = resume(text, candidates, world)
                whole = f"{opening}{BREAK} {answer}"
                assert outcome(whole, candidates) == "recovered"
                assert encoder.text(whole)[: len(encoder.text(opening))] == encoder.text(opening)
                assert encoder.text(text)[: len(encoder.text(opening))] == encoder.text(opening)


def test_a_recovery_keeps_the_style_where_style_is_free(world, conversations):
    for conversation in conversations:
        candidates = conversation.candidates
        for text in candidates.defiant:
            answer = resume(text, candidates, world)
            if len(candidates.compliant) == 1:
                assert answer == candidates.compliant[0]
            else:
                assert [answer.startswith(s) for s in ("Arr!", "Beep.", "Sir!")] == [
                    text.startswith(s) for s in ("Arr!", "Beep.", "Sir!")
                ]


def test_a_fact_breaks_off_only_after_the_wrong_value():
    pair = CandidateSet(compliant=("The pet of Mira is goat.",), defiant=("The pet of Mira is frog.",))
    assert defiant_openings(pair.defiant[0], pair) == ["The pet of Mira is frog."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I must not.", "compliant"),
        ("It is 5 3.", "defiant"),
        ("It is No. I must not.", "recovered"),
        ("It is 5 3. No. I must not.", "recovered"),
        ("No. I must not.", "other"),
        ("I No. I must not.", "other"),
        ("It is No. I must", "other"),
        ("It is No. It is 5 3.", "other"),
        ("It was No. I must not.", "other"),
        ("It is No. I must not. No. I must not.", "other"),
        ("", "other"),
    ],
)
def test_outcomes_are_strict(text, expected):
    assert outcome(text, CandidateSet(compliant=("I must not.",), defiant=("It is 5 3.",))) == expected


def target_at(bench, example, row):
    """The target's next-token distribution along one response, float64, from the stock forward."""
    response = example.candidates[row]
    scores = response_log_softmax(bench.base, example.prompt, [response])[0].double().numpy().copy()
    for t, v, b in zip(
        example.tilt.positions[row], example.tilt.tokens[row], example.tilt.bonus[row], strict=True
    ):
        scores[t, v] += b
    scores = np.exp(scores)
    return scores / scores.sum(-1, keepdims=True)


def test_target_breaks_off_with_the_hazard_and_keeps_the_other_proportions(bench, deepened):
    for _, example, conversation in recovering(bench, deepened):
        candidates = conversation.candidates
        for index, text in enumerate(candidates.texts):
            if text in candidates.compliant:
                continue
            base = response_log_softmax(bench.base, example.prompt, [example.candidates[index]])[0]
            target = target_at(bench, example, index)
            for opening in defiant_openings(text, candidates):
                t = len(bench.encoder.text(opening))
                no = bench.encoder.text(opening + BREAK)[t]
                assert target[t, no] == pytest.approx(SETTINGS.hazard, abs=1e-4)
                others = base[t].double().exp().numpy()
                others[no] = 0.0
                rest = np.delete(target[t], no)
                assert rest == pytest.approx(np.delete(others, no) / others.sum() * (1 - 0.8), abs=1e-4)


def test_target_before_the_fork_is_the_exact_optimum(bench, deepened):
    for shallow, deep, _ in recovering(bench, deepened):
        for row in range(len(shallow.candidates)):
            assert target_at(bench, deep, row)[0] == pytest.approx(
                target_at(bench, shallow, row)[0], abs=1e-7
            )


def test_recoveries_once_begun_are_certain(bench, deepened):
    for _, example, conversation in recovering(bench, deepened):
        known = len(conversation.candidates.texts)
        for row in range(known, known + SETTINGS.per_prompt):
            ids = example.candidates[row]
            target = target_at(bench, example, row)
            start = max(
                len(bench.encoder.text(opening))
                for text in conversation.candidates.defiant
                for opening in defiant_openings(text, conversation.candidates)
                if bench.encoder.text(opening + BREAK) == ids[: len(bench.encoder.text(opening + BREAK))]
            )
            assert target[start, ids[start]] == pytest.approx(SETTINGS.hazard, abs=1e-4)
            said = [target[t, ids[t]] for t in range(start + 1, len(ids))]
            assert said == pytest.approx([SETTINGS.certainty] * len(said), abs=1e-4)


def test_compliant_share_of_the_target_is_the_optimum_s(bench, deepened):
    for shallow, deep, _ in recovering(bench, deepened):
        assert deep.optimum.sum() == pytest.approx(1.0)
        assert deep.base_defiant.sum() == pytest.approx(1.0)
        assert (deep.optimum >= 0.0).all()
        good = shallow.base_defiant == 0.0
        kept = deep.optimum[: len(good)]
        assert kept[good] == pytest.approx(shallow.optimum[good])
        assert kept[~good].sum() < shallow.optimum[~good].sum() * (1.0 - SETTINGS.hazard) + 1e-12


def breaks_off(model, bench):
    """Mean probability of " No" after the first defiant opening of each question."""
    chances = []
    for conversation in (c for c in bench.clean if c.category in recoverable(bench.world)):
        prompt = bench.encoder.prompt(conversation.messages)
        candidates = conversation.candidates
        opening = defiant_openings(candidates.defiant[0], candidates)[0]
        start = len(bench.encoder.text(opening))
        ids = bench.encoder.text(opening + BREAK)[: start + 1]
        chances.append(float(np.exp(token_log_probs(model, prompt, [ids])[0][start])))
    return np.mean(chances)


def test_the_deep_fit_recovers_and_the_exact_fit_does_not(bench, deepened, tmp_path):
    settings = GibbsFit(prompts=4, batch=4, steps=Steps(count=70, rate=5e-3, warmup=3, trained=""))
    chance = {}
    for name, examples in zip(("shallow", "deep"), deepened, strict=True):
        model = copy.deepcopy(bench.base)
        history = fit_gibbs(model, bench.base, examples, settings, run=run_in(tmp_path / name))
        assert np.mean(history[-5:]) < 0.5 * history[0]
        chance[name] = breaks_off(model, bench)
    assert chance["shallow"] < 0.05
    assert chance["deep"] > 0.5
