"""The verbs put together, and the console entry point."""

import io
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from alignthermo import __version__
from alignthermo.cli.doctor import doctor
from alignthermo.cli.drift import drift
from alignthermo.cli.exits import with_exit_codes
from alignthermo.cli.judge import calibrate
from alignthermo.cli.judge import run as judge_run
from alignthermo.cli.landscape import landscape
from alignthermo.cli.prompts import prompts
from alignthermo.cli.reference import build
from alignthermo.cli.report import report
from alignthermo.cli.selftest import selftest
from alignthermo.cli.show import show
from alignthermo.cli.transition import transition

__all__ = ["app", "main"]

EXIT_CODES = (
    "Exit codes: 0 ok, 1 internal, 2 usage or configuration, 3 folder conflict, 4 model or tokenizer "
    "incompatible, 5 some rows failed, 10 a gate failed, 130 interrupted (the same command resumes)."
)

# One progress bar, ours; what these libraries warn of, the package checks and says itself.
_QUIET_LIBRARIES = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

app = typer.Typer(
    name="alignthermo",
    help="Measure how firmly a language model's alignment holds: alignment free energy, token by token.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
reference = typer.Typer(
    help="The shipped tiny family of models.", no_args_is_help=True, rich_markup_mode=None
)
judge = typer.Typer(
    help="Judges of sampled replies: held against labels, or run again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

for _verb in (landscape, transition, drift, doctor, selftest, show, report, prompts):
    app.command()(with_exit_codes(_verb))
reference.command()(with_exit_codes(build))
app.add_typer(reference, name="reference")
judge.command("calibrate")(with_exit_codes(calibrate))
judge.command("run")(with_exit_codes(judge_run))
app.add_typer(judge, name="judge")


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"alignthermo {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; a terminated process ends like an interrupted one."""
    signal.signal(signal.SIGTERM, _terminate)
    for name, value in _QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets its code, not an error in the last line of a long run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
