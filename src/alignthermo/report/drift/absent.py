"""The line that stands where a panel cannot: why it is not there, and how to get it."""

from collections.abc import Sequence

from alignthermo.report.drift.index import DriftIndex
from alignthermo.report.escape import clipped

__all__ = ["absent"]

_MOST_REASONS, _LONGEST = 3, 240


def absent(index: DriftIndex, quantities: Sequence[str], what: str, how: str) -> tuple[str, ...]:
    """Return nothing where any of the quantities has a value, else one line.

    Parameters
    ----------
    quantities : sequence of str
        What the panel needs, one of them.
    what : str
        How the panel is called.
    how : str
        What the run must be given.
    """
    if index.quantities.intersection(quantities):
        return ()
    reasons = [clipped(reason, _LONGEST).replace("`", "'") for reason in index.reasons(*quantities)]
    why = "; ".join(reasons[:_MOST_REASONS]) or "not measured in this run"
    return (f"{what}: {why}. {how}",)
