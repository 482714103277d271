"""Published transcripts and system prompts through the verb, on a tiny random Qwen3 with a stock template.

The numbers mean nothing; every mechanism is the real one.
"""

import json
import lzma
import os
from pathlib import Path

import pytest

from tests.models.tiny_models import make_model, save, train_tokenizer

DATA = os.environ.get("ALIGNTHERMO_DATA")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DATA is None, reason="ALIGNTHERMO_DATA is not set: the public sets are not here"),
]
FOLDER = Path(DATA or ".")
LONG = FOLDER / "realguardrails" / "realguardrails_distractors.jsonl.xz"
SHORT = FOLDER / "realguardrails" / "realguardrails_handwritten.jsonl.xz"
SYSTEM_PROMPTS = FOLDER / "persona_drift" / "hundred_system_prompts.jsonl"
SMALL = ("--answers", "1", "--answer-tokens", "8", "--resamples", "200")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with lzma.open(LONG, "rt", encoding="utf-8") as lines:
        texts = [m["content"] for line in list(lines)[:40] for m in json.loads(line)["messages"]]
    tokenizer = train_tokenizer([text for text in texts if isinstance(text, str)], size=3000)
    tiny = make_model("qwen3", seed=5, vocabulary=3072, max_position_embeddings=16384)
    return save(tiny, tokenizer, tmp_path_factory.mktemp("qwen3"))


@pytest.mark.parametrize("path", [LONG, SHORT], ids=["long", "short"])
def test_published_transcripts_end_to_end(run, model, tmp_path, path):
    asked = ("drift", path, "--aligned", model, "--limit", "12", "--every", "300", *SMALL)
    dry = run(*asked, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    planned = json.loads(dry.stdout)
    assert planned["n_conversations"] == 12
    assert planned["forwarded"] < planned["naive"]
    arms = ("--reminders", "repeat@end", "--windows", "sliding:600")
    done = run(*asked, *arms, "--out", tmp_path / "r", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {line["arm"] for line in found["table"]} == {"plain", "repeat@end", "sliding:600"}
    assert (tmp_path / "r" / "report.html").stat().st_size > 10_000


def test_the_hundred_system_prompts_are_talked_under(run, model, tmp_path):
    asked = ("drift", "--mode", "self_chat", "--prompts", SYSTEM_PROMPTS, "--aligned", model)
    talk = ("--conversations", "100", "--turns", "3", "--reply-tokens", "12", "--every", "20")
    done = run(*asked, *talk, *SMALL, "--conversations-per-shard", "25", "--out", tmp_path / "r", "--json")
    assert done.exit_code in (0, 5), done.output
    found = json.loads(done.stdout)
    (plain,) = [line for line in found["table"] if line["arm"] == "plain"]
    assert plain["n"] >= 95


def test_bad_rows_are_named_by_line_and_the_rest_is_measured(run, model, tmp_path):
    with lzma.open(LONG, "rt", encoding="utf-8") as lines:
        rows = [next(lines).rstrip("\n") for _ in range(9)]
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"what": "Käse 🧀"}'}}
    tools = [
        {"role": "system", "content": "Answer in Swiss German. 日本語は使わない。"},
        {"role": "user", "content": "Wo isch de Chäs? \u202e"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "im Chäller 🧀"},
        {"role": "assistant", "content": "Im Chäller."},
    ]
    bad = ['{"messages": [', '{"messages": [{"role": "wizard", "content": "x"}]}', '{"text": "no messages"}']
    path = tmp_path / "talks.jsonl"
    path.write_text("\n".join([*rows, *bad, json.dumps({"id": "tools", "messages": tools})]), "utf-8")
    done = run("drift", path, "--aligned", model, "--every", "10", *SMALL, "--out", tmp_path / "r")
    assert done.exit_code == 5, done.output
    for line in (10, 11, 12):
        assert f"line {line}" in done.output
    from alignthermo.api import show

    measured = show(tmp_path / "r").read_rows(stage="probe").to_pandas()
    tools_rows = measured[(measured.conversation == "tools") & (measured.kind == "probe")]
    # the template knows no calls, so that the call is read as text, and may be asked after
    assert {0, 1} <= set(tools_rows.point)
    assert tools_rows.drift.notna().all()
