"""The printed table: every arm with its drift, its compliance beside it, law, verdict and price."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from alignthermo.experiments.drift.arms import CONTROLS
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["DriftLine", "DriftTable", "drift_table"]

_HEADER = (
    "arm",
    "n",
    "drift start",
    "drift end",
    "beyond neutral",
    "compliance",
    "per 1,000 tokens",
    "median",
    "law",
    "growth",
    "verdict",
    "reminder tokens",
    "gain per 100",
)


@dataclass(frozen=True, kw_only=True)
class DriftLine:
    """One arm, over all categories.

    Attributes
    ----------
    arm : str
    n : int
        Conversations.
    start, end, excess : Estimate
        Drift at the first point after the beginning and in the last third; what of it is beyond neutral
        history of equal length. Nat per answer.
    compliance_start, compliance_end : Estimate
        P(kept).
    rate, median_rate : Estimate
        Nat per token.
    law, growth, verdict : str
        `verdict` is that on forgetting.
    reminder_tokens : Estimate or None
        That a conversation reads; None without reminders.
    gain : Estimate or None
        Drift avoided per reminder token; None without reminders.
    """

    arm: str
    n: int
    start: Estimate
    end: Estimate
    excess: Estimate
    compliance_start: Estimate
    compliance_end: Estimate
    rate: Estimate
    median_rate: Estimate
    law: str
    growth: str
    verdict: str
    reminder_tokens: Estimate | None = None
    gain: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class DriftTable:
    """All lines, the plain arm first, controls last.

    Attributes
    ----------
    lines : tuple of DriftLine
    notes : tuple of str
        What must be read with the table: the schedule, failed checks.
    """

    lines: tuple[DriftLine, ...]
    notes: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Column names of `rows`."""
        return _HEADER

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The table as text."""
        return tuple(_row(line) for line in self.lines)

    def as_dicts(self) -> list[dict[str, object]]:
        """Return plain values for JSON; unknown numbers are None."""
        return [{key: _plain(value) for key, value in asdict(line).items()} for line in self.lines]


def drift_table(records: Sequence[Record], verdicts: Sequence[Verdict]) -> DriftTable:
    """Read the table out of the records and verdicts of a run (those of summary.json)."""
    found: dict[str, dict[str, Estimate]] = {}
    for record in records:
        name = _column(record)
        if name is not None:
            found.setdefault(record.slice["arm"], {})[name] = record.estimate
    said = {
        (one.slice["arm"], one.name): one.outcome for one in verdicts if one.slice.get("category") == "all"
    }
    arms = [arm for arm, columns in found.items() if "conversations" in columns]
    arms.sort(key=lambda arm: (arm != "plain", arm in CONTROLS))
    return DriftTable(
        lines=tuple(_line(arm, found[arm], said) for arm in arms), notes=tuple(_notes(verdicts))
    )


def _column(record: Record) -> str | None:
    """Name the column of a record that stands in the table: of all categories, and nothing finer."""
    where = dict(record.slice)
    if where.get("category") != "all" or "arm" not in where:
        return None
    finer = where.keys() - {"arm", "category"}
    if record.quantity == "gain_per_reminder_token":
        return record.quantity if where.get("measure") == "drift" else None
    return None if finer else record.quantity


def _line(arm: str, found: Mapping[str, Estimate], said: Mapping[tuple[str, str], str]) -> DriftLine:
    nothing = Estimate.unknown("not measured", n=0, unit="nat", method="not measured")
    tokens = found.get("reminder_tokens")
    unjudged = "control" if arm in CONTROLS else "not judged"
    return DriftLine(
        arm=arm,
        n=found["conversations"].n,
        start=found.get("drift_start", nothing),
        end=found.get("drift_end", nothing),
        excess=found.get("excess_end", nothing),
        compliance_start=found.get("compliance_start", nothing),
        compliance_end=found.get("compliance_end", nothing),
        rate=found.get("drift_rate_tokens", nothing),
        median_rate=found.get("median_drift_rate_tokens", nothing),
        law=said.get((arm, "law"), unjudged),
        growth=said.get((arm, "growth"), unjudged),
        verdict=said.get((arm, "forgetting"), unjudged),
        reminder_tokens=tokens if tokens is not None and tokens.value > 0.0 else None,
        gain=found.get("gain_per_reminder_token"),
    )


def _notes(verdicts: Sequence[Verdict]) -> list[str]:
    schedules = [f"schedule: {one.outcome}. {one.statement}" for one in verdicts if one.name == "schedule"]
    failed = [f"check {one.name} failed: {one.statement}" for one in verdicts if one.outcome == "fail"]
    return [*schedules, *failed]


def _row(line: DriftLine) -> tuple[str, ...]:
    return (
        line.arm,
        str(line.n),
        _text(line.start),
        _text(line.end),
        _text(line.excess),
        f"{_value(line.compliance_start)} -> {_value(line.compliance_end)}",
        _text(line.rate, times=1000.0),
        _text(line.median_rate, times=1000.0),
        line.law,
        line.growth,
        line.verdict,
        "" if line.reminder_tokens is None else _value(line.reminder_tokens),
        "" if line.gain is None else _text(line.gain, times=100.0),
    )


def _value(estimate: Estimate) -> str:
    return "unknown" if math.isnan(estimate.value) else f"{estimate.value:.3g}"


def _text(estimate: Estimate, *, times: float = 1.0) -> str:
    if math.isnan(estimate.value):
        return "unknown"
    ends = ("?" if math.isnan(end) else f"{times * end:.3g}" for end in (estimate.low, estimate.high))
    return f"{times * estimate.value:.3g} [{', '.join(ends)}]"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
