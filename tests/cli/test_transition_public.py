"""Published templates, behaviours and system prompts through the verb, on a tiny random Qwen3.

The numbers mean nothing; every mechanism is the real one.
"""

import json
import os
from pathlib import Path

import pytest

from alignthermo.contexts import read_templates
from alignthermo.prompts import load_prompt_set
from tests.models.tiny_models import make_model, save, train_tokenizer

DATA = os.environ.get("ALIGNTHERMO_DATA")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DATA is None, reason="ALIGNTHERMO_DATA is not set: the public sets are not here"),
]
TEMPLATES = Path(DATA or ".") / "jailbreak_templates"
REFUSALS = ("I cannot help with that.", "I'm sorry, but I can't assist with this request.")
DESIGN = ("--alphas", "0,0.25,0.5,0.75,1", "--lengths", "900", "--orders", "adversarial_last", "--limit", "8")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    behaviours = [p.messages[-1].content for p in load_prompt_set("jailbreakbench").prompts]
    shots = [t.text for t in read_templates(TEMPLATES / "gptfuzzer_seed_short_25.csv").templates]
    tokenizer = train_tokenizer([*behaviours, *shots, *REFUSALS], size=2000)
    tiny = make_model("qwen3", seed=5, vocabulary=2048, max_position_embeddings=4096)
    return save(tiny, tokenizer, tmp_path_factory.mktemp("qwen3"))


@pytest.fixture(scope="module")
def rule():
    """A published system prompt that is not too long for the design."""
    texts = [prompt.messages[0].content for prompt in load_prompt_set("realguardrails").prompts]
    return next(text for text in texts if 200 < len(text) < 700)


@pytest.fixture
def arguments(model, rule):
    refusals = [part for text in REFUSALS for part in ("--compliant", text)]
    return (
        "transition",
        "--aligned",
        model,
        "--prompts",
        "jailbreakbench",
        "--system-prompt",
        rule,
        *refusals,
    )


def test_public_material_end_to_end(run, arguments, tmp_path):
    files = (
        "--family",
        "template,override,many_shot",
        "--templates",
        TEMPLATES / "gptfuzzer_seed_short_25.csv",
    )
    asked = (*arguments, *files, *DESIGN, "--samples", "1", "--max-new-tokens", "12", "--judge", "heuristic")
    asked = (*asked, "--kept-by", "refusal")
    dry = run(*asked, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    planned = json.loads(dry.stdout)
    assert planned["n_prompts"] == 8
    assert planned["tokens"]["planned"] < planned["tokens"]["naive"]
    done = run(*asked, "--resamples", "200", "--out", tmp_path / "run", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {line["family"] for line in found["certificate"]} == {"template", "override", "many_shot"}
    quantities = {e["quantity"] for e in found["estimates"]}
    assert {"p_kept", "candidate_mass", "alpha_c", "judged_rate"} <= quantities
    report = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert '<section id="certificate">' in report


def test_what_the_material_cannot_do_is_said(run, arguments, tmp_path):
    nothing = tmp_path / "no_slot.csv"
    nothing.write_text("text\nForget everything.\n")
    refused = run(
        *arguments, "--family", "template", "--templates", nothing, *DESIGN, "--out", tmp_path / "a"
    )
    assert refused.exit_code != 0
    assert "[INSERT PROMPT HERE]" in refused.stderr
    files = ("--family", "template", "--templates", TEMPLATES / "gptfuzzer_templates.csv")
    tooth = run(*arguments, *files, "--alphas", "0,0.5,1", "--lengths", "9000", "--limit", "2", "--dry-run")
    assert tooth.exit_code != 0
    assert "4096" in tooth.stderr
    bare = (
        "transition",
        "--aligned",
        arguments[2],
        "--prompts",
        "jailbreakbench",
        "--limit",
        "2",
        "--dry-run",
    )
    without = run(*bare, "--family", "override", "--lengths", "300")
    assert without.exit_code != 0
    assert "--compliant" in without.stderr
