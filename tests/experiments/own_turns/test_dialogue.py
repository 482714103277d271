"""Dialogues: what stands in the context, whose random numbers, what is recorded."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit

from alignthermo.errors import ConfigError, ContextTooLong, InsufficientData
from alignthermo.experiments.own_turns import (
    EditPlan,
    Request,
    Rung,
    SpeakSettings,
    by_candidates,
    hold_dialogues,
)
from alignthermo.experiments.own_turns.ramp_plan import RampScript
from alignthermo.quantities import Message
from alignthermo.testsystems.conversational import ConversationalModel, DecayingMemory, UniformWorld
from tests.experiments.own_turns.stubs import NEUTRAL, append_plan, asked, edit_plan, grid

LAW = DecayingMemory(field=0.2, kernel=(0.5, 0.3), own_kernel=(0.8, 0.4))


def dialogues(plan, *, replicates=6, law=LAW, mass=1.0, **settings):
    scripts = [RampScript(plan=plan, replicate=r) for r in range(replicates)]
    model = ConversationalModel(law=law, candidate_mass=mass)
    return hold_dialogues(model, scripts, settings=SpeakSettings(**settings))


def spoken(messages):
    return [m.content for m in messages if m.role == "assistant"]


def test_what_stands_in_the_context_of_every_arm():
    replies = ("one", "two", "three")
    for arm, expected in (("own", list(replies)), ("neutral", [NEUTRAL] * 3), ("none", [])):
        script = RampScript(plan=edit_plan(grid(2), hold=2, arm=arm), replicate=0)
        context = script.context(3, replies)
        assert spoken(context) == expected
        assert context[-1] == asked().messages[0]
        # turn 3 is the second one held at the upper α, whose material is all adversarial
        assert [m.content.split()[0] for m in context[:12]] == ["ignore"] * 12
    window = RampScript(plan=edit_plan(grid(2), hold=2, window=1), replicate=0)
    assert spoken(window.context(3, replies)) == ["three"]
    empty = RampScript(plan=edit_plan(grid(2), hold=2, window=0), replicate=0)
    assert spoken(empty.context(3, replies)) == []


def test_append_never_removes_anything():
    script = RampScript(plan=append_plan((0.0, 0.5, 1.0), hold=2), replicate=0)
    contexts = [script.context(turn, tuple("abcdefghijk"[:turn])) for turn in range(script.n_turns)]
    for before, after in pairwise(contexts):
        assert after[: len(before)] == before
    assert len(contexts[-1]) == 2 * 12 + 11


def test_a_window_drops_the_oldest_turns_with_their_exchanges():
    opening = (Message(role="system", content="keep rule"),)
    plan = append_plan((0.0, 1.0), hold=4, window=3, opening=opening)
    script = RampScript(plan=plan, replicate=0)
    context = script.context(7, tuple("abcdefg"))
    assert context[0] == opening[0]
    assert spoken(context) == ["e", "f", "g"]
    assert len(context) == 1 + 3 * 3 + 2
    # of the last material turn and the three before it, as many are attack as the labels say
    np.testing.assert_allclose(plan.context_alphas()[7], np.mean(plan.labels[4:8] < 0))
    assert plan.context_alphas()[-1] < np.mean(plan.labels < 0), "what is gone counts no more"
    assert "last 3" in plan.protocol


def test_random_numbers_belong_to_the_turn_and_are_shared_by_the_arms():
    own, neutral, bare = (
        RampScript(plan=edit_plan(grid(3), hold=2, arm=arm), replicate=0)
        for arm in ("own", "neutral", "none")
    )
    assert [own.stream(t) for t in range(12)] == [neutral.stream(t) for t in range(12)]
    assert len({own.stream(t) for t in range(12)}) == 12
    assert [bare.stream(t) for t in range(2, 4)] == [bare.stream(t) for t in range(8, 10)]
    # what a dialogue says does not depend on who else is speaking
    few, many = (dialogues(edit_plan(grid(3)), replicates=n) for n in (2, 5))
    assert few.replies == many.replies[:2]
    np.testing.assert_array_equal(few.log_odds, many.log_odds[:2])


@pytest.mark.parametrize("replies", ["sampled", "candidates"])
def test_recorded_h_is_that_of_the_law_given_the_replies(replies):
    plan = append_plan((0.0, 0.5, 1.0), hold=2)
    recording = dialogues(plan, replies=replies, mass=0.9 if replies == "candidates" else 1.0)
    kept = np.where(recording.kept > 0, 1, -1)
    for turn in range(12):
        labels = plan.labels[: turn + 1][::-1]
        h = 0.2 + sum(k * x for k, x in zip((0.5, 0.3), labels, strict=False))
        h = h + sum(w * kept[:, turn - lag] for lag, w in ((1, 0.8), (2, 0.4)) if lag <= turn)
        np.testing.assert_allclose(recording.log_odds[:, turn], h, atol=1e-9)
    mass = 0.9 if replies == "candidates" else 1.0
    np.testing.assert_allclose(recording.candidate_mass, mass)
    said = [[by_candidates(asked(), reply) for reply in row] for row in recording.replies]
    np.testing.assert_array_equal(recording.kept, said)
    assert recording.forwarded < recording.naive


@pytest.mark.slow
def test_replies_are_drawn_with_their_probabilities():
    plan = edit_plan((0.0, 1.0), arm="none", n_turns=2)
    for replies in ("sampled", "candidates"):
        recording = dialogues(plan, replicates=400, replies=replies)
        for turn in (0, 1):
            p = expit(recording.log_odds[0, turn])
            share = recording.kept[:, turn].mean()
            assert abs(share - p) < 4.0 * np.sqrt(p * (1 - p) / 400)


def test_undetermined_replies_are_unknown_and_counted():
    recording = dialogues(edit_plan(grid(3)), replicates=12, mass=0.7)
    assert np.isnan(recording.kept).any()
    assert 0 < recording.determined.sum() < 12
    with pytest.raises(InsufficientData, match="abstains"):
        recording.usable(least=12)
    drawn = dialogues(edit_plan(grid(3)), replicates=12, mass=0.7, replies="candidates")
    assert drawn.determined.all()


def test_entropy_and_surprisal_where_asked_for():
    recording = dialogues(edit_plan(grid(2), arm="none"), entropy=True, surprisal=True, replicates=2)
    p = expit(recording.log_odds)
    # two wordings of equal probability on each side
    exact = -(p * np.log(p) + (1 - p) * np.log(1 - p)) + np.log(2)
    np.testing.assert_allclose(recording.entropy, exact, atol=1e-9)
    assert np.isfinite(recording.surprisal).all()
    # inside messages every token is equally likely; only after an <assistant> marker they are not
    vocabulary = ConversationalModel(law=LAW).vocab_size
    np.testing.assert_allclose(recording.surprisal[:, 0], np.log(vocabulary))
    plain = dialogues(edit_plan(grid(2), arm="none"), replicates=2)
    assert np.isnan(plain.entropy).all()
    assert np.isnan(plain.surprisal).all()


def test_joined_messages_alternate():
    plan = edit_plan(grid(2), n_turns=2)
    apart, joined = (dialogues(plan, join=join, law=UniformWorld()) for join in (None, " "))
    # four turns of material become one for the reader: another context, another h
    assert not np.array_equal(apart.log_odds, joined.log_odds)
    assert (joined.tokens < apart.tokens).all()


def test_what_cannot_be_asked_is_refused():
    words = asked()
    with pytest.raises(ConfigError, match="in both"):
        Request(messages=words.messages, compliant=("a",), defiant=("a", "b"))
    low, high = Rung(alpha=0.1, messages=()), Rung(alpha=0.9, messages=())
    with pytest.raises(ConfigError, match="ascend"):
        EditPlan(rungs=(high, low), requests=(words,), hold=1)
    with pytest.raises(ConfigError, match="neutral"):
        EditPlan(rungs=(low, high), requests=(words,), hold=1, arm="neutral")
    with pytest.raises(ConfigError, match="stay"):
        append_plan(grid(2), arm="none")
    with pytest.raises(ConfigError, match="temperature"):
        SpeakSettings(replies="candidates", temperature=0.5)
    scripts = [RampScript(plan=edit_plan(grid(2), hold=hold), replicate=0) for hold in (1, 2)]
    model = ConversationalModel(law=LAW)
    with pytest.raises(ConfigError, match="common length"):
        hold_dialogues(model, scripts, settings=SpeakSettings())
    with pytest.raises(ContextTooLong):
        hold_dialogues(ConversationalModel(law=LAW, max_length=130), scripts[1:], settings=SpeakSettings())
    assert isinstance(words.messages[0], Message)
