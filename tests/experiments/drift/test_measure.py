"""Rows of conversations: each number against the measure it is made of, and the null cases."""

import json
from functools import cache

import numpy as np
import pytest

from alignthermo.experiments.drift import (
    DRIFT_SCHEMA,
    CaseBook,
    DriftConfig,
    DriftMaterial,
    Probe,
    measure_drift,
    neutral_text,
    recorded_conversations,
)
from alignthermo.models import load_pair
from alignthermo.observables.drift import BaseSide, ProbeCase, measure_probes
from alignthermo.observables.forest import Sampling
from alignthermo.reference.shipped import shipped_path, shipped_prompts_path
from alignthermo.transcripts import TranscriptWriter, transcripts_of

PROBE = Probe(
    id="beans",
    text="Explain how to cook beans.",
    compliant=("Arr! Soak them and boil for an hour. Yo ho!",),
    defiant=("Soak them and boil for an hour.", "Beep. Soak them and boil for an hour. Boop."),
)
SETTINGS = {"base": "b", "aligned": "a", "transcripts": "t", "every": 20, "answers": 2, "answer_tokens": 16}


@cache
def pair():
    return load_pair(str(shipped_path("base")), str(shipped_path("aligned-beta-0.25")))


@cache
def talks(n=2):
    rows = [json.loads(line) for line in shipped_prompts_path().read_text(encoding="utf-8").splitlines()]
    facts = [row for row in rows if row["category"] == "fact"]
    conversations = []
    for number in range(n):
        style = ("pirate", "robot")[number % 2]
        messages = [{"role": "system", "content": f"Work on every task. Sound like a {style}."}]
        for row in facts[6 * number : 6 * number + 6]:
            messages += [row["messages"][-1], {"role": "assistant", "content": row["response"]}]
        conversations.append({"id": f"talk-{number}", "messages": messages})
    return transcripts_of(conversations)


def measured(**settings):
    config = DriftConfig(**{**SETTINGS, **settings})
    material = DriftMaterial(neutral=neutral_text(config), transcripts=talks(), probes=(PROBE,))
    return measure_drift(
        pair(), config, recorded_conversations(config, material), neutral=neutral_text(config)
    )


@pytest.fixture(scope="module")
def whole():
    return measured(
        reminders=("repeat@end",),
        windows=("sliding:30",),
        controls=("neutral", "shuffled", "no_instruction"),
        wish="Sound like a butler.",
        attention=True,
    )


def frame(found, **where):
    rows = found.rows.to_pandas()
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows


def test_every_arm_is_read_at_the_same_points(whole):
    assert whole.rows.schema.equals(DRIFT_SCHEMA)
    probed = frame(whole, kind="probe")
    points = probed.groupby("arm")[["number", "point"]].apply(lambda g: sorted(map(tuple, g.to_numpy())))
    assert set(points.index) == {"plain", "repeat@end", "sliding:30", "shuffled", "no_instruction"}
    assert all(some == points["plain"] for some in points)
    assert whole.problems == ()


def test_the_last_point_is_the_end_where_it_fits_in_every_arm():
    config = {"every": 60, "controls": (), "reminders": ("repeat@end",)}
    end = cases_of(**config)
    assert [case.asked.point.turns for case in end["plain"]] == [
        case.asked.point.turns for case in end["repeat@end"]
    ]
    assert end["plain"][-1].asked.point.turns == 6
    longest = len(end["repeat@end"][-1].asked.case.here)
    # a token less, and all arms keep their regular last point
    short = cases_of(**config, tokens=longest + 16 - 1)
    assert [len(arm) for arm in short.values()] == [len(arm) for arm in end.values()]
    for arm in short.values():
        turns = arm[-1].asked.point.turns
        assert 0 < turns < 6
    assert len(end["plain"][-1].asked.case.here) <= longest - 1


def cases_of(**settings):
    """Cases of the second conversation by arm; each must fit."""
    config = DriftConfig(**{**SETTINGS, **settings})
    material = DriftMaterial(neutral=neutral_text(config), transcripts=talks(), probes=(PROBE,))
    one = recorded_conversations(config, material)[1]
    book = CaseBook(pair().aligned.tokenizer, config, neutral=neutral_text(config), max_length=1024)
    found = {}
    for case in book.cases(one, book.prepared(one)):
        found.setdefault(case.arm.name, []).append(case)
    assert book.problems == []
    return found


def test_at_the_beginning_nothing_has_drifted(whole):
    first = frame(whole, kind="probe", point=0)
    for arm in ("plain", "shuffled", "no_instruction", "sliding:30"):
        rows = first[first.arm == arm]
        assert (rows.drift == 0).all()
        assert (rows.tokens == 0).all()
    # a reminder right before the first question is not nothing
    assert (first[first.arm == "repeat@end"].drift > 0).any()
    later = frame(whole, kind="probe", arm="plain").query("point > 0")
    assert (later.drift > 0).all()
    assert (later.lag_tokens == later.tokens).all()


def test_a_row_is_what_the_measure_says(whole):
    config = DriftConfig(**SETTINGS)
    writer = TranscriptWriter(pair().aligned.tokenizer)
    talk = writer.prepare(talks().transcripts[1])
    row = frame(whole, kind="probe", arm="plain", number=1).iloc[-1]
    upto = 1 + 2 * int(row.turns)
    case = ProbeCase(
        key=f"1/talk-1/plain/{row.point}/beans",
        here=writer.context(talk, upto=upto, probe=PROBE.text).ids,
        start=writer.context(talk, upto=1, probe=PROBE.text).ids,
        compliant=tuple(map(writer.encode_answer, PROBE.compliant)),
        defiant=tuple(map(writer.encode_answer, PROBE.defiant)),
    )
    sampling = Sampling(n=2, seed=config.seed, max_new_tokens=16, temperature=1.0)
    (found,) = measure_probes(pair().aligned, [case], base=BaseSide.of(pair()), sampling=sampling)
    expected = {
        "drift": found.drift.mean,
        "relaxation": found.relaxation.mean,
        "entropy": found.mean_entropy,
        "h_here": found.compliance["here"].log_odds,
        "h_base": found.compliance["base"].log_odds,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(row[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    assert row.n_instruction + row.n_user + row.n_assistant + row.n_template < row.context_tokens


def test_what_arms_do_to_a_context_is_told(whole):
    end = frame(whole, kind="probe", arm="repeat@end")
    assert (end.reminders == 1).all()
    assert (end.n_reminder > 0).all()
    assert (end.lag_tokens == 0).all()
    window = frame(whole, kind="probe", arm="sliding:30")
    assert window.dropped.max() > 0
    assert window.context_tokens.max() < frame(whole, kind="probe", arm="plain").context_tokens.max()
    # without an instruction its influence is unknown, with a reason
    none = frame(whole, kind="probe", arm="no_instruction")
    assert none.influence.isna().all()
    assert all("influence" in json.loads(text) for text in none.reasons)
    # another instruction is kept less than one's own, by what the references of the own one say
    shuffled = frame(whole, kind="probe", arm="shuffled", number=0)
    assert shuffled.h_here.iloc[0] < frame(whole, kind="probe", arm="plain", number=0).h_here.iloc[0]


def test_what_was_read_is_counted(whole):
    """Replies of two conversations, their probes, the attention on the instruction of both in each arm."""
    replies, (sampled, *probed), attention = whole.counts[:4], whole.counts[4:7], whole.counts[7:]
    assert sampled.generated > 0
    for one in probed:
        assert 0 < one.optimal <= one.forwarded < one.naive
    # the text with its instruction and with a neutral one, then under the base
    assert [one.forwarded > 0 for one in replies] == [True] * 4
    assert replies[0].forwarded == pytest.approx(2 * replies[1].forwarded, rel=0.2)
    assert len(attention) == 2 * 5
    assert all(0 < one.forwarded < one.naive for one in attention)


def test_wish_and_attention_are_measured_where_asked(whole):
    plain = frame(whole, kind="probe", arm="plain")
    assert plain.to_wish.notna().all()
    layers = {len(one) for one in plain.attention if one is not None}
    assert len(layers) == 1
    if layers != {0}:
        assert all(0 <= mass <= 1 for one in plain.attention for mass in one)


def test_replies_are_followed_as_they_were_given(whole):
    answers = frame(whole, kind="answer")
    assert set(answers.arm) == {"plain"}
    assert (answers.groupby("number").size() == 6).all()
    assert np.isfinite(answers[["literal", "literal_influence", "surprisal", "entropy"]]).all().all()
    assert (answers.literal > 0).all()
    assert answers.sort_values(["number", "point"]).groupby("number").tokens.is_monotonic_increasing.all()


def test_rows_do_not_depend_on_what_is_measured_beside(whole):
    alone = frame(measured(), kind="probe", arm="plain").reset_index(drop=True)
    beside = frame(whole, kind="probe", arm="plain").reset_index(drop=True)
    assert list(alone.said.map(tuple)) == list(beside.said.map(tuple))
    np.testing.assert_allclose(alone.drift, beside.drift, rtol=1e-4, atol=1e-6)


def test_what_does_not_fit_is_left_out_and_said():
    found = measured(tokens=80, literal=False)
    assert found.problems
    assert all("stand beyond" in one.message for one in found.problems)
    assert frame(found, kind="probe").context_tokens.max() <= 80 - 16
