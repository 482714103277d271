"""Null checks of every drift run: what must be zero, what must be finite, what a control must show."""

import json
import math
from collections.abc import Iterator, Sequence

import numpy as np

from alignthermo.experiments.drift.arms import CONTROLS
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.judging import direction, needed
from alignthermo.quantities import Record, Verdict

__all__ = ["apparatus_checks", "control_checks"]

EXACT = 1e-6
"""Nat: distances that are 0 by definition may differ from it by rounding alone."""

NEGATIVE = -1e-5
"""Nat: rounding may take a KL so far below 0."""

PROBE_COLUMNS = ("drift", "control", "influence", "relaxation", "to_wish")
ANSWER_COLUMNS = ("literal", "literal_influence", "literal_relaxation")
ALIKE = 0.1
"""Share of the drift by which a control may differ and still be called the same."""


def apparatus_checks(run: DriftCut, config: DriftConfig) -> Iterator[Verdict]:
    """Check the numbers of the whole run: finite, zero without history, zero between identical models.

    Parameters
    ----------
    run : DriftCut
        Every row.
    config : DriftConfig
    """
    yield _finite(run)
    yield _start_is_zero(run)
    if config.base is not None and config.base == config.aligned and config.adapter is None:
        yield _identical_pair(run)


def _finite(run: DriftCut) -> Verdict:
    """Ask that every distance is finite and not negative, or missing for a reason."""
    faults: list[str] = []
    for kind, columns in (("probe", PROBE_COLUMNS), ("answer", ANSWER_COLUMNS)):
        rows = run.of(kind=kind)
        for column in columns:
            values = rows.floats(column)
            infinite, negative = int(np.isinf(values).sum()), int((values < NEGATIVE).sum())
            faults += [f"{column}: {infinite} infinite"] if infinite else []
            faults += [f"{column}: {negative} negative"] if negative else []
    silent = _unexplained(run.of(kind="probe"), "drift")
    faults += [f"drift: {silent} missing without a reason"] if silent else []
    text = "; ".join(faults) or "every distance is finite and not negative, or missing for a reason"
    tests = (f"{run.rows.num_rows} rows",)
    return Verdict(name="finite", outcome="fail" if faults else "pass", statement=text, tests=tests)


def _unexplained(rows: DriftCut, column: str) -> int:
    missing = np.isnan(rows.floats(column))
    reasons = rows.texts("reasons")[missing].tolist()
    return sum(1 for text in reasons if not (json.loads(text) if text else {}).get(column))


def _start_is_zero(run: DriftCut) -> Verdict:
    # a reminder at the beginning is history of a kind: only contexts without one must show no drift
    rows = run.of(kind="probe", point=0, reminders=0)
    drift = rows.floats("drift")
    known = drift[np.isfinite(drift)]
    if not known.size:
        return Verdict(
            name="start_is_zero", outcome="inconclusive", statement="no drift was measured without history"
        )
    worst = float(np.abs(known).max())
    return Verdict(
        name="start_is_zero",
        outcome="pass" if worst <= EXACT else "fail",
        statement=f"without history the drift is at most {worst:.2g} nat",
        tests=(f"{known.size} probes without history, at most {EXACT:g} nat",),
    )


def _identical_pair(run: DriftCut) -> Verdict:
    values = np.concatenate(
        [
            run.of(kind="probe").floats("relaxation"),
            run.of(kind="answer").floats("literal_relaxation"),
        ]
    )
    known = values[np.isfinite(values)]
    if not known.size:
        text = "base and aligned model are the same, and nothing was read under the base"
        return Verdict(name="identical_pair", outcome="inconclusive", statement=text)
    worst = float(np.abs(known).max())
    return Verdict(
        name="identical_pair",
        outcome="pass" if worst < EXACT else "fail",
        statement=f"base and aligned model are the same: KL(q||p) is at most {worst:.2g} nat",
        tests=(f"{known.size} measurements, below {EXACT:g} nat",),
    )


def control_checks(records: Sequence[Record]) -> Iterator[Verdict]:
    """Ask of each control whether the drift is about the instruction at all.

    Read under another conversation's instruction, or under none, the same conversations must show another
    drift. If they show the same one, it is what any conversation does to any text.

    Parameters
    ----------
    records : sequence of Record
        Of the whole run.
    """
    level = _drift_end(records)
    for record in records:
        for control in CONTROLS:
            of_drift = record.quantity == f"{control}_difference" and record.slice["measure"] == "drift"
            if of_drift and record.slice["category"] == "all":
                yield _control(control, record, ALIKE * level)


def _drift_end(records: Sequence[Record]) -> float:
    for record in records:
        if record.quantity == "drift_end" and record.slice == {"arm": "plain", "category": "all"}:
            return 0.0 if math.isnan(record.estimate.value) else abs(record.estimate.value)
    return 0.0


def _control(control: str, record: Record, margin: float) -> Verdict:
    found = direction(record.estimate, margin=margin)
    outcome = {"holds": "fail", "inconclusive": "inconclusive"}.get(found, "pass")
    said = {"shuffled": "under another conversation's instruction", "no_instruction": "under no instruction"}
    text = f"drift of the same conversations, plainly minus {said[control]}: {_line(record)}"
    if outcome == "fail":
        text += "; it is the same, so it is not about the instruction"
    elif outcome == "inconclusive":
        text += f"; {needed(record.estimate)}"
    where = {key: record.slice[key] for key in ("arm", "category")}
    return Verdict(name=f"control_{control}", outcome=outcome, statement=text, slice=where)


def _line(record: Record) -> str:
    return str(record.estimate).splitlines()[0]
