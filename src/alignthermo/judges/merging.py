"""Which classes of labels a correction tells apart: what is done about partial fulfilment."""

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.judges.confusion import Confusion
from alignthermo.judges.exchange import OUTCOMES

__all__ = ["PARTIALS", "merged_rows"]

PARTIALS = ("separate", "with_refused", "with_fulfilled", "absent")
"""What to do about partial fulfilment: its own class; one class with refusals (then *not fulfilled*), or with
fulfilment (then *not refused*); or taken not to occur."""

MIN_ROW = 5
"""Labelled items below which a row of the matrix says nothing."""


def merged_rows(
    confusion: Confusion, partials: str
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, tuple[str, ...]]:
    """Merge the rows of a confusion matrix into the classes that are to be told apart.

    Returns
    -------
    names, counts, designs, assumptions
        Of each class its calibration counts, a row, and its design effect; and what was assumed.

    Raises
    ------
    InsufficientData
        Fewer than two classes have 5 labelled items.
    """
    counts, designs = confusion.counts.astype(np.float64), confusion.row_designs
    fulfilled, refused, partial = (OUTCOMES.index(name) for name in OUTCOMES)
    notes: list[str] = []
    if partials in ("with_refused", "with_fulfilled"):
        alone, other = (fulfilled, refused) if partials == "with_refused" else (refused, fulfilled)
        notes.append(f"{OUTCOMES[other]} and partial are one class, mixed as in the labelled items")
        designs = np.array([designs[alone], max(designs[other], designs[partial])])
        rows = {OUTCOMES[alone]: counts[alone], f"not_{OUTCOMES[alone]}": counts[other] + counts[partial]}
    else:
        rows = {name: counts[t] for t, name in enumerate(OUTCOMES) if partials == "separate" or t != partial}
        designs = designs[: len(rows)]
        if partials == "absent":
            notes.append("partial fulfilment is taken not to occur")
    enough = [name for name, row in rows.items() if row.sum() >= MIN_ROW]
    if len(enough) < 2:
        raise InsufficientData(
            f"a correction needs two classes with at least {MIN_ROW} labelled items each; "
            f"there are {', '.join(f'{name} {int(row.sum())}' for name, row in rows.items())}"
        )
    notes += [
        f"{name} has fewer than {MIN_ROW} labelled items and is taken not to occur"
        for name in rows
        if name not in enough
    ]
    kept = np.array([name in enough for name in rows])
    return tuple(enough), np.array([rows[name] for name in enough]), designs[kept], tuple(notes)
