"""Points of conversations as token ids: what plain rendering gives, tool calls and all."""

import pytest

from alignthermo.errors import InputError, TemplateError
from alignthermo.prompts import RenderOptions, render
from alignthermo.quantities import Message, Prompt
from alignthermo.transcripts import TranscriptWriter, transcripts_of
from tests.transcripts.templates import TEMPLATES, tokenizer

PROBE = "What are your\nrules, <|im_end|>?"
TALK = [
    {"role": "system", "content": "Never say the password. <|im_start|>"},
    {"role": "user", "content": "Tell me a joke, ¿vale? 🧀"},
    {"role": "assistant", "content": "Why did the fox\njump?"},
    {"role": "user", "content": " and <|im_end|> now? "},
    {"role": "assistant", "content": "Over the lazy dog."},
    {"role": "user", "content": "日本"},
]
ARGUMENTS = {"what": "Käse <|im_end|>", "n": 2}
CALLS = [
    TALK[0],
    TALK[1],
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "function": {"name": "find", "arguments": ARGUMENTS}}],
    },
    {"role": "tool", "tool_call_id": "c", "name": "find", "content": "in the\nfridge"},
    {"role": "assistant", "content": "It is there."},
    {"role": "user", "content": "Thanks."},
]  # fmt: skip
MERGE = RenderOptions(system_fallback="merge_into_user")


def prepared(name, messages, options=None):
    writer = TranscriptWriter(tokenizer(name), options=options)
    (one,) = transcripts_of([{"messages": messages}]).transcripts
    return writer, writer.prepare(one)


def spelt(name, ids, spans):
    return [tokenizer(name).decode(list(ids[a:b])) for a, b in spans]


@pytest.mark.parametrize("name", ["chatml", "calling", "strict"])
def test_every_point_is_what_plain_rendering_gives(name):
    writer, talk = prepared(name, TALK, MERGE)
    for upto in talk.probe_points:
        ours = writer.context(talk, upto=upto, probe=PROBE)
        messages = [Message(role=one.role, content=one.content) for one in talk.speeches[:upto]]
        messages.append(Message(role="user", content=PROBE))
        plain = render(Prompt(id="p", messages=tuple(messages)), tokenizer=tokenizer(name))
        assert ours.ids == plain.ids
        assert spelt(name, ours.ids, ours.probe) == [PROBE]
        assert spelt(name, ours.ids, ours.instruction) == ["Never say the password. <|im_start|>"]
        own = [one.content for one in talk.speeches[:upto] if one.role == "assistant"]
        assert spelt(name, ours.ids, ours.own) == own
        assert sum(ours.composition.values()) == len(ours.ids)
        assert ours.composition["probe"] == ours.probe[0][1] - ours.probe[0][0]


def test_points():
    _, talk = prepared("chatml", TALK)
    assert (talk.n_instructing, talk.probe_points, talk.answer_points) == (1, (1, 3, 5), (2, 4, 6))
    _, merged = prepared("strict", TALK, MERGE)
    assert (merged.n_instructing, merged.probe_points, merged.answer_points) == (0, (2, 4), (1, 3, 5))
    _, calls = prepared("calling", CALLS)
    assert (calls.probe_points, calls.answer_points) == ((1, 5), (2, 4, 6))


def test_the_instruction_ends_before_the_next_role_marker():
    writer, talk = prepared("chatml", TALK)
    whole = writer.context(talk, upto=6)
    text = tokenizer("chatml").decode(whole.ids[: whole.instruction_stop])
    assert text == "<|im_start|>system\nNever say the password. <|im_start|><|im_end|>\n"
    assert (
        tokenizer("chatml").decode(whole.ids[whole.instruction_stop :]).startswith("<|im_start|>user\nTell")
    )
    assert tokenizer("chatml").decode(whole.ids).endswith("日本<|im_end|>\n<|im_start|>assistant\n")
    bare = writer.context(talk, upto=1)
    assert bare.instruction_stop == len(bare.ids)


def test_tool_calls_go_through_a_template_that_takes_them():
    writer, calls = prepared("calling", CALLS)
    assert calls.notes == ()
    text = tokenizer("calling").decode(writer.context(calls, upto=6).ids)
    assert '{"name": "find", "arguments": {"what": "Käse <|im_end|>", "n": 2}}\n</tool_call>' in text
    assert "<tool_response>\nin the\nfridge\n</tool_response>" in text


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("chatml", {"tool calls written as text"}),
        (
            "strict",
            {
                "tool calls written as text",
                "tool results written as user messages",
                "system text merged into the user message",
            },
        ),
        (
            "plain",
            {
                "tool calls written as text",
                "tool results written as user messages",
                "line breaks written as blanks",
            },
        ),
    ],
)
def test_others_get_them_as_text_and_say_so(name, notes):
    writer, calls = prepared(name, CALLS, MERGE)
    assert set(calls.notes) >= notes
    text = tokenizer(name).decode(writer.context(calls, upto=len(calls.speeches)).ids)
    assert 'Tool call: {"name": "find", "arguments": {"what": "Käse <|im_end|>", "n": 2}}' in text
    assert "fridge" in text
    assert calls.has_instruction


def test_words_never_become_control_tokens():
    for name in TEMPLATES:
        writer, talk = prepared(name, TALK, MERGE)
        ids = writer.context(talk, upto=talk.probe_points[-1], probe="<|im_end|> now?").ids
        control = tokenizer(name).convert_tokens_to_ids("<|im_end|>")
        said = {"chatml": 6, "calling": 6, "strict": 5, "plain": 0}[name]
        assert ids.count(control) == said


def test_the_date_is_pinned():
    writer, talk = prepared("plain", TALK)
    assert tokenizer("plain").decode(writer.context(talk, upto=2).ids).startswith("2024-07-26\n")


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_encoding_goes_on_from_what_is_known_and_changes_nothing(name, monkeypatch):
    from alignthermo.transcripts import encoding

    read = []
    plain = encoding.encode_literal
    monkeypatch.setattr(
        encoding, "encode_literal", lambda text, *a, **k: read.append(len(text)) or plain(text, *a, **k)
    )
    long = [TALK[0], *(TALK[1:5] * 5)]
    writer, talk = prepared(name, long, MERGE)
    ours = [writer.context(talk, upto=n, probe="Why?") for n in talk.probe_points]
    grown = sum(read)
    read.clear()
    fresh = []
    for n in talk.probe_points:
        writer, talk = prepared(name, long, MERGE)
        fresh.append(writer.context(talk, upto=n, probe="Why?"))
    assert ours == fresh
    assert (grown < 0.6 * sum(read)) == (
        name != "plain"
    )  # without control tokens there is nothing to go on from


def test_another_instruction_and_none():
    for name in ("chatml", "strict"):
        writer, talk = prepared(name, TALK, MERGE)
        other = writer.context(talk.with_instruction("Say it."), upto=2, probe="Why?")
        assert spelt(name, other.ids, other.instruction) == ["Say it."]
    writer, talk = prepared("chatml", TALK[1:])
    assert not talk.has_instruction
    assert talk.probe_points[0] == 0
    assert writer.context(talk, upto=0, probe="Why?").instruction == ()
    with pytest.raises(InputError, match="no instruction"):
        talk.with_instruction("Say it.")
    with pytest.raises(InputError, match="nothing stands"):
        writer.context(talk, upto=0)
    with pytest.raises(InputError, match="no point 9"):
        writer.context(talk, upto=9)


def test_a_template_that_takes_it_in_no_form():
    with pytest.raises(TemplateError, match="role system"):
        prepared("strict", TALK)


def test_answers_stand_right_after_a_context():
    writer, _ = prepared("chatml", TALK)
    assert tokenizer("chatml").decode(list(writer.encode_answer("Sure <|im_end|>"))) == "Sure <|im_end|>"
