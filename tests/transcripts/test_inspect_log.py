"""Inspect logs: through a stand-in everywhere, through the package itself where it is installed."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from alignthermo.errors import ConfigError, InputError
from alignthermo.transcripts import read_transcripts


def sample(number, *, role="user"):
    part = SimpleNamespace
    call = part(id="c1", function="find", arguments={"what": "Käse"})
    return part(
        id=f"s{number}",
        epoch=1,
        target="yes",
        scores={"match": part(value="C")},
        messages=[
            part(role="system", content="Be brief."),
            part(role=role, content=[part(type="text", text="Where?"), part(type="image", image="…")]),
            part(role="assistant", content="", tool_calls=[call]),
            part(role="tool", content="here", function="find", tool_call_id="c1"),
            part(role="assistant", content=[part(type="reasoning", reasoning="hm")], tool_calls=None),
        ],
    )


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    asked = {}

    def read_eval_log(path, *, resolve_attachments):
        asked.update(path=path, resolve_attachments=resolve_attachments)
        if "broken" in path:
            raise ValueError("bad zip")
        samples = [sample(1), sample(2, role="wizard"), sample(3)]
        return SimpleNamespace(eval=SimpleNamespace(task="t", model="m"), samples=samples)

    package, log = ModuleType("inspect_ai"), ModuleType("inspect_ai.log")
    log.read_eval_log = read_eval_log
    package.log = log
    monkeypatch.setitem(sys.modules, "inspect_ai", package)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", log)
    path = tmp_path / "run.eval"
    path.write_bytes(b"zip")
    return path, asked


def test_samples_become_transcripts(stand_in):
    path, asked = stand_in
    found = read_transcripts(path)
    assert asked == {"path": str(path), "resolve_attachments": True}
    assert [one.id for one in found.transcripts] == ["s1/1", "s3/1"]
    assert [(p.line, "wizard" in p.reason) for p in found.problems] == [(2, True)]
    first = found.transcripts[0]
    assert [one.content for one in first.speeches] == ["Be brief.", "Where?\n[image]", "", "here", ""]
    assert first.speeches[2].tool_calls[0].arguments == {"what": "Käse"}
    assert first.speeches[3].name == "find"
    assert first.meta == {"task": "t", "model": "m", "target": "yes", "scores": {"match": "C"}}


def test_faults_of_a_log(stand_in, tmp_path, monkeypatch):
    broken = tmp_path / "broken.eval"
    broken.write_bytes(b"")
    with pytest.raises(InputError, match="bad zip"):
        read_transcripts(broken)
    with pytest.raises(InputError, match="not a regular file"):
        read_transcripts(tmp_path / "none.eval")
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(ConfigError, match="inspect"):
        read_transcripts(stand_in[0])


def test_a_log_written_by_the_package_itself(tmp_path):
    log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    model = pytest.importorskip("inspect_ai.model")
    tool = pytest.importorskip("inspect_ai.tool")
    scorer = pytest.importorskip("inspect_ai.scorer")
    messages = [
        model.ChatMessageSystem(content="Be brief."),
        model.ChatMessageUser(
            content=[model.ContentText(text="Wo ist 🧀?"), model.ContentImage(image="data:x")]
        ),
        model.ChatMessageAssistant(
            content="", tool_calls=[tool.ToolCall(id="c1", function="find", arguments={"what": "Käse"})]
        ),
        model.ChatMessageTool(content="here " * 200, function="find", tool_call_id="c1"),
        model.ChatMessageAssistant(
            content=[model.ContentReasoning(reasoning="hm"), model.ContentText(text="Da.")]
        ),
    ]
    one = log.EvalSample(
        id=1, epoch=1, input="Wo?", target="yes", messages=messages, scores={"match": scorer.Score(value="C")}
    )
    spec = log.EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="t",
        model="m",
        dataset=log.EvalDataset(),
        config=log.EvalConfig(),
    )
    path = tmp_path / "run.eval"
    log.write_eval_log(log.EvalLog(eval=spec, status="success", samples=[one]), str(path))
    (found,) = read_transcripts(path).transcripts
    assert found.id == "1/1"
    assert [one.role for one in found.speeches] == ["system", "user", "assistant", "tool", "assistant"]
    assert found.speeches[1].content == "Wo ist 🧀?\n[image]"
    assert found.speeches[2].tool_calls[0].arguments == {"what": "Käse"}
    assert found.speeches[3].content == "here " * 200
    assert found.speeches[4].content == "Da."
    assert found.meta["scores"] == {"match": "C"}
