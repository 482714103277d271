"""Conversations under reminders and windows: what stands where, and what the model is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignthermo.errors import InputError
from alignthermo.prompts import RenderOptions
from alignthermo.transcripts import (
    NO_REMINDERS,
    PreparedTranscript,
    Reminders,
    Speech,
    TranscriptWriter,
    Treatment,
    Window,
    transcripts_of,
    treated,
)
from alignthermo.transcripts.compaction import summary_of
from tests.transcripts.templates import TEMPLATES, tokenizer

RULE = "Answer in rhyme."
MERGE = RenderOptions(system_fallback="merge_into_user")


def words(text):
    return len(text.split())


def talk(*said, rule=RULE, merged=False):
    """A conversation of user and assistant messages in turn."""
    roles = ("user", "assistant")
    speeches = [Speech(role=roles[n % 2], content=text) for n, text in enumerate(said)]
    if merged:
        first = Speech(role="user", content=f"{rule}\n\n{speeches[0].content}")
        return PreparedTranscript(id="t", speeches=(first, *speeches[1:]), n_instructing=0, merged=rule)
    opening = (Speech(role="system", content=rule),) if rule else ()
    return PreparedTranscript(id="t", speeches=(*opening, *speeches), n_instructing=len(opening))


def reminding(placement, *texts, every=0, role="user"):
    return Treatment(reminders=Reminders(form="f", placement=placement, every=every, texts=texts, role=role))


def window(policy, tokens, reminders=NO_REMINDERS):
    return Treatment(reminders=reminders, window=Window(policy=policy, tokens=tokens))


def at(prepared, treatment, upto, **more):
    return treated(prepared, treatment, upto=upto, count=words, **more)


def texts(found):
    return [one.content for one in found.prepared.speeches[: found.upto]]


EIGHT = talk(*(f"{name}1 {name}2 {name}3 {name}4" for name in "abcdefgh"))
"""Rule of 3 words, then messages a … h of 4 words."""


def test_nothing_to_do_changes_nothing():
    for upto in range(10):
        found = at(EIGHT, Treatment(), upto)
        assert found.prepared is EIGHT
        assert (found.upto, found.reminders, found.dropped) == (upto, 0, 0)
        assert found.lag_tokens == 4 * max(upto - 1, 0)
        assert found.lag_turns == max(upto - 1, 0) // 2
    assert at(EIGHT, window("sliding", 35), 9).prepared is EIGHT


def test_start_and_end():
    start = at(EIGHT, reminding("start", "Mind: {rule}"), 5)
    assert texts(start)[:3] == [RULE, "Mind: Answer in rhyme.", "a1 a2 a3 a4"]
    assert (start.reminders, start.reminder_tokens, start.lag_tokens, start.lag_turns) == (1, 4, 16, 2)
    for upto in (1, 3, 5):
        end = at(EIGHT, reminding("end", "Mind.", "Mind well."), upto)
        assert texts(end)[:-1] == [one.content for one in EIGHT.speeches[:upto]]
        assert texts(end)[-1] == ("Mind.", "Mind well.")[upto // 2 % 2]
        assert (end.lag_tokens, end.lag_turns, end.reminders) == (0, 0, 1)
    asked = at(EIGHT, reminding("end", "Mind."), 4, asked="message")
    assert texts(asked)[-2:] == ["Mind.", "c1 c2 c3 c4"]
    assert (asked.lag_tokens, asked.lag_turns) == (4, 0)


def test_every_k_tokens_by_hand():
    treatment = reminding("every", "one", "two", every=9)
    # words before the user messages: a 0, c 8, e 16 (due), g 24 (8 since e), probe 32 (16 since e, due)
    found = at(EIGHT, treatment, 9)
    assert [t for t in texts(found) if t in ("one", "two")] == ["one", "two"]
    assert texts(found).index("one") == texts(found).index("e1 e2 e3 e4") - 1
    assert texts(found)[-1] == "two"
    assert (found.reminders, found.reminder_tokens, found.lag_tokens) == (2, 2, 0)
    before_the_probe = at(EIGHT, treatment, 8, asked="message")  # g is asked: nothing is due
    assert (before_the_probe.reminders, before_the_probe.lag_tokens, before_the_probe.lag_turns) == (1, 12, 1)


@pytest.mark.parametrize("placement", ["every", "start"])
@pytest.mark.parametrize("kept", [Window(), Window(policy="sliding", tokens=18)])
def test_reminders_keep_their_places_while_a_conversation_grows(placement, kept):
    every = 5 if placement == "every" else 0
    treatment = Treatment(
        reminders=Reminders(form="f", placement=placement, every=every, texts=("one", "two", "three")),
        window=kept,
    )
    followed = {}
    for upto in range(2, 10):
        stands = texts(at(EIGHT, treatment, upto, asked="message" if upto % 2 == 0 else "probe"))
        for one, after in zip(stands, [*stands[1:], None], strict=True):
            if one in ("one", "two", "three") and after is not None:
                assert placement == "start" or followed.setdefault(one, after) == after
    assert placement == "start" or len(followed) == 3


def test_windows_by_hand():
    # 3 + 32 words; c, e and g begin what may stay: 3 + 24, 3 + 16, 3 + 8
    slid = at(EIGHT, window("sliding", 26), 9)
    assert texts(slid) == [RULE, *(one.content for one in EIGHT.speeches[5:])]
    assert (slid.dropped, slid.prepared.n_instructing, slid.lag_tokens) == (4, 1, 32)
    cut = at(EIGHT, window("truncate", 26), 9)
    assert texts(cut) == [one.content for one in EIGHT.speeches[3:]]
    assert (cut.dropped, cut.prepared.n_instructing, cut.prepared.has_instruction) == (3, 0, False)
    first = at(EIGHT, window("truncate", 34), 9)
    assert texts(first) == [one.content for one in EIGHT.speeches[1:]]
    assert first.dropped == 1
    least = at(EIGHT, window("sliding", 1), 9)
    assert texts(least) == [RULE, "g1 g2 g3 g4", "h1 h2 h3 h4"]


def test_reminders_go_with_what_they_stand_before_or_stay():
    every = Reminders(form="f", placement="every", every=5, texts=("one", "two", "three"))
    found = at(EIGHT, window("sliding", 24, every), 9)  # one before c, two before e, three before g, one here
    assert texts(found)[:3] == [RULE, "two", "e1 e2 e3 e4"]
    assert (found.reminders, found.dropped) == (3, 4)
    start = Reminders(form="f", placement="start", texts=("first",))
    assert texts(at(EIGHT, window("sliding", 20, start), 9))[:3] == [RULE, "first", "e1 e2 e3 e4"]
    assert "first" not in texts(at(EIGHT, window("truncate", 20, start), 9))
    end = Reminders(form="f", placement="end", texts=("last",))
    assert texts(at(EIGHT, window("truncate", 1, end), 9))[-1] == "last"
    short = window("sliding", 27, end)
    assert (at(EIGHT, short, 9).dropped, at(EIGHT, window("sliding", 27), 9).dropped) == (4, 2)


def test_compaction_quotes_what_went():
    long = talk(*(" ".join(f"{name}{n}" for n in range(30)) for name in "abcdef"))
    found = at(long, window("compaction", 176), 7)
    quote = " ".join(f"a{n}" for n in range(12))
    assert texts(found)[0] == RULE
    assert texts(found)[1].splitlines()[1:] == [
        f"- user: {quote} …",
        f"- assistant: {quote.replace('a', 'b')} …",
    ]
    assert found.prepared.speeches[1].inserted == "summary"
    assert found.prepared.speeches[1].role == "user"
    assert texts(found)[2].startswith("c0")
    assert sum(map(words, texts(found))) <= 176
    tight = at(long, window("compaction", 75), 7)
    assert texts(tight)[2].startswith("e0")
    assert "(4 older left out)" in texts(tight)[1]


def test_quotes_are_left_out_oldest_first():
    said = [Speech(role="user", content=f"word{n}") for n in range(5)]
    whole = summary_of(said, words)
    short = whole.within(whole.tokens, words)
    assert short == whole
    fewer = whole.within(whole.tokens - 1, words)
    assert fewer.quotes == whole.quotes[fewer.left_out :]
    assert fewer.tokens <= whole.tokens - 1 or not fewer.quotes
    assert whole.within(0, words).quotes == ()


def test_a_tool_result_never_stays_without_its_call():
    call = {"id": "c", "function": {"name": "find", "arguments": {"what": "a b c d e f"}}}
    rows = [
        {"role": "system", "content": RULE},
        {"role": "user", "content": "u1 u2"},
        {"role": "assistant", "content": "", "tool_calls": [call, call]},
        {"role": "tool", "tool_call_id": "c", "name": "find", "content": "r1 r2"},
        {"role": "tool", "tool_call_id": "c", "name": "find", "content": "s1 s2"},
        {"role": "assistant", "content": "a1 a2"},
        {"role": "user", "content": "u3"},
    ]
    (one,) = transcripts_of([{"messages": rows}]).transcripts
    for name in ("calling", "chatml", "strict"):
        prepared = TranscriptWriter(tokenizer(name), options=MERGE).prepare(one)
        here = len(prepared.speeches)
        for tokens in range(1, 60):
            found = at(prepared, window("sliding", tokens), here, asked="message")
            said = " ".join(f"{s.content}{s.tool_calls}" for s in found.prepared.speeches)
            assert ("find" in said) == ("u1" in said) == ("r1" in said)
            assert "u3" in said
        end = at(prepared, reminding("end", "Mind."), here - 2, asked="message")
        assert texts(end)[texts(end).index("Mind.") + 1].endswith("u1 u2")


def test_the_rule_of_a_conversation_without_one():
    with pytest.raises(InputError, match="no instruction"):
        at(talk("a", "b", rule=""), reminding("end", "{rule}"), 2)
    assert texts(at(talk("a", "b", rule=""), reminding("end", "Mind."), 2)) == ["a", "b", "Mind."]
    with pytest.raises(InputError, match="no point 10"):
        at(EIGHT, Treatment(), 10)
    braces = talk("a", "b", rule="Say {x} {rule}")
    assert texts(at(braces, reminding("end", "{rule} {0}"), 3))[-1] == "Say {x} {rule} {0}"


def test_a_merged_instruction_stays_with_the_first_message_that_is_left():
    merged = talk(*(f"{name}1 {name}2 {name}3 {name}4" for name in "abcdef"), merged=True)
    found = at(merged, window("sliding", 20), 6)
    assert texts(found) == [RULE, "c1 c2 c3 c4", "d1 d2 d3 d4", "e1 e2 e3 e4", "f1 f2 f3 f4"]
    assert (found.dropped, found.prepared.merged) == (2, RULE)
    writer = TranscriptWriter(tokenizer("strict"), options=MERGE)
    context = writer.context(found.prepared, upto=found.upto, probe="Why?")
    text = tokenizer("strict").decode(context.ids)
    assert "<|im_start|>user\nAnswer in rhyme.\n\nc1 c2 c3 c4<|im_end|>" in text
    assert [tokenizer("strict").decode(context.ids[a:b]) for a, b in context.instruction] == [RULE]
    gone = at(merged, window("truncate", 20), 6)
    assert (gone.prepared.merged, gone.dropped) == ("", 3)
    assert texts(gone)[0] == "c1 c2 c3 c4"


@pytest.mark.parametrize("role", ["user", "system"])
@pytest.mark.parametrize("name", list(TEMPLATES))
@pytest.mark.parametrize("placement", ["start", "end", "every"])
def test_every_template_takes_reminders_and_keeps_them_apart(name, placement, role):
    rows = [{"role": "system", "content": RULE}]
    rows += [{"role": ("user", "assistant")[n % 2], "content": f"{c}1 {c}2"} for n, c in enumerate("abcd")]
    (one,) = transcripts_of([{"messages": rows}]).transcripts
    writer = TranscriptWriter(tokenizer(name), options=MERGE)
    prepared = writer.prepare(one)
    mind = "Mind <|im_end|> this: {rule}"
    every = 6 if placement == "every" else 0
    found = treated(
        prepared,
        reminding(placement, mind, every=every, role=role),
        upto=len(prepared.speeches),
        count=writer.count,
    )
    context = writer.context(found.prepared, upto=found.upto, probe="Why?")
    spelt = {
        owner: [tokenizer(name).decode(context.ids[a:b]).strip() for a, b in getattr(context, owner)]
        for owner in ("instruction", "reminders", "probe", "own")
    }
    assert spelt["instruction"] == [RULE]
    assert spelt["reminders"] == [mind.replace("{rule}", RULE)] * found.reminders
    assert spelt["probe"] == ["Why?"]
    assert spelt["own"] == ["b1 b2", "d1 d2"]
    assert found.reminders == (2 if placement == "every" else 1)
    assert sum(context.composition.values()) == len(context.ids)
    assert set(context.reminders) <= set(context.history)
    # a token across a border counts to what follows, and joined neighbours bring the blank line with them
    assert 0 <= context.composition["reminder"] - found.reminder_tokens <= 2 * found.reminders


SPEECHES = st.lists(st.integers(0, 9), min_size=1, max_size=12)
PLACEMENTS = st.sampled_from(["none", "start", "end", "every"])
POLICIES = st.sampled_from(["whole", "truncate", "sliding", "compaction"])


@settings(deadline=None, max_examples=60)
@given(SPEECHES, PLACEMENTS, POLICIES, st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_what_always_holds(sizes, placement, policy, tokens, every, merged):
    said = talk(*(" ".join([f"m{n}", *["w"] * size]) for n, size in enumerate(sizes)), merged=merged)
    reminders = (
        NO_REMINDERS
        if placement == "none"
        else Reminders(
            form="f", placement=placement, every=every if placement == "every" else 0, texts=("Mind {rule}",)
        )
    )
    kept = Window() if policy == "whole" else Window(policy=policy, tokens=tokens)
    whole = len(said.speeches)
    found = at(said, Treatment(reminders=reminders, window=kept), whole)
    stands = found.prepared.speeches[: found.upto]
    assert found.upto == len(found.prepared.speeches)
    recorded = [one.content for one in stands if not one.inserted]
    last_user = max(n for n in range(len(sizes)) if n % 2 == 0)
    assert any(f"m{last_user}" in text.split() for text in recorded)
    assert found.reminders == sum(one.inserted == "reminder" for one in stands)
    assert found.reminder_tokens == 4 * found.reminders
    n_history = sum(size + 1 for size in sizes)
    assert 0 <= found.lag_tokens <= n_history
    size = sum(words(one.content) for one in stands)
    if policy == "whole":
        assert found.dropped == 0
        assert size == 3 + n_history + found.reminder_tokens
    else:
        # it fits, or nothing more could be taken out
        left = [int(text.split()[0][1:]) for text in recorded if not text.startswith("Answer")]
        assert size <= tokens or all(number >= last_user for number in left)
