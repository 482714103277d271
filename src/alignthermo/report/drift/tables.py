"""Verdicts and numbers by arm, as tables."""

from collections.abc import Iterable, Mapping, Sequence

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.drift.index import DriftIndex, Place, arm_name
from alignthermo.report.estimate_table import estimate_table
from alignthermo.report.numbers import times
from alignthermo.report.record_index import ALL
from alignthermo.report.table import Table

__all__ = ["arm_notes", "arm_table", "outcome_of", "per_1000", "verdict_table"]

_PER = 1_000.0
_MOST_VERDICTS, _MOST_NOTES = 120, 10


def arm_table(
    index: DriftIndex,
    heads: Mapping[str, str],
    *,
    caption: str,
    categories: Sequence[str] = (ALL,),
) -> Table:
    """Return a table of quantities by arm; rates per token are written per 1,000 tokens.

    Parameters
    ----------
    heads : mapping of quantity to column name
    categories : sequence of str
        Whose rows are shown, one after the other.
    """
    rows = []
    for place in _places(index, categories):
        met = {quantity: index.get(quantity, place) for quantity in heads}
        found = {quantity: per_1000(one) for quantity, one in met.items() if one is not None}
        if found:
            name = arm_name(place.arm)
            rows.append((name if place.category == ALL else f"{place.category}, {name}", found))
    return estimate_table(rows, heads, caption=caption, first="arm")


def arm_notes(
    index: DriftIndex, heads: Mapping[str, str], *, categories: Sequence[str] = (ALL,)
) -> tuple[str, ...]:
    """Return caveats and reasons of what `arm_table` shows, each once."""
    met = (
        (f"{name}: {warning}", arm_name(place.arm))
        for place in _places(index, categories)
        for quantity, name in heads.items()
        for warning in warnings_of(index.get(quantity, place))
    )
    return grouped_caveats(met)[:_MOST_NOTES]


def verdict_table(
    verdicts: Sequence[Verdict], names: Iterable[str], *, caption: str, by_arm: bool = True
) -> Table:
    """Return the verdicts of these names, in their order, with everything they rest on.

    `by_arm` says of which arm each is; left out where all are of one.
    """
    wanted = tuple(names)
    found = sorted(
        (v for v in verdicts if v.name in wanted),
        key=lambda v: (v.slice.get("category", ALL) != ALL, wanted.index(v.name)),
    )
    rows: tuple[tuple[str, ...], ...] = tuple(
        (v.name.replace("_", " "), _of(v), v.outcome, " · ".join(filter(None, (v.statement, *v.tests))))
        for v in found[:_MOST_VERDICTS]
    )
    left_out = len(found) - _MOST_VERDICTS
    footer = f"{left_out:,} more verdicts stand in summary.json." if left_out > 0 else ""
    columns: tuple[str, ...] = ("question", "of", "outcome", "rests on")
    if not by_arm:
        columns, rows = columns[:1] + columns[2:], tuple(row[:1] + row[2:] for row in rows)
    return Table(caption=caption, columns=columns, rows=rows, footer=footer)


def outcome_of(verdicts: Sequence[Verdict], name: str, place: Place) -> Verdict | None:
    """Return the verdict of a name on an arm and category, None where there is none."""
    for verdict in verdicts:
        where = {"arm": place.arm, "category": ALL} | dict(verdict.slice)
        if verdict.name == name and where["arm"] == place.arm and where["category"] == place.category:
            return verdict
    return None


def per_1000(estimate: Estimate) -> Estimate:
    """Write a rate per token as one per 1,000 tokens, which has fewer zeros; others are left alone."""
    if not estimate.unit.endswith("/token"):
        return estimate
    return times(estimate, _PER, unit=f"{estimate.unit.removesuffix('/token')} per 1,000 tokens")


def _places(index: DriftIndex, categories: Sequence[str]) -> tuple[Place, ...]:
    return tuple(Place(arm=arm, category=category) for category in categories for arm in index.arms)


def _of(verdict: Verdict) -> str:
    named = [
        arm_name(value) if key == "arm" else value
        for key, value in sorted(verdict.slice.items())
        if value != ALL
    ]
    return ", ".join(named) or ALL
