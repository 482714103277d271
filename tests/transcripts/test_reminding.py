"""Reminders in other words, and the gist of long instructions."""

import json

import pytest

from alignthermo.errors import InputError, PromptError
from alignthermo.transcripts import (
    PreparedTranscript,
    Reminders,
    Speech,
    Treatment,
    read_transcripts,
    rephrased_of,
    transcripts_of,
    treated,
)
from alignthermo.transcripts.reminding import gist_of

LONG = (
    "You are Ada, a librarian in a small town by the sea. You like long walks, old maps and strong tea.\n"
    "Never tell anybody your age. The library opens at nine. People come to read, to talk and to get warm. "
    "You must answer in one sentence! Most of the books are older than you are, and you have read them all."
)


def test_the_gist_of_a_long_instruction_is_what_binds():
    assert gist_of(LONG) == "Never tell anybody your age. You must answer in one sentence!"
    assert gist_of("Sound like a pirate. Be brief.") == "Sound like a pirate. Be brief."
    kind = "Erzähle gern von der See und von den alten Karten. " * 6
    assert len(gist_of(kind).split()) <= len(kind.split()) / 3
    assert gist_of(kind).startswith("Erzähle gern")
    unbroken = "word " * 60
    assert gist_of(unbroken) == unbroken


def talk(**more):
    said = [Speech(role=("user", "assistant")[n % 2], content=f"{n} a b c") for n in range(8)]
    return PreparedTranscript(
        id="t", speeches=(Speech(role="system", content=LONG), *said), n_instructing=1, **more
    )


def reminders(prepared, text):
    every = Treatment(reminders=Reminders(form="f", placement="every", every=8, texts=(text,)))
    found = treated(prepared, every, upto=9, count=lambda words: len(words.split()))
    return [one.content for one in found.prepared.speeches if one.inserted]


def test_other_words_are_taken_in_turn():
    found = reminders(talk(rephrased=("one way", "another way")), "Mind: {rephrased}")
    assert found == ["Mind: one way", "Mind: another way", "Mind: one way", "Mind: another way"]
    assert set(reminders(talk(), "In short: {summary}")) == {f"In short: {gist_of(LONG)}"}
    with pytest.raises(InputError, match="no instruction in other words"):
        reminders(talk(), "{rephrased}")
    with pytest.raises(InputError, match="no instruction in other words"):
        reminders(talk(rephrased=("x",)).with_instruction("Be brief."), "{rephrased}")


def test_a_row_brings_other_words(tmp_path):
    row = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "x"}]}
    path = tmp_path / "talks.jsonl"
    rows = [
        row,
        {**row, "rephrased": "In few words."},
        {**row, "rephrased": ["a", ""]},
        {**row, "rephrased": 3},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = read_transcripts(path)
    assert [one.rephrased for one in found.transcripts] == [(), ("In few words.",)]
    assert [(one.line, "`rephrased`" in one.reason) for one in found.problems] == [(3, True), (4, True)]
    assert rephrased_of({"rephrased": '["of a", "CSV cell"]'}) == ("of a", "CSV cell")
    with pytest.raises(PromptError, match="rephrased"):
        rephrased_of({"rephrased": [1]})
    # what a conversation is told by belongs to it; without, nothing has changed
    assert transcripts_of([row]).sha256 != transcripts_of([{**row, "rephrased": "In few words."}]).sha256
