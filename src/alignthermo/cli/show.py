"""``alignthermo show``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignthermo.cli import options as o
from alignthermo.cli.drift import print_drift
from alignthermo.cli.plain_text import format_table
from alignthermo.cli.results import print_json, print_results, summary_of
from alignthermo.cli.transition import print_certificate

if TYPE_CHECKING:
    from alignthermo.runs import StoredRun

__all__ = ["show"]

_PRINTED = {"transition": print_certificate, "drift": print_drift}
"""What an experiment ends with; a landscape with its table."""


def show(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Show what a run folder holds, without changing it."""
    from alignthermo import api

    stored = api.show(run)
    if json:
        print_json(_spelled(stored))
        return
    typer.echo(format_table(["run", str(stored.path)], _facts(stored)) + "\n")
    shown = _PRINTED.get(stored.experiment, print_results)
    shown(stored.estimates or (), stored.verdicts or (), paths=_paths(stored))


def _facts(stored: "StoredRun") -> list[list[str]]:
    state = "finished" if stored.estimates is not None else "not finished; its command resumes it"
    facts = [
        ["experiment", stored.experiment],
        ["state", state],
        ["shards", str(len(stored.shards))],
        ["rows", f"{stored.n_records} records, {stored.n_tokens} tokens"],
        ["started", str(stored.provenance.get("time"))],
        ["processes", str(len(stored.sessions))],
        ["digest", stored.digest],
        *([name, str(value)] for name, value in sorted(stored.given.items())),
        *([f"weights {side}", digest] for side, digest in sorted(stored.weights.items())),
    ]
    return [*facts, *(["damaged", f"{shard} (its command computes it again)"] for shard in stored.damaged)]


def _paths(stored: "StoredRun") -> list[Path]:
    return [stored.report] if stored.report is not None else []


def _spelled(stored: "StoredRun") -> dict[str, object]:
    summary = None if stored.estimates is None else summary_of(stored.estimates, stored.verdicts or ())
    return {
        "path": str(stored.path),
        "experiment": stored.experiment,
        "digest": stored.digest,
        "given": stored.given,
        "resolved": stored.resolved,
        "weights": stored.weights,
        "provenance": stored.provenance,
        "shards": stored.shards,
        "damaged": stored.damaged,
        "n_records": stored.n_records,
        "n_tokens": stored.n_tokens,
        "report": None if stored.report is None else str(stored.report),
        "summary": summary,
    }
