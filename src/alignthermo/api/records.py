"""Records of a result: one by name, all as a table."""

from collections.abc import Sequence
from typing import Any

from alignthermo.experiments import ROW_FAILED
from alignthermo.quantities import Record

__all__ = ["columns_of", "one_record", "skipped_of"]


def one_record(records: Sequence[Record], quantity: str, where: dict[str, str]) -> Record:
    """Return the one record of `quantity` on a slice, ``category="all"`` unless given.

    Raises
    ------
    KeyError
        No record, or more than one, fits.
    """
    wanted = {"category": "all", **where}
    found = [
        r for r in records if r.quantity == quantity and all(r.slice.get(k) == v for k, v in wanted.items())
    ]
    if len(found) != 1:
        raise KeyError(f"{len(found)} records fit {quantity!r} with {wanted}")
    return found[0]


def columns_of(record: Record) -> dict[str, Any]:
    """Return quantity and estimate as columns of a table."""
    estimate = record.estimate
    names = ("value", "stderr", "low", "high", "unit", "n", "method")
    return {
        "quantity": record.quantity,
        **{name: getattr(estimate, name) for name in names},
        "caveats": "; ".join(estimate.caveats),
        "reason": estimate.reason or "",
    }


def skipped_of(of_shards: Sequence[Record]) -> tuple[str, ...]:
    """Name what could not be measured, with the reason; each once."""
    failed = (record for record in of_shards if record.quantity == ROW_FAILED)
    return tuple(dict.fromkeys(f"{record.unit_id}: {record.estimate.reason}" for record in failed))
