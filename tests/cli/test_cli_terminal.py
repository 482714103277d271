import io
import os
import pty
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn

from alignthermo.cli import progress
from alignthermo.cli.plain_text import format_table, printable
from alignthermo.cli.progress import Reporter, show_progress
from tests.interrupts import heed_interrupts

HERE = Path(__file__).parent
HEAVY = ("torch", "transformers", "pandas", "pyarrow", "numpy", "scipy", "huggingface_hub")


@pytest.mark.parametrize("arguments", [["--help"], ["landscape", "--help"], ["--version"], ["bogus"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from alignthermo.cli import main\n"
        f"sys.argv = ['alignthermo', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130(number, tmp_path):
    command = [sys.executable, str(HERE / "endless_run.py"), "landscape"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, cwd=tmp_path, text=True, preexec_fn=heed_interrupts
    ) as process:
        assert "landscape 1/9" in process.stderr.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command resumes" in errors
    assert "Traceback" not in errors


@given(st.text())
def test_nothing_that_steers_a_terminal_gets_through(text):
    shown = printable(text)
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in shown if c not in "\n\t")
    shown.encode("utf-8")


def test_plain_text_is_unchanged():
    assert printable("Löwe ≥ 3\n\t日本") == "Löwe ≥ 3\n\t日本"


def test_wide_letters_keep_the_columns():
    lines = format_table(["a", "b"], [["日本", "x"], ["y\nz", "x"]]).splitlines()
    assert lines == ["a     b", "日本  x", "y z   x"]


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def test_plain_lines_come_seldom_and_say_rate_and_time_left(clock, capsys):
    report = Reporter()
    for done in range(201):
        clock.now = 100.0 + done / 4
        report("landscape", done, 200, "1 prompts failed" if done > 100 else "")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "landscape 0/200"
    assert lines[1] == "landscape 40/200, 4.0/s, 40 s left"
    assert lines[3] == "landscape 120/200, 4.0/s, 20 s left, 1 prompts failed"
    assert lines[-1] == "landscape 200/200, 4.0/s, 1 prompts failed"
    assert len(lines) == 6


def test_slow_work_is_told_in_seconds_each(clock, capsys):
    report = Reporter()
    for done in range(3):
        clock.now = 100.0 + 20.0 * done
        report("landscape", done, 9)
    assert capsys.readouterr().err.splitlines()[-1] == "landscape 2/9, 20.0 s each, 140 s left"


def test_a_new_stage_begins_anew(clock, capsys):
    report = Reporter()
    report("load", 1, 1)
    clock.now += 1
    report("landscape", 5, 9, "\x1b[2J")
    assert capsys.readouterr().err.splitlines() == ["load 1/1", "landscape 5/9, \\x1b[2J"]


def test_there_is_one_bar_for_all_stages():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    columns = (
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Progress(*columns, console=console) as bar:
        report = progress._Bar(bar=bar)
        report("load", 0, 1)
        report("load", 1, 1)
        report("landscape", 3, 7, "[bold]2 failed[/]")
        (task,) = bar.tasks
        assert (task.description, task.completed, task.total) == ("landscape", 3, 7)
        assert task.fields["detail"] == "[bold]2 failed[/]"
    assert "[bold]2 failed[/]" in screen.getvalue()


def test_on_a_terminal_there_is_a_bar(tmp_path):
    code = (
        "from alignthermo.cli.progress import show_progress\n"
        "with show_progress(quiet=False) as p:\n"
        "    for done in range(4):\n        p('landscape', done, 3, '[x] 1 failed')\n"
    )
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=follower, env={**os.environ, "TERM": "xterm"}
    ) as one:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 4096):
                shown += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(leader)
    assert one.returncode == 0
    assert b"landscape" in shown
    assert b"3/3" in shown
    assert b"[x] 1 failed" in shown


def test_quiet_is_silent_and_a_pipe_gets_lines():
    with show_progress(quiet=True) as silent:
        assert silent is None
    with show_progress(quiet=False) as lines:
        assert isinstance(lines, Reporter)
