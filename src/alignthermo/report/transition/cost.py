"""What the run forwarded, against a plain loop."""

from alignthermo.report.table import Table
from alignthermo.report.transition.slices import Slices

__all__ = ["tokens_table"]

_MEANINGS = {
    "naive": "every context and answer read by itself",
    "optimal": "every shared prefix read once",
    "forwarded": "read in this run",
    "recomputed": "of these, read again because the cache was full",
    "padding": "of these, fill of unequal rows",
    "generated": "sampled",
}


def tokens_table(slices: Slices) -> Table:
    """Return tokens forwarded against the naive count."""
    counts = {
        name: next(iter(slices.by_quantity[f"tokens_{name}"].values())).value
        for name in _MEANINGS
        if slices.by_quantity.get(f"tokens_{name}")
    }
    naive = counts.get("naive", 0.0)
    rows = tuple(
        (
            name,
            f"{count:,.0f}",
            f"{100.0 * count / naive:.3g} %" if naive else "–",
            _MEANINGS[name],
        )
        for name, count in counts.items()
    )
    return Table(caption="Tokens", columns=("tokens", "count", "of naive", "what is counted"), rows=rows)
