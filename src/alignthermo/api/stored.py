"""Runs that are already on disk."""

from pathlib import Path

from alignthermo.api.drift_result import DriftResult
from alignthermo.api.names import load_prompts
from alignthermo.api.result import LandscapeResult, prompt_texts
from alignthermo.api.transition_result import TransitionResult
from alignthermo.errors import AlignthermoError, RunFolderError
from alignthermo.experiments import TRANSITION_SCHEMA
from alignthermo.runs import StoredRun, read_run
from alignthermo.runs.durable import io_errors, write_atomically
from alignthermo.runs.layout import REPORT

__all__ = ["described", "open_result", "rerender", "show"]


def show(path: str | Path) -> StoredRun:
    """Read what a run folder holds, without changing it.

    Raises
    ------
    RunFolderError
        There is no run, or it is damaged beyond its parts.
    """
    return read_run(path)


def open_result(path: str | Path) -> LandscapeResult:
    """Read a finished landscape back as the result it was.

    Raises
    ------
    RunFolderError
        The folder holds no run, one that is not finished, or one of another experiment.
    """
    stored = _finished(path)
    if stored.experiment != "landscape":
        raise RunFolderError(
            f"{path} holds a {stored.experiment}, not a landscape; `alignthermo show` prints it, "
            f"and its numbers are in summary.json"
        )
    return LandscapeResult(
        records=stored.estimates or (),
        prompt_records=stored.read_records(),
        verdicts=stored.verdicts or (),
        tokens=stored.read_tokens(),
        prompts=_prompts_of(stored),
        run=described(stored),
        folder=stored.path,
    )


def rerender(path: str | Path) -> Path:
    """Write report.html of a finished run again and return its path.

    Raises
    ------
    RunFolderError
        The folder holds no finished run, or cannot be written.
    """
    target = Path(path) / REPORT
    stored = _finished(path)
    pages = {"transition": _transition_page, "drift": _drift_page}
    page = pages.get(stored.experiment)
    html = open_result(path).report() if page is None else page(stored)
    with io_errors(target, doing="write the report", safe="The run itself was not touched."):
        write_atomically(target, html.encode("utf-8", "replace"))
    return target


def _finished(path: str | Path) -> StoredRun:
    stored = read_run(path)
    if stored.estimates is None:
        raise RunFolderError(f"{path} holds a run that is not finished; repeat its command to finish it")
    return stored


def _transition_page(stored: StoredRun) -> str:
    """Render a transition from its summary; its rows are not read, damaged ones do no harm."""
    return TransitionResult(
        records=stored.estimates or (),
        verdicts=stored.verdicts or (),
        shard_records=stored.read_records(),
        rows=TRANSITION_SCHEMA.empty_table(),
        run=described(stored),
    ).report()


def _drift_page(stored: StoredRun) -> str:
    """Render a drift run from its summary; its rows are not read, damaged ones do no harm."""
    return DriftResult(
        records=stored.estimates or (),
        verdicts=stored.verdicts or (),
        shard_records=stored.read_records(),
        run=described(stored),
    ).report()


def described(stored: StoredRun) -> dict[str, object]:
    """Return what a report says about a run: models, command, configuration, provenance."""
    config = stored.resolved
    aligned = config.get("aligned") or f"{config.get('base')} + {config.get('adapter')}"
    return {
        "base": config.get("base"),
        "aligned": aligned,
        "command": f"alignthermo {stored.experiment} --config {stored.path.name}/run.json --out NEW_FOLDER",
        "config": config,
        "weights": stored.weights,
        "provenance": stored.provenance,
    }


def _prompts_of(stored: StoredRun) -> dict[str, str]:
    """Return the prompts' text where their file is still there: a report without it is still a report."""
    try:
        return prompt_texts(load_prompts(str(stored.resolved.get("prompts"))).prompts)
    except AlignthermoError:
        return {}
