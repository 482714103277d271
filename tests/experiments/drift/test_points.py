"""Where a conversation is measured."""

from alignthermo.experiments.drift.points import (
    conversation_points,
    ending_point,
    history_tokens,
    monologue_points,
    start_of,
)
from alignthermo.transcripts import PreparedTranscript, Speech

INSTRUCTION = Speech(role="system", content="keep to the rule")


def words(text):
    return len(text.split())


def talk(*said, merged=""):
    speeches = [Speech(role=role, content=text) for role, text in said]
    if merged:
        return PreparedTranscript(id="t", speeches=tuple(speeches), n_instructing=0, merged=merged)
    return PreparedTranscript(id="t", speeches=(INSTRUCTION, *speeches), n_instructing=1)


def turns(n, size=3):
    text = " ".join("w" * size)
    return [(role, text) for _ in range(n) for role in ("user", "assistant")]


def test_points_stand_after_replies_and_at_least_so_far_apart():
    points = conversation_points(talk(*turns(5)), every=12, count=words)
    assert [(p.number, p.upto, p.turns, p.tokens) for p in points] == [
        (0, 1, 0, 0),
        (1, 5, 2, 12),
        (2, 9, 4, 24),
    ]


def test_every_reply_is_a_point_where_points_may_be_dense():
    points = conversation_points(talk(*turns(4)), every=1, count=words)
    assert [p.turns for p in points] == [0, 1, 2, 3, 4]


def test_an_instruction_inside_the_first_message_is_not_history():
    prepared = talk(("user", "the rule\n\nhello you"), ("assistant", "yes yes yes"), merged="the rule")
    assert history_tokens(prepared, 2, count=words) == 5
    start, upto, probe = start_of(prepared, "what now?")
    assert (start.speeches[0].content, upto, probe) == ("the rule\n\nwhat now?", 1, None)
    assert start.merged == "the rule"


def test_a_reply_with_a_tool_call_is_no_place_for_a_question():
    from dataclasses import replace

    from alignthermo.transcripts import ToolCall

    prepared = talk(*turns(1), ("user", "a b c"), ("assistant", ""), ("tool", "d e f"), ("assistant", "g"))
    call = replace(prepared.speeches[4], tool_calls=(ToolCall(name="find", arguments={}),))
    prepared = replace(prepared, speeches=(*prepared.speeches[:4], call, *prepared.speeches[5:]))
    assert [p.upto for p in conversation_points(prepared, every=1, count=words)] == [1, 3, 7]


def spoken(prepared):
    """Points of a monologue in which every number is a token."""
    return monologue_points(
        prepared,
        every=4,
        encode=lambda text: tuple(int(word) if word.isdecimal() else 0 for word in text.split()),
        decode=lambda ids: " ".join(map(str, ids)),
    )


def test_a_monologue_is_cut_where_the_question_comes():
    prepared = talk(("user", "go on"), ("assistant", " ".join(str(n) for n in range(10))))
    points = spoken(prepared)
    assert [(p.number, p.tokens) for p in points] == [(0, 0), (1, 6), (2, 10)]
    assert points[2].prepared.speeches[-1].content == "0 1 2 3 4 5 6 7"
    assert prepared.speeches[-1].content.endswith("9")


def test_the_last_point_moves_to_the_end():
    whole = talk(*turns(5), ("user", "and now"))
    points = conversation_points(whole, every=12, count=words)
    end = ending_point(points, whole, count=words)
    assert (end.number, end.upto, end.turns, end.tokens) == (points[-1].number, 11, 5, 30)
    assert ending_point((*points[:-1], end), whole, count=words) is None
    # one reply fewer, and the last regular point is the end
    assert ending_point(points, talk(*turns(4)), count=words) is None
    # a conversation shorter than the spacing has its beginning alone
    short = talk(*turns(1))
    assert ending_point(conversation_points(short, every=12, count=words), short, count=words) is None


def test_the_last_point_of_a_monologue_is_its_last_token():
    prepared = talk(("user", "go on"), ("assistant", " ".join(str(n) for n in range(10))))
    points = spoken(prepared)
    end = ending_point(points, prepared, count=words)
    assert (end.number, end.tokens, end.prepared) == (2, 12, prepared)
