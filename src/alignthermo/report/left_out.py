"""What a run could not measure, and why."""

from collections.abc import Sequence

from alignthermo.report.caveats import grouped_caveats
from alignthermo.report.table import Table

__all__ = ["left_out_table"]

_MOST_ROWS = 60


def left_out_table(left_out: Sequence[str], *, of: str) -> Table:
    """Return what could not be measured, alike reasons together; `of` says what is counted."""
    split = (line.partition(": ") for line in left_out)
    lines = grouped_caveats((reason or unit, unit) for unit, _, reason in split)
    more = len(lines) - _MOST_ROWS
    return Table(
        caption=f"Left out: {len(left_out):,} {of}",
        columns=("reason, and where",),
        rows=tuple((line,) for line in lines[:_MOST_ROWS]),
        footer=f"{more:,} more reasons." if more > 0 else "",
    )
