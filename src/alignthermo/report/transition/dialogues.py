"""What the panels of dialogues share: the conversations of a run, and what was decided about them."""

from collections.abc import Mapping, Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.names import in_words
from alignthermo.report.record_index import ALL
from alignthermo.report.table import Table
from alignthermo.report.transition.slices import SIZE_NAMES, Slices

__all__ = ["conversation_name", "conversations", "decided"]

_HELD = ("category", "family", "order", *SIZE_NAMES)


def conversations(slices: Slices, *quantities: str) -> tuple[dict[str, str], ...]:
    """Return the slices (category, family, order, size) on which any of these quantities was measured."""
    found: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for quantity in quantities:
        for slice_ in slices.slices(quantity):
            where = {name: slice_[name] for name in _HELD if name in slice_}
            found.setdefault(tuple(where.items()), where)
    return tuple(found.values())


def conversation_name(where: Mapping[str, str]) -> str:
    """Name a conversation; *all* is left out."""
    size = [f"{SIZE_NAMES[name]} = {where[name]}" for name in SIZE_NAMES if name in where]
    named = [where[name] for name in ("category", "family", "order") if where.get(name, ALL) != ALL]
    return ", ".join([*map(in_words, named), *size]) or ALL


def decided(verdicts: Sequence[Verdict], name: str, where: Mapping[str, str]) -> Table:
    """Return the verdicts of one name on a conversation, with everything they rest on."""
    rows = tuple(
        (_part(v, where), v.outcome, " · ".join([v.statement, *v.tests]))
        for v in verdicts
        if v.name == name and v.slice.items() >= where.items()
    )
    return Table(caption=f"Verdict on {in_words(name)}", columns=("of", "outcome", "rests on"), rows=rows)


def _part(verdict: Verdict, where: Mapping[str, str]) -> str:
    return ", ".join(in_words(v) for k, v in sorted(verdict.slice.items()) if k not in where) or "all"
