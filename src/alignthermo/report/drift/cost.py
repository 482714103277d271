"""What the run forwarded, against a plain loop."""

import math
from collections.abc import Sequence

from alignthermo.quantities import Record
from alignthermo.report.record_index import ALL
from alignthermo.report.table import Table

__all__ = ["tokens_table"]

_MEANINGS = {
    "tokens_naive": "every context, probe and answer read by itself, from scratch",
    "tokens_forwarded": "read in this run: shared prefixes once",
    "tokens_generated": "of these, sampled",
}
_STAGES = {"talk": "conversations: ", "probe": "measurement: ", "": ""}


def tokens_table(records: Sequence[Record]) -> Table:
    """Return tokens forwarded against the naive count, by stage where the records tell stages apart.

    Counts of single shards are added up where there is no total.
    """
    rows = []
    for stage, name in _STAGES.items():
        counts = {quantity: _total(records, quantity, stage) for quantity in _MEANINGS}
        naive = counts["tokens_naive"]
        rows += [
            (
                f"{name}{quantity.removeprefix('tokens_')}",
                f"{count:,.0f}",
                f"{100.0 * count / naive:.3g} %" if naive > 0.0 else "–",
                _MEANINGS[quantity],
            )
            for quantity, count in counts.items()
            if math.isfinite(count)
        ]
    columns = ("tokens", "count", "of naive", "what is counted")
    return Table(caption="Tokens", columns=columns, rows=tuple(rows))


def _total(records: Sequence[Record], quantity: str, stage: str) -> float:
    """Sum the counts of a stage; NaN where nothing was counted."""
    counted = [r for r in records if r.quantity == quantity and r.slice.get("stage", "") == stage]
    totals = [r for r in counted if r.unit_id == ALL] or counted
    return sum(r.estimate.value for r in totals) if totals else math.nan
