"""What a verb prints at the end: the table, the verdicts, and the paths last."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from alignthermo.cli.plain_text import format_table, printable

if TYPE_CHECKING:
    from alignthermo.api import Plan, PlannedDrift, PlannedTransition
    from alignthermo.quantities import Record, Verdict

__all__ = [
    "print_json",
    "print_plan",
    "print_problems",
    "print_results",
    "print_tokens",
    "summary_of",
    "written_files",
]

_PROBLEMS_SHOWN = 5

SHOWN_QUANTITY = "f_align"
"""The landscape itself; everything else is in summary.json and the report."""


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.4g}"


def _row(record: "Record") -> list[str]:
    estimate = record.estimate
    interval = f"[{_number(estimate.low)}, {_number(estimate.high)}]"
    known = "" if estimate.reason is None else estimate.reason
    policy, category = (record.slice.get(name, "") for name in ("context_policy", "category"))
    return [policy, category, _number(estimate.value), interval, str(estimate.n), known]


def print_results(
    estimates: Sequence["Record"], verdicts: Sequence["Verdict"], *, paths: Sequence[Path]
) -> None:
    """Print F_align by category, the verdicts, and where everything is."""
    shown = [record for record in estimates if record.quantity == SHOWN_QUANTITY]
    if shown:
        unit, level = shown[0].estimate.unit, shown[0].estimate.level
        header = ["context", "category", f"F_align ({unit})", f"{level:.0%} interval", "prompts", ""]
        typer.echo(format_table(header, [_row(record) for record in shown]) + "\n")
    if verdicts:
        rows = [[verdict.outcome, verdict.name, verdict.statement] for verdict in verdicts]
        typer.echo(format_table(["verdict", "check", ""], rows) + "\n")
    for path in paths:
        typer.echo(printable(str(path)))


def summary_of(estimates: Sequence["Record"], verdicts: Sequence["Verdict"]) -> dict[str, Any]:
    """Return the content of summary.json as plain values."""
    from alignthermo.runs import summary_json

    summary: dict[str, Any] = json.loads(summary_json(estimates=estimates, verdicts=verdicts))
    return summary


def print_json(value: object) -> None:
    """Print strict JSON; letters outside ASCII are escaped, so that no control character gets through."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def print_plan(plan: "Plan | PlannedTransition | PlannedDrift", text: str, *, json: bool) -> None:
    """Print what a run would cost: as JSON, or the text given."""
    if json:
        print_json(asdict(plan))
    else:
        typer.echo(printable(text))


def print_problems(
    unread: Sequence[str], failed: Sequence[str], *, complete: bool, failing: str = "not be measured"
) -> None:
    """Name rows that could not be read or measured, and say if other processes are still at work."""
    if not complete:
        typer.echo("other processes still work on other shards; repeat the command for the summary", err=True)
    problems = [*unread, *failed]
    if problems:
        more = len(problems) - _PROBLEMS_SHOWN
        shown = [*problems[:_PROBLEMS_SHOWN], *([f"… and {more} more"] if more > 0 else [])]
        unmeasured = f"{len(failed)} {failing}" if unread else f"{len(failed)} could {failing}"
        counts = [
            *([f"{len(unread)} rows could not be read"] if unread else []),
            *([unmeasured] if failed else []),
        ]
        text = f"{', '.join(counts)}:"
        typer.echo(printable("\n  ".join([text, *shown])), err=True)


def print_tokens(records: Sequence["Record"]) -> None:
    """Print the tokens that were read, beside what the plain way would have read."""
    counted = (r for r in records if r.estimate.method == "counted")
    tokens = [(r.quantity.removeprefix("tokens_"), r) for r in counted if r.quantity.startswith("tokens_")]
    if tokens:
        shown = ", ".join(f"{name} {record.estimate.value:.0f}" for name, record in tokens)
        typer.echo(f"tokens: {shown}")


def written_files(folder: Path | None, *, complete: bool) -> list[Path]:
    """Return what a run in a folder leaves to look at; the folder itself while others work on it."""
    if folder is None:
        return []
    return [folder / "summary.json", folder / "report.html"] if complete else [folder]
