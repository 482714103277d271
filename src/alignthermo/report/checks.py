"""Whether the instrument worked: the checks of a run, and one word for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alignthermo.quantities import Estimate, Record, Verdict
from alignthermo.report.numbers import format_interval, format_unit, format_value
from alignthermo.report.record_index import ALL, SELF_CHECK
from alignthermo.report.table import Table

__all__ = [
    "SELF_CHECKS",
    "TRANSITION_CHECKS",
    "CheckKind",
    "CheckStatus",
    "check_status",
    "check_tables",
    "is_self_check",
]

_FIRED = frozenset({"fail", "failed", "fired"})
_PASSED = frozenset({"pass", "passed"})
_MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class CheckKind:
    """How the verdicts of an experiment's checks begin, and what one is called."""

    prefixes: tuple[str, ...]
    noun: str


SELF_CHECKS = CheckKind(prefixes=("self_check:",), noun="self-check")
TRANSITION_CHECKS = CheckKind(prefixes=("null:", "judge:", "self_test:"), noun="check")


@dataclass(frozen=True, kw_only=True)
class CheckStatus:
    """`state` is ``pass``, ``fired``, ``open`` or ``none``; `text` says it in a sentence."""

    state: str
    text: str


def is_self_check(verdict: Verdict, kind: CheckKind = SELF_CHECKS) -> bool:
    """Whether a verdict guards the numbers rather than reports a finding."""
    return verdict.name.startswith(kind.prefixes)


def check_status(verdicts: Sequence[Verdict], kind: CheckKind = SELF_CHECKS) -> CheckStatus:
    """Sum up the checks: one that fired outweighs all that passed."""
    checks = [verdict for verdict in verdicts if is_self_check(verdict, kind)]
    fired = [verdict for verdict in checks if verdict.outcome in _FIRED]
    passed = [verdict for verdict in checks if verdict.outcome in _PASSED]
    if not checks:
        return CheckStatus(
            state="none", text=f"No {kind.noun} was recorded: nothing guards the numbers on this page."
        )
    if fired:
        names = ", ".join(dict.fromkeys(short_name(verdict) for verdict in fired))
        return CheckStatus(
            state="fired",
            text=f"A {kind.noun} fired ({names}): do not use these numbers before it is explained.",
        )
    if len(passed) < len(checks):
        undecided = ", ".join(dict.fromkeys(short_name(v) for v in checks if v not in passed))
        text = (
            f"{len(passed)} of {len(checks)} {kind.noun}s passed, none fired; not informative: {undecided}."
        )
        return CheckStatus(state="open", text=text)
    return CheckStatus(state="pass", text=f"All {len(checks)} {kind.noun}s passed.")


def short_name(verdict: Verdict) -> str:
    """Name of a check without its prefix, in words."""
    return verdict.name.partition(":")[2].replace("_", " ")


def check_tables(
    records: Sequence[Record], verdicts: Sequence[Verdict], kind: CheckKind = SELF_CHECKS
) -> tuple[Table, ...]:
    """Return what each check decided and the numbers it measured; empty tables are left out."""
    decided = tuple(
        (short_name(v), v.outcome, _slice(v.slice), " · ".join([v.statement, *v.tests]))
        for v in verdicts
        if is_self_check(v, kind)
    )
    numbers = tuple(
        (
            record.quantity.removeprefix(SELF_CHECK).replace("_", " "),
            _slice(record.slice),
            f"{format_value(record.estimate)} {format_unit(record.estimate.unit)}".strip(),
            format_interval(record.estimate),
            f"{record.estimate.n:,}",
            _notes(record.estimate),
        )
        for record in records
        if record.quantity.startswith(SELF_CHECK)
    )
    tables = (
        _table("What each check decided", ("check", "outcome", "slice", "statement"), decided),
        _table("What each check measured", ("quantity", "slice", "value", "interval", "n", "notes"), numbers),
    )
    return tuple(table for table in tables if table.rows)


def _table(caption: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Table:
    left_out = len(rows) - _MOST_ROWS
    footer = f"{left_out:,} more rows stand in summary.json." if left_out > 0 else ""
    return Table(caption=caption, columns=columns, rows=rows[:_MOST_ROWS], footer=footer)


def _notes(estimate: Estimate) -> str:
    reason = () if estimate.reason is None else (estimate.reason,)
    return "; ".join(dict.fromkeys((*estimate.caveats, *reason)))


def _slice(where: Mapping[str, str]) -> str:
    named = ", ".join(f"{key} = {value}" for key, value in sorted(where.items()) if value != ALL)
    return named or ALL
