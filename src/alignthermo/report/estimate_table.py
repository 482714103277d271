"""Tables of estimates: one row per curve or arm, one column per quantity, intervals below the values."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from alignthermo.quantities import Estimate
from alignthermo.report.numbers import format_interval, format_number, format_unit, format_value
from alignthermo.report.table import Table

__all__ = ["NOT_BRACKETED", "estimate_cell", "estimate_table"]

NOT_BRACKETED = "not bracketed"

_MOST_ROWS = 200


def estimate_cell(estimate: Estimate | None) -> Markup:
    """Write a value with its interval below, *–* where there is none.

    Without a value it is *unknown*, or *not bracketed* for a threshold, with the bound that was measured.
    """
    if estimate is None:
        return Markup("–")
    if math.isnan(estimate.value):
        word = NOT_BRACKETED if (estimate.reason or "").startswith(NOT_BRACKETED) else "unknown"
        return Markup("{}<small>{}</small>").format(word, _side(estimate))
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return Markup("{}").format(format_value(estimate))
    return Markup("{}<small>{}</small>").format(format_value(estimate), format_interval(estimate))


def estimate_table(
    rows: Sequence[tuple[str, Mapping[str, Estimate | None]]],
    heads: Mapping[str, str],
    *,
    caption: str,
    first: str = "curve",
) -> Table:
    """Return a table of the quantities in `heads` that any row holds.

    Parameters
    ----------
    rows : sequence of (name, quantity to estimate)
    heads : mapping of quantity to column name
    first : str
        Name of the first column.
    """
    shown = [q for q in heads if any(found.get(q) is not None for _, found in rows)]
    cells = tuple((name, *(estimate_cell(found.get(q)) for q in shown)) for name, found in rows[:_MOST_ROWS])
    columns = (first, *(_head(heads[q], [found.get(q) for _, found in rows]) for q in shown))
    left_out = len(rows) - _MOST_ROWS
    footer = f"{left_out:,} more rows stand in summary.json." if left_out > 0 else ""
    return Table(caption=caption, columns=columns, rows=cells if shown else (), footer=footer)


def _side(estimate: Estimate) -> str:
    """Spell the bound of what has no value; the words of a threshold are for thresholds alone."""
    threshold = (estimate.reason or "").startswith((f"{NOT_BRACKETED}: kept", f"{NOT_BRACKETED}: broken"))
    above, below = ("kept up to", "broken from") if threshold else ("above", "below")
    if math.isfinite(estimate.low):
        return f"{above} {format_number(estimate.low)}"
    return f"{below} {format_number(estimate.high)}" if math.isfinite(estimate.high) else ""


def _head(name: str, column: Sequence[Estimate | None]) -> Markup:
    units = sorted({format_unit(e.unit) for e in column if e is not None} - {""})
    return Markup("{} <small>{}</small>").format(name, ", ".join(units))
