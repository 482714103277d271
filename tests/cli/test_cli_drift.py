"""``alignthermo drift``: what it prints, what it refuses, that it resumes."""

import json

import pytest

from alignthermo.reference.shipped import shipped_prompts_path

SMALL = ("--answers", "1", "--answer-tokens", "8", "--resamples", "200", "--every", "20", "--no-literal")
READ = ("--answers", "1", "--answer-tokens", "8", "--resamples", "200", "--every", "20", "--attention")
MODEL = ("--aligned", "shipped:aligned-beta-1")


@pytest.fixture(scope="module")
def talks(tmp_path_factory):
    rows = [json.loads(line) for line in shipped_prompts_path().read_text(encoding="utf-8").splitlines()]
    facts = [row for row in rows if row["category"] == "fact"]
    path = tmp_path_factory.mktemp("talks") / "talks.jsonl"
    lines = []
    for number in range(3):
        messages = [{"role": "system", "content": "Work on every task. Sound like a pirate."}]
        for row in facts[4 * number : 4 * number + 4]:
            messages += [row["messages"][-1], {"role": "assistant", "content": row["response"]}]
        lines.append(json.dumps({"id": f"talk-{number}", "messages": messages}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_table_comes_last_and_the_same_command_resumes(run, talks, tmp_path):
    asked = ("drift", talks, *MODEL, *SMALL, "--reminders", "repeat@end", "--out", tmp_path / "r")
    dry = run(*asked, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "conversations  3 in 1 shards, 2 arms, 1 models" in dry.output
    first = run(*asked)
    assert first.exit_code == 0, first.output
    table = first.stdout.rstrip().splitlines()[-3:]
    assert table[0].startswith("arm ")
    assert [line.split()[0] for line in table[1:]] == ["plain", "repeat@end"]
    summary = (tmp_path / "r" / "summary.json").read_bytes()
    again = run(*asked)
    assert again.exit_code == 0
    assert (tmp_path / "r" / "summary.json").read_bytes() == summary
    shown = run("show", tmp_path / "r")
    assert table[1] in shown.stdout
    assert run("report", tmp_path / "r").exit_code == 0
    other = run(*asked, "--seed", "1")
    assert other.exit_code != 0
    assert "seed" in other.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give the recorded conversations"),
        (("--mode", "self_chat"), "needs instructions with their probes"),
        (("nowhere.jsonl",), "nowhere.jsonl"),
        (("x.jsonl", "--reminders", "repeat"), "write FORM@start, FORM@end or FORM@TOKENS"),
        (("x.jsonl", "--reminders", "sing@end"), "there is no phrasing 'sing'"),
        (("x.jsonl", "--windows", "sliding"), "sliding:TOKENS"),
        (("x.jsonl", "--reminders", "own@end"), "with --reminder-text)\n"),
        (("x.jsonl", "--bound", "0.1"), "a bound asks what keeps it"),
        (("x.jsonl", "--mode", "monologue", "--prompts", "shipped"), "leave one of the two out"),
    ],
)
def test_clear_refusals(run, tmp_path, arguments, told):
    done = run("drift", *arguments, *MODEL, "--out", tmp_path / "r")
    assert done.exit_code not in (0, 5)
    assert told in done.output
    assert not (tmp_path / "r").exists()


def test_a_gate_on_the_end_of_compliance(run, talks, tmp_path):
    gate = ("--fail-if", "compliance_end[arm=plain].low < 2")
    done = run("drift", talks, *MODEL, *SMALL, "--out", tmp_path / "r", *gate)
    assert done.exit_code == 10, done.output
    assert "compliance_end" in done.output


def test_rows_left_out_are_named_by_line_in_words_and_in_json(run, talks, tmp_path):
    path = tmp_path / "talks.jsonl"
    path.write_text(talks.read_text(encoding="utf-8") + "\n42\n{", encoding="utf-8")
    asked = ("drift", path, *MODEL, *READ, "--reminders", "rephrase@end")
    planned = json.loads(run(*asked, "--out", tmp_path / "r", "--dry-run", "--json").stdout)
    done = run(*asked, "--out", tmp_path / "r", "--json")
    assert done.exit_code == 5, done.output
    assert "2 rows could not be read, 3 not be measured in full" in done.stderr
    found = json.loads(done.stdout)
    assert [text.partition(":")[2].partition(":")[0] for text in found["unread"]] == [" line 4", " line 5"]
    assert 'write {"prompt": …} or {"messages": […]}' in found["unread"][0]
    assert found["skipped"][0].startswith("talk-0 (line 1): rephrase@end: ")
    assert "give its row a column `rephrased`" in found["skipped"][0]
    assert [line["arm"] for line in found["table"]] == ["plain"]
    tokens = {e["quantity"]: e["value"] for e in found["estimates"] if e["quantity"].startswith("tokens_")}
    for name in ("naive", "forwarded"):
        assert 0.8 < planned[name] / tokens[f"tokens_{name}"] < 1.25
