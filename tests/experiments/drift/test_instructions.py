"""Instructions and probes out of files: both forms of rows, problems by line, rules that share probes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignthermo.errors import InputError, PromptError
from alignthermo.experiments.drift.instructions import (
    Instruction,
    Probe,
    instructions_of,
    probes_of,
    read_instruction_prompts,
)
from alignthermo.experiments.drift.user_turns import UserTurns
from alignthermo.prompts import prompt_set_of
from alignthermo.reference.shipped import shipped_prompts_path


def asked(system, question, **more):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"messages": messages if system else messages[1:], **more}


def written(folder, *rows):
    path = folder / "rows.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return str(path)


def test_rows_of_both_forms(tmp_path):
    path = written(
        tmp_path,
        {"id": 7, "category": "pattern", "system_prompt": "Begin with A.", "probe": "Hello?", "note": "x"},
        asked("Be short.", "Why?", id="b", category="style", compliant=["So."], checker="c"),
        asked("Be short.", "How?", category="style"),
    )
    found = instructions_of(read_instruction_prompts(path), defiant=("No.",))
    first, second = found.instructions
    assert (first.name, first.text, first.category) == ("pattern-7", "Begin with A.", "pattern")
    assert first.probes == (Probe(id="7", text="Hello?", defiant=("No.",), meta={"note": "x"}),)
    assert (second.name, [probe.text for probe in second.probes]) == ("style-b", ["Why?", "How?"])
    assert (second.probes[0].compliant, second.probes[0].checker) == (("So.",), "c")
    assert (found.problems, found.without_system) == ((), 0)


def test_bad_rows_are_reported_by_line(tmp_path):
    turns = asked("Be short.", "Why?", id="d")
    turns["messages"][1:1] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    path = written(
        tmp_path,
        {"system_prompt": "Be kind.", "probe": "Who?"},
        {"system_prompt": "Be kind."},
        "not json",
        turns,
        asked("", "No system text", id="e"),
        {"system_prompt": " ", "probe": "Who?"},
        {"system_prompt": "half \ud800", "probe": "Who?"},
    )
    found = instructions_of(read_instruction_prompts(path))
    assert [one.text for one in found.instructions] == ["Be kind."]
    reasons = {one.line: one.reason for one in found.problems}
    assert sorted(reasons) == [2, 3, 4, 6, 7]
    assert "`probe`" in reasons[2]
    assert "2 message(s) stand between" in reasons[4]
    assert "surrogate" in reasons[7]
    assert found.without_system == 1
    loose = read_instruction_prompts(path, instructing=False)
    assert [one.line for one in loose.problems] == [2, 3, 6, 7]
    assert "b" not in dict(UserTurns.of(loose).said)


def test_nothing_to_drift_from(tmp_path):
    with pytest.raises(InputError, match="1 of 1 prompts have no system text"):
        instructions_of(prompt_set_of(["Hello."]))
    with pytest.raises(InputError, match="no prompt file"):
        read_instruction_prompts("persona_drft")


def test_in_memory_too():
    found = instructions_of(prompt_set_of([asked("A.", "x"), asked("A.", "x"), asked("A.", "y")]))
    assert [probe.text for probe in found.instructions[0].probes] == ["x", "y"]
    tool = asked("A.", "x")
    tool["messages"].append({"role": "tool", "content": "r"})
    with pytest.raises(InputError, match="line 1: the last message"):
        instructions_of(prompt_set_of([tool]))


def test_the_shipped_prompts_share_probes_by_rule():
    prompts = read_instruction_prompts("shipped", shipped={"shipped": shipped_prompts_path()})
    found = instructions_of(prompts)
    assert len({one.name for one in found.instructions}) == len(found.instructions)
    assert found.without_system == sum(one.messages[0].role != "system" for one in prompts.prompts) > 0
    for rule in ("pirate", "butler"):
        asked_under = {
            one.messages[-1].content
            for one in prompts.prompts
            if (one.category, one.meta.get("rule")) == ("persona", rule)
        }
        sharing = [
            one for one in found.instructions if one.category == "persona" and rule in one.text.lower()
        ]
        assert len(sharing) > 3
        assert all({probe.text for probe in one.probes} == asked_under for one in sharing)
        own = next(one for one in prompts.prompts if one.id == sharing[-1].name)
        assert sharing[-1].probes[0].text == own.messages[-1].content
    secrets = [one for one in found.instructions if one.category == "secret"]
    assert len({len(one.probes) for one in secrets}) > 1


def test_rules_in_other_words(tmp_path):
    rows = [
        {"system_prompt": "Use pirate words.", "probe": "Who?", "category": "a", "rule": "pirate"},
        {"system_prompt": "Sound like a pirate.", "probe": "What?", "category": "a", "rule": "pirate"},
        {
            "system_prompt": "Be brief.",
            "probe": "Who?",
            "category": "b",
            "rephrased": ["Few words.", "Short."],
        },
        {"system_prompt": "Be kind.", "probe": "Who?", "category": "b", "rephrased": [1]},
    ]
    path = tmp_path / "rules.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = instructions_of(read_instruction_prompts(str(path)))
    assert {one.text: one.rephrased for one in found.instructions} == {
        "Use pirate words.": ("Sound like a pirate.",),
        "Sound like a pirate.": ("Use pirate words.",),
        "Be brief.": ("Few words.", "Short."),
    }
    assert [(one.line, "rephrased" in one.reason) for one in found.problems] == [(4, True)]


def test_published_system_prompts():
    folder = os.environ.get("ALIGNTHERMO_DATA", "")
    path = Path(folder) / "persona_drift" / "hundred_system_prompts.jsonl"
    if not folder or not path.is_file():
        pytest.skip("ALIGNTHERMO_DATA has no persona_drift")
    by_path, by_name = (
        instructions_of(read_instruction_prompts(name)) for name in (str(path), "persona_drift")
    )
    assert by_path.instructions == by_name.instructions
    assert len(by_path.instructions) == 100
    assert {one.category for one in by_path.instructions} > {"pattern", "persona", "language"}


def test_probes_of_prompts_and_of_a_transcript_row():
    prompts = prompt_set_of([asked("A.", "x", compliant=["c"]), asked("B.", "x"), "y"])
    assert [(one.text, one.compliant) for one in probes_of(prompts, compliant=["d"])] == [
        ("x", ("c",)),
        ("y", ("d",)),
    ]
    row = {"probes": json.dumps(["Who?", {"id": "n", "probe": "Why?", "defiant": ["No."], "extra": 1}])}
    found = Probe.from_meta(row)
    assert [(one.id, one.text, one.defiant) for one in found] == [
        ("probe-1", "Who?", ()),
        ("n", "Why?", ("No.",)),
    ]
    assert found[1].meta == {"extra": 1}
    assert Probe.from_meta({}) == ()
    for bad in ("text", [3], [{"text": "?"}], [{"probe": " "}], [{"probe": "?", "defiant": 3}]):
        with pytest.raises(PromptError, match="`probes`"):
            Probe.from_meta({"probes": bad})


CATEGORIES = st.sampled_from(["a", "b", "uncategorised"])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), CATEGORIES), min_size=1), CATEGORIES, st.integers(1, 5))
def test_user_turns_are_drawn_once_and_outside_the_own_category(rows, category, n):
    turns = UserTurns.of(prompt_set_of([asked("S.", f"q{q}", category=c) for q, c in rows]))
    instruction = Instruction(name="i", text="S.", category=category, probes=())
    own = {f"q{q}" for q, c in rows if c == category != "uncategorised"}
    pool = {f"q{q}" for q, _ in rows} - own
    if len(pool) < n:
        with pytest.raises(InputError, match=f"holds {len(pool)} user messages"):
            turns.drawn(instruction, n=n, rng=np.random.default_rng(0))
        return
    drawn = turns.drawn(instruction, n=n, rng=np.random.default_rng(0))
    assert len(set(drawn)) == len(drawn) == n
    assert set(drawn) <= pool


def test_user_turns_must_be_there():
    only_tools = prompt_set_of([{"messages": [{"role": "tool", "content": "r"}]}])
    with pytest.raises(InputError, match="no user message"):
        UserTurns.of(only_tools)
