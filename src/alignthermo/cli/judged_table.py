"""Judged replies as a table: α_c by judge beside what the judge left undetermined."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignthermo.quantities import Record

__all__ = ["JUDGED_HEADER", "judged_rows"]

JUDGED_HEADER = (
    "instruction",
    "attack",
    "order",
    "size",
    "judge",
    "alpha_c judged",
    "corrected",
    "decided only",
    "undetermined",
)


def judged_rows(records: Sequence["Record"]) -> list[tuple[str, ...]]:
    """Return one line per curve: α_c with undetermined replies counted as not kept, and without them.

    Where the judge was held against labels, α_c corrected for what it gets wrong stands between the two.
    The last column is the range of the undetermined share over the contexts of the attack.
    """
    from alignthermo.experiments import threshold_text

    decided, corrected = (
        {_key(r): threshold_text(r.estimate) for r in records if r.quantity == name}
        for name in ("alpha_c_decided", "alpha_c_judged_corrected")
    )
    open_shares: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for record in records:
        if record.quantity == "judged_undetermined" and record.slice.get("control") == "attack":
            open_shares.setdefault(_key(record), []).append(record.estimate.value)
    rows = []
    for record in records:
        if record.quantity == "alpha_c_judged":
            shares = open_shares.get(_key(record), [math.nan])
            where = record.slice
            rows.append(
                (
                    *(where.get(name, "") for name in ("category", "family", "order")),
                    where.get("length", where.get("n_instr", "")),
                    str(record.policies.get("judge", "")),
                    threshold_text(record.estimate),
                    corrected.get(_key(record), "no labels"),
                    decided.get(_key(record), ""),
                    f"{min(shares):.0%} to {max(shares):.0%}" if not math.isnan(shares[0]) else "unknown",
                )
            )
    return rows


def _key(record: "Record") -> tuple[tuple[str, str], ...]:
    names = ("category", "family", "order", "length", "n_instr")
    return tuple((name, record.slice[name]) for name in names if name in record.slice)
