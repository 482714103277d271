"""The end of a run in a folder: summary, report, gates."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from alignthermo.quantities import Record, Verdict
from alignthermo.runs import RunFolder, require_gates

__all__ = ["Finished", "finish"]


@runtime_checkable
class Finished(Protocol):
    """A summarised result."""

    @property
    def records(self) -> tuple[Record, ...]: ...  # noqa: D102
    @property
    def verdicts(self) -> tuple[Verdict, ...]: ...  # noqa: D102
    def report(self) -> str: ...  # noqa: D102


def finish(folder: RunFolder, result: Finished, *, gates: Sequence[str]) -> None:
    """Write summary and report, then judge the gates: a run that fails one is stored all the same.

    Raises
    ------
    GateFailed
        A gate holds on some slice, or on something unknown.
    """
    folder.write_summary(estimates=result.records, verdicts=result.verdicts)
    folder.write_report(result.report())
    require_gates(gates, result.records)
