"""Conversations out of files: good rows whole, bad rows by line."""

import gzip
import json
import lzma
import os
from pathlib import Path

import pytest

from alignthermo.errors import InputError
from alignthermo.transcripts import read_transcripts, transcripts_of

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"what": "Käse 🧀"}'}}
GOOD = [
    {
        "id": "tools",
        "messages": [
            {"role": "developer", "content": "Be brief. ‮abc‬"},
            {"role": "user", "content": [{"type": "text", "text": "Where is"}, {"type": "image_url"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "Im Kühlschrank\u0000"},
            {
                "role": "assistant",
                "content": [{"type": "reasoning"}, {"type": "output_text", "text": "日本"}],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "find"}}],
        "score": 3,
    },
    {"id": "tools", "messages": [{"role": "user", "content": "the same id"}]},
    {"messages": [{"role": "user", "content": "no id"}]},
]
BAD = [
    ("{", "not JSON"),
    ("[1]", "not a JSON object"),
    ({"prompt": "x"}, "no `messages`; the columns are prompt"),
    ({"messages": []}, "at least one message"),
    ({"messages": "hello"}, "must be a list"),
    ({"messages": [{"role": "user", "content": "a"}, {"role": "wizard", "content": "b"}]}, "message 2: has the role 'wizard'"),  # noqa: E501
    ({"messages": [{"role": "user"}]}, "message 1: `content` is missing"),
    ({"messages": [{"role": "user", "content": 7}]}, "message 1: `content` must be text"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "part 1 of `content`"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "holds no text"),
    ({"messages": ["hi"]}, "message 1: must be an object"),
    ({"messages": [{"role": "user", "content": "  "}]}, "no message has a visible character"),
    ({"messages": [{"role": "user", "content": "x", "tool_calls": [CALL]}]}, "only an assistant calls tools"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "tool call 1 has no function name"),  # noqa: E501
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 3}}]}]}, "must be an object"),  # noqa: E501
    ({"id": [1], "messages": [{"role": "user", "content": "x"}]}, "`id` must be text"),
    ({"messages": [{"role": "user", "content": "x"}], "tools": "f"}, "`tools` must be a list"),
    ('{"messages": [{"role": "user", "content": "cut \\ud83d"}]}', "lone surrogate"),
    ('{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "\\ud83d"}}]}]}', "lone surrogate"),  # noqa: E501
]  # fmt: skip


def lines():
    good = [json.dumps(row, ensure_ascii=False) for row in GOOD]
    bad = [row if isinstance(row, str) else json.dumps(row) for row, _ in BAD]
    return [good[0], *bad, "", *good[1:]]


@pytest.mark.parametrize("packing", ["", ".gz", ".xz"])
def test_good_rows_are_kept_whole_and_bad_ones_named_by_line(tmp_path, packing):
    path = tmp_path / f"talks.jsonl{packing}"
    content = "\n".join(lines()).encode()
    path.write_bytes({"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packing](content))
    found = read_transcripts(path)
    assert [one.id for one in found.transcripts] == ["tools", "tools#2", f"row-{len(BAD) + 4}"]
    assert [problem.line for problem in found.problems] == list(range(2, len(BAD) + 2))
    for problem, (_, words) in zip(found.problems, BAD, strict=True):
        assert words in problem.reason
    first = found.transcripts[0]
    assert [one.role for one in first.speeches] == ["developer", "user", "assistant", "tool", "assistant"]
    assert first.speeches[0].content == "Be brief. ‮abc‬"
    assert first.speeches[1].content == "Where is\n[image_url]"
    assert first.speeches[2].tool_calls[0].arguments == {"what": "Käse 🧀"}
    assert first.speeches[3].content == "Im Kühlschrank\u0000"
    assert first.speeches[4].content == "日本"
    assert first.n_instructing == 1
    assert first.meta == {"score": 3}
    assert first.notes == (
        "message 2: 1 part of kind image_url written as [image_url]",
        "message 5: 1 part of kind reasoning left out",
    )


def test_the_digest_is_of_the_conversations_not_of_the_file(tmp_path):
    for name, rows in (("a.jsonl", GOOD), ("b.jsonl", GOOD), ("c.jsonl", GOOD[:2])):
        (tmp_path / name).write_text("\n\n".join(json.dumps(row) for row in rows[::1]), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("\n".join(lines()[:1] + lines()[-2:]), encoding="utf-8")
    a, b, c = (read_transcripts(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "c.jsonl"))
    assert a.transcripts[0] == b.transcripts[0]
    assert transcripts_of(GOOD[:2]).sha256 == c.sha256 != a.sha256


def test_names_that_were_taken_are_not_given_again():
    talk = {"messages": [{"role": "user", "content": "x"}]}
    found = transcripts_of([{**talk, "id": name} for name in ("a", "a#2", "a", "a")])
    assert [one.id for one in found.transcripts] == ["a", "a#2", "a#3", "a#4"]


def test_what_cannot_be_used_at_all(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text("{\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: not JSON"):
        read_transcripts(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_transcripts(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="line 2"):
        transcripts_of([GOOD[1], {"messages": 3}])
    with pytest.raises(InputError, match="no rows"):
        transcripts_of([])


def test_published_conversations_are_all_read():
    folder = Path(os.environ.get("ALIGNTHERMO_DATA", "")) / "realguardrails"
    if not os.environ.get("ALIGNTHERMO_DATA") or not folder.is_dir():
        pytest.skip("ALIGNTHERMO_DATA has no realguardrails")
    for name, rows in (
        ("realguardrails_handwritten.jsonl.xz", 239),
        ("realguardrails_distractors.jsonl.xz", 504),
    ):
        found = read_transcripts(folder / name)
        lengths = [len(one.speeches) for one in found.transcripts]
        assert (len(found), found.problems, min(lengths)) == (rows, (), 2)
        assert all(one.n_instructing == 1 for one in found.transcripts)
        assert len({one.id for one in found.transcripts}) == rows
    assert max(lengths) == 42
