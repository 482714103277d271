"""How the numbers were made: policies, estimators, models, versions, and the command that repeats them."""

import shlex
from collections.abc import Mapping, Sequence

from alignthermo.quantities import Record
from alignthermo.report.escape import clipped
from alignthermo.report.glossary import GLOSSARY, Term
from alignthermo.report.numbers import format_unit
from alignthermo.report.table import Table

__all__ = ["command_of", "methods_table", "policies_table", "provenance_table"]

# A page is passed around; which machine made it concerns nobody who reads it. run.json keeps it.
_PRIVATE = frozenset({"host", "hostname"})
_SHOWN_ELSEWHERE = frozenset({"command"})
_LONGEST_VALUE = 600
_MOST_ROWS = 200


def command_of(run: Mapping[str, object]) -> str:
    """Return the command that makes the run again, quoted for a shell; empty where none is recorded."""
    command = run.get("command")
    if command is None:
        return ""
    return command if isinstance(command, str) else shlex.join(str(part) for part in _items(command))


def policies_table(records: Sequence[Record]) -> Table:
    """Return every policy that was in force, with all values met."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for key, value in record.policies.items():
            found.setdefault(key, {})[value] = None
        for key in ("context_policy", "template_policy"):
            if key in record.slice:
                found.setdefault(key, {})[record.slice[key]] = None
    rows = tuple(
        (key.replace("_", " "), clipped(", ".join(found[key]), _LONGEST_VALUE)) for key in sorted(found)
    )
    return Table(caption="Policies in force", columns=("policy", "value"), rows=rows)


def methods_table(records: Sequence[Record], glossary: Mapping[str, Term] = GLOSSARY) -> Table:
    """Return definition, unit and estimator of every quantity on the page."""
    methods: dict[str, dict[str, None]] = {}
    units: dict[str, str] = {}
    for record in records:
        if record.quantity in glossary:
            methods.setdefault(record.quantity, {})[record.estimate.method] = None
            units.setdefault(record.quantity, format_unit(record.estimate.unit) or "1")
    rows = tuple(
        (term.name, term.definition, units[q], clipped("; ".join(methods[q]), _LONGEST_VALUE))
        for q, term in glossary.items()
        if q in methods
    )
    columns = ("quantity", "definition", "unit", "estimator and interval")
    return Table(caption="Definitions and estimators", columns=columns, rows=rows)


def provenance_table(run: Mapping[str, object]) -> Table:
    """Return the run's configuration and provenance as one flat table."""
    rows = [(key, clipped(value, _LONGEST_VALUE)) for key, value in _flat(run) if key not in _SHOWN_ELSEWHERE]
    left_out = len(rows) - _MOST_ROWS
    footer = f"{left_out:,} more settings stand in run.json." if left_out > 0 else ""
    return Table(
        caption="Configuration and provenance",
        columns=("setting", "value"),
        rows=tuple(rows[:_MOST_ROWS]),
        footer=footer,
    )


def _flat(value: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        if key in _PRIVATE:
            continue
        if isinstance(item, Mapping):
            rows += _flat(item, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", _written(item)))
    return rows


def _written(item: object) -> str:
    if item is None:
        return "–"
    if isinstance(item, str):
        return item
    return ", ".join(str(part) for part in _items(item)) or "none"


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]
