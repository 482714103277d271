"""What every measuring verb does around its run: progress, and what is shown where a gate fails."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from alignthermo.cli.progress import show_progress
from alignthermo.cli.results import print_json, summary_of, written_files
from alignthermo.errors import GateFailed

if TYPE_CHECKING:
    from alignthermo.quantities import Record, Verdict

__all__ = ["Shown", "run_shown", "where_of"]

_Result = TypeVar("_Result")


@runtime_checkable
class Shown(Protocol):
    """Prints what a run found."""

    def __call__(  # noqa: D102
        self, records: Sequence["Record"], verdicts: Sequence["Verdict"], /, *, paths: Sequence[Path]
    ) -> None: ...


def run_shown(
    run: Callable[..., _Result],
    *,
    out: str | None,
    shown: Shown,
    json: bool,
    quiet: bool,
    spell: Callable[..., dict[str, object]] = summary_of,
) -> _Result:
    """Run with progress; where a gate fails the run itself is done and stored: show it, then fail.

    Parameters
    ----------
    run : callable
        Takes `progress`.
    out : str
        Its folder.
    shown : callable
        Prints records and verdicts.
    json, quiet : bool
        How the verb was asked to print.
    spell : callable
        Makes JSON of records and verdicts: the same keys whether a gate fails or not.
    """
    try:
        with show_progress(quiet=quiet) as progress:
            return run(**({"progress": progress} if progress else {}))
    except GateFailed:
        from alignthermo import api

        stored = api.show(str(out))
        records, verdicts = stored.estimates or (), stored.verdicts or ()
        if json:
            print_json({"folder": str(stored.path), "complete": True, **spell(records, verdicts)})
        elif not quiet:
            shown(records, verdicts, paths=written_files(stored.path, complete=True))
        raise


def where_of(verdict: "Verdict") -> str:
    """Say on which slice a verdict holds; the category stands elsewhere."""
    return " ".join(value for key, value in sorted(verdict.slice.items()) if key != "category")
