import json

import pytest

from alignthermo import __version__
from alignthermo.errors import GateFailed, IncompatiblePair, RunConflict
from alignthermo.runs import RunConfig, RunFolder
from tests.cli.fake_api import Diagnosis, Report, Result, record

PAIR = ("--base", "a", "--aligned", "b", "--prompts", "p.jsonl", "--out", "o")


def config_of(api):
    return next(arguments[0] for name, arguments, _ in api.calls if "landscape" in name)


def test_a_landscape_prints_table_verdicts_and_paths_last(api, run):
    result = run("landscape", *PAIR)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["context", "category", "F_align", "(nat/token)", "95%", "interval", "prompts"]
    assert lines[1].split() == ["on_policy", "secret", "0.5", "[0.4,", "0.6]", "9"]
    assert "\\x1b[31mred" in lines[2]
    assert "pass     self-checks  all within 5 stderr" in result.stdout
    assert lines[-2:] == ["out/summary.json", "out/report.html"]
    assert "\x1b" not in result.output
    assert "landscape 2/2" in result.stderr
    assert "1 prompts failed" in result.stderr


def test_quiet_prints_nothing(api, run):
    result = run("landscape", *PAIR, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_json_is_strict_and_alone_on_standard_output(api, run):
    result = run("landscape", *PAIR, "--json")
    summary = json.loads(result.stdout)
    assert summary["schema"] == "alignthermo.summary/1"
    assert (summary["folder"], summary["complete"], summary["n_failed"]) == ("out", True, 0)
    assert len(summary["estimates"]) == 2


def test_rows_that_failed_end_with_code_5(api, run):
    failed = tuple(record("row_failed", unit_id=f"p{i}", reason="too long") for i in range(9))
    api.answers["run_landscape"] = Result(prompt_records=failed, unread=("line 3: not JSON",))
    result = run("landscape", *PAIR)
    assert result.exit_code == 5
    assert "1 rows could not be read, 9 not be measured" in result.stderr
    assert "line 3: not JSON" in result.stderr
    assert "p0: too long" in result.stderr
    assert "… and 5 more" in result.stderr
    assert "report.html" in result.stdout


def test_failed_rows_alone_are_not_counted_beside_none(api, run):
    failed = (record("row_failed", unit_id="p0", reason="too long"),)
    api.answers["run_landscape"] = Result(prompt_records=failed)
    assert "1 could not be measured:" in run("landscape", *PAIR).stderr


def test_an_unfinished_run_says_so(api, run):
    api.answers["run_landscape"] = Result(records=(), verdicts=(), complete=False)
    result = run("landscape", *PAIR)
    assert result.exit_code == 0
    assert "other processes" in result.stderr
    assert result.stdout.splitlines() == ["out"]


@pytest.mark.parametrize("how", [(), ("--json",), ("--quiet",)])
def test_a_failed_gate_shows_the_run_and_ends_with_10(api, run, tmp_path, how):
    folder = RunFolder.open(tmp_path / "run", config=RunConfig(experiment="landscape"))
    folder.write_summary(estimates=[record()])
    api.answers["run_landscape"] = GateFailed("gate 'f_align.low < 0.5' fails")
    result = run("landscape", *PAIR[:-1], tmp_path / "run", "--fail-if", "f_align.low < 0.5", *how)
    assert result.exit_code == 10
    assert "fails" in result.stderr
    assert ("f_align" in result.stdout) == ("--json" in how)
    assert ("secret" in result.stdout) == ("--quiet" not in how)


def test_a_dry_run_prints_the_plan_and_runs_nothing(api, run):
    result = run("landscape", *PAIR, "--dry-run")
    assert result.exit_code == 0
    assert [name for name, _, _ in api.calls] == ["plan_landscape"]
    for part in ("3 in 2 shards", "60 of context", "1.00 GiB", "2.00 GiB", "about 12 s", "p1: too long"):
        assert part in result.stdout
    plan = json.loads(run("landscape", *PAIR, "--dry-run", "--json").stdout)
    assert plan["context_tokens"] == 60


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunConflict("another run\n  seed: 0 -> 1"), 3),
        (IncompatiblePair("other tokenizer"), 4),
        (ZeroDivisionError("oh"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_errors_have_a_message_a_code_and_no_traceback(api, run, error, code, debug):
    api.answers["run_landscape"] = error
    result = run("landscape", *PAIR, *(["--debug"] if debug else []))
    assert result.exit_code == code
    assert ("Traceback" in result.stderr) == debug
    assert {1: "internal error: ZeroDivisionError: oh", 130: "same command resumes"}.get(
        code, f"error: {error}"
    ) in result.stderr


def test_escape_sequences_in_an_error_do_not_reach_the_terminal(api, run):
    api.answers["run_landscape"] = IncompatiblePair("\x1b]0;owned\x07 \u202e")
    assert "\\x1b]0;owned\\x07 \\u202e" in run("landscape", *PAIR).stderr


def test_doctor(api, run):
    result = run("doctor", "a", "b")
    assert (result.exit_code, result.stdout) == (0, "a against b: comparable\n")
    api.answers["diagnose"] = Diagnosis(comparable=False, verdict="not comparable")
    result = run("doctor", "a", "--adapter", "c", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["verdict"] == "not comparable"
    assert api.calls[-1] == ("diagnose", ("a", None), {"adapter": "c"})
    assert run("doctor", "a").exit_code == 2


def test_selftest(api, run):
    result = run("selftest", "--seed", "3")
    assert (result.exit_code, result.stdout) == (0, "1 of 1 checks passed\n")
    assert api.calls[-1][2] == {"seed": 3}
    assert json.loads(run("selftest", "--json").stdout)["checks"] == [{"name": "kl", "got": None}]
    api.answers["selftest"] = Report(passed=False, failures=(1,))
    result = run("selftest", "--quiet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 checks failed" in result.stderr


def test_report(api, run):
    result = run("report", "some/run")
    assert (result.exit_code, result.stdout) == (0, "some/run/report.html\n")


def test_show_a_finished_and_an_unfinished_run(api, run, tmp_path):
    config = RunConfig(experiment="landscape", given={"seed": 3}, weights={"base": "sha256:0"})
    folder = RunFolder.open(tmp_path, config=config)
    folder.commit("a", records=[record()])
    result = run("show", tmp_path)
    assert result.exit_code == 0
    assert "not finished" in result.stdout
    assert json.loads(run("show", tmp_path, "--json").stdout)["summary"] is None
    folder.write_summary(estimates=[record()])
    folder.write_report("<p>")
    result = run("show", tmp_path)
    for part in ("finished", "1 records, 0 tokens", "seed", "weights base", "secret", config.digest):
        assert part in result.stdout
    assert result.stdout.splitlines()[-1] == str(tmp_path / "report.html")
    shown = json.loads(run("show", tmp_path, "--json").stdout)
    assert shown["summary"]["estimates"][0]["quantity"] == "f_align"
    assert shown["shards"] == ["a"]


def test_show_what_is_no_run(api, run, tmp_path):
    result = run("show", tmp_path / "absent")
    assert result.exit_code == 3
    assert "no run.json" in result.stderr


def test_prompts_lists_names_and_licences(run):
    result = run("prompts")
    assert result.exit_code == 0
    assert "ifeval" in result.stdout
    assert "Apache-2.0" in result.stdout


def test_version(run):
    assert run("--version").stdout == f"alignthermo {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("bogus",), ("landscape", "--bogus"), ("landscape", "--limit", "x"), ("show",), ("reference", "bogus")],
)
def test_a_wrong_command_line_ends_with_2(run, arguments):
    assert run(*arguments).exit_code == 2
