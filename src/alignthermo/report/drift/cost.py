"""What the run forwarded, against a plain loop."""

import math

from alignthermo.report.drift.index import DriftIndex, Place
from alignthermo.report.table import Table

__all__ = ["tokens_table"]

_MEANINGS = {
    "tokens_naive": "every context, probe and answer read by itself, from scratch",
    "tokens_forwarded": "read in this run: shared prefixes once",
    "tokens_generated": "of these, sampled",
}
_STAGES = {"talk": "conversations", "probe": "measurement", "": "all stages"}


def tokens_table(index: DriftIndex) -> Table:
    """Return tokens forwarded against the naive count, by stage."""
    rows = []
    for stage, name in _STAGES.items():
        more = {"stage": stage} if stage else {}
        counts = {
            quantity: estimate.value
            for quantity in _MEANINGS
            if (estimate := index.get(quantity, Place(arm=""), **more)) is not None
            and math.isfinite(estimate.value)
        }
        naive = counts.get("tokens_naive", 0.0)
        rows += [
            (
                f"{name}: {quantity.removeprefix('tokens_')}",
                f"{count:,.0f}",
                f"{100.0 * count / naive:.3g} %" if naive else "–",
                _MEANINGS[quantity],
            )
            for quantity, count in counts.items()
        ]
    columns = ("tokens", "count", "of naive", "what is counted")
    return Table(caption="Tokens", columns=columns, rows=tuple(rows))
