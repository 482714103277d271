"""Escalating dialogues (F-195): labels follow their share, harmless ones lose as much instruction."""

from dataclasses import replace

import numpy as np
import pytest

from alignthermo.errors import ConfigError
from alignthermo.experiments.own_turns import (
    EscalationPlan,
    EscalationScript,
    SpeakSettings,
    hold_dialogues,
)
from alignthermo.quantities import Message
from alignthermo.testsystems.conversational import ConversationalModel, DecayingMemory, material_turn
from tests.experiments.own_turns.stubs import asked

TURNS = 13
PLAN = EscalationPlan(
    opening=(Message(role="system", content="keep rule"),),
    instruction=(material_turn(1, 4), material_turn(1, 6)),
    adversarial=(material_turn(-1, 4),),
    filler=(material_turn(0, 4),),
    requests=(asked(0), asked(1)),
    n_turns=TURNS,
    arm="attack",
)


def labels(plan, n=400):
    return np.stack([EscalationScript(plan=plan, replicate=r).labels for r in range(n)])


def test_the_share_rises_from_nothing_to_everything():
    drawn = labels(PLAN)
    assert set(np.unique(drawn)) == {-1, 1}
    share, expected = (drawn < 0).mean(axis=0), np.arange(TURNS) / (TURNS - 1)
    assert share[0] == 0.0
    assert share[-1] == 1.0
    np.testing.assert_array_less(np.abs(share - expected), 4.0 * np.sqrt(0.25 / 400))
    harmless = labels(replace(PLAN, arm="harmless"))
    assert set(np.unique(harmless)) == {0, 1}
    assert abs((harmless == 0).mean() - (drawn < 0).mean()) < 0.03
    # dialogues of the two arms are drawn by themselves
    assert not np.array_equal(harmless == 0, drawn < 0)


def test_what_stands_in_the_context_and_what_a_window_leaves():
    script = EscalationScript(plan=PLAN, replicate=3)
    replies = [f"reply {turn}" for turn in range(TURNS)]
    whole = script.context(5, replies[:5])
    assert whole[0].content == "keep rule"
    assert [m.content for m in whole if m.role == "assistant"] == replies[:5]
    assert whole[-1] == script.request(5).messages[0]
    assert len(whole) == 1 + 5 * 3 + 2
    windowed = EscalationScript(plan=replace(PLAN, window=2), replicate=3).context(5, replies[:5])
    assert windowed[0].content == "keep rule"
    assert windowed[1:] == whole[1 + 3 * 3 :]
    contents = {m.content for turn in range(TURNS) for m in script.material(turn)}
    assert len(contents) == 3, "both instruction turns and the attack are used"


@pytest.mark.parametrize("window", [None, 2])
def test_surprisal_is_that_of_the_new_input_alone(window):
    plan = replace(PLAN, window=window, opening=())
    model = ConversationalModel(law=DecayingMemory(field=0.0, kernel=(0.5,)))
    recording = hold_dialogues(
        model,
        [EscalationScript(plan=plan, replicate=0)],
        settings=SpeakSettings(replies="candidates", surprisal=True),
    )
    # new are the reply (its first word costs ln 4 at most ln 2 more, the rest nothing), material and request
    size, n_input = model.vocab_size, np.array([len(script_words(plan, turn)) for turn in range(1, TURNS)])
    reply_tokens = 4
    least = n_input * np.log(size) / (n_input + reply_tokens)
    most = (n_input * np.log(size) + 4.0) / (n_input + reply_tokens)
    found = recording.surprisal[0, 1:]
    assert (least <= found).all()
    assert (found <= most).all()


def script_words(plan, turn):
    """Tokens of a turn of material and a request with their role markers, and the marker of the reply."""
    script = EscalationScript(plan=plan, replicate=0)
    messages = (*script.material(turn), *script.request(turn).messages)
    return [word for m in messages for word in ("<user>", *m.content.split(), "<end>")] + ["<assistant>"]


def test_plans_without_material_or_time_are_refused():
    with pytest.raises(ConfigError, match="at least 12"):
        replace(PLAN, n_turns=11)
    with pytest.raises(ConfigError, match="0 against them"):
        replace(PLAN, arm="harmless", filler=())
    assert replace(PLAN, filler=()).arm == "attack"
