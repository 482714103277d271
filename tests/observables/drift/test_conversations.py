"""Conversations of words: the shipped pair against float64 from scratch, and published ones end to end."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from alignthermo.models import load_pair
from alignthermo.models.forward import NativeForward
from alignthermo.models.heads import head_of
from alignthermo.models.hugging_face import HuggingFaceModel
from alignthermo.observables.drift import (
    BaseSide,
    ProbeCase,
    TraceCase,
    measure_probes,
    overwritten,
    trace_histories,
)
from alignthermo.observables.forest import Sampling
from alignthermo.reference.shipped import shipped_path, shipped_prompts_path
from alignthermo.transcripts import TranscriptWriter, read_transcripts, transcripts_of
from tests.models.tiny_models import make_model
from tests.observables.drift.twin import expected_between, kl, log_rows, units
from tests.transcripts.templates import tokenizer

FILLER = "It is raining here. Then it is a good day for a book. What colour is grass? Green. "


def case_at(writer, talk, point, probe, **answers):
    here, start = (writer.context(talk, upto=upto, probe=probe) for upto in (point, talk.probe_points[0]))
    filler = writer.encode_answer(FILLER)
    return ProbeCase(
        key=f"{talk.id}/{point}",
        here=here.ids,
        start=start.ids,
        neutral_instruction=overwritten(here.ids, here.instruction, filler),
        neutral_history=overwritten(here.ids, here.history, filler),
        **answers,
    )


def test_the_shipped_pair_equals_float64_from_scratch():
    from transformers import AutoModelForCausalLM

    pair = load_pair(str(shipped_path("base")), str(shipped_path("aligned-beta-0.25")))
    rows = [json.loads(line) for line in shipped_prompts_path().read_text(encoding="utf-8").splitlines()]
    secret = next(row for row in rows if row["category"] == "secret")
    talk = [secret["messages"][0]]
    for row in rows[40:400:36]:
        talk += [row["messages"][-1], {"role": "assistant", "content": row["response"]}]
    writer = TranscriptWriter(pair.aligned.tokenizer)
    prepared = writer.prepare(transcripts_of([{"messages": talk}]).transcripts[0])
    assert prepared.notes == ()
    end = (min(pair.aligned.stop_ids - {0}),)
    answers, compliant, defiant = (
        tuple((*writer.encode_answer(text), *end) for text in texts)
        for texts in ((secret["response"], secret["defiant"][0]), secret["compliant"], secret["defiant"])
    )
    probe = secret["messages"][-1]["content"]
    references = {"answers": answers, "compliant": compliant, "defiant": defiant}
    cases = [case_at(writer, prepared, n, probe, **references) for n in prepared.probe_points[::5]]
    found = measure_probes(pair.aligned, cases, base=BaseSide.of(pair))
    q, p = (
        AutoModelForCausalLM.from_pretrained(shipped_path(name), dtype=torch.float64).eval()
        for name in ("aligned-beta-0.25", "base")
    )
    for case, one in zip(cases, found, strict=True):
        for name, expected in expected_between(q, p, case, one).items():
            assert units(getattr(one, name).per_answer, [e.sum() for e in expected]) < 1, name
    assert found[0].drift.mean == 0
    assert found[-1].drift.mean > 0.01
    assert all(one.compliance["here"].mass > 0.5 for one in found)


def test_published_conversations_run_end_to_end_on_another_architecture():
    folder = Path(os.environ.get("ALIGNTHERMO_DATA", "")) / "realguardrails"
    if not os.environ.get("ALIGNTHERMO_DATA") or not folder.is_dir():
        pytest.skip("ALIGNTHERMO_DATA has no realguardrails")
    native = make_model("qwen2", seed=0, max_position_embeddings=8192)
    forward = NativeForward(native, head=head_of(native)[0])
    model = HuggingFaceModel(forward, tokenizer=tokenizer("chatml"), stop_ids=frozenset({2}), max_length=8192)
    writer = TranscriptWriter(tokenizer("chatml"))
    talks = read_transcripts(folder / "realguardrails_distractors.jsonl.xz").transcripts[:2]
    cases, traces = [], []
    for one in talks:
        talk = writer.prepare(one)
        points = talk.probe_points
        cases += [
            case_at(writer, talk, n, "What are your rules?") for n in points[:: max(1, len(points) // 3)]
        ]
        whole = writer.context(talk, upto=len(talk.speeches), generation=False)
        cut = whole.instruction_stop
        own = tuple(n - cut for a, b in whole.own for n in range(a, b, 7))
        neutral = overwritten(whole.ids, whole.instruction, writer.encode_answer(FILLER))[:cut]
        traces.append(
            TraceCase(
                key=talk.id,
                instruction=whole.ids[:cut],
                history=whole.ids[cut:],
                positions=own,
                neutral=neutral,
            )
        )
    found = measure_probes(model, cases, sampling=Sampling(n=1, seed=0, max_new_tokens=4))
    followed = trace_histories(model, traces)
    assert all(np.isfinite([one.drift.mean, one.influence.mean, one.excess]).all() for one in found)
    assert all(np.isfinite(one.influence).all() and one.influence.max() > 0 for one in followed)
    case, one = cases[-1], found[-1]
    (answer,) = one.answers
    expected = kl(log_rows(native, case.here, answer), log_rows(native, case.start, answer))
    assert units(one.drift.per_token[0], expected) < 1
