"""The run in a few sentences; nothing that was not measured."""

import math
from collections.abc import Mapping, Sequence

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.drift.index import DriftIndex, Place
from alignthermo.report.drift.schedule import bound_of
from alignthermo.report.drift.tables import outcome_of
from alignthermo.report.numbers import format_interval, format_unit, format_value

__all__ = ["design_of", "plain_words"]

_SETTINGS = (
    ("mode", "mode"),
    ("transcripts", "transcripts"),
    ("prompts", "instructions"),
    ("reminders", "reminders"),
    ("windows", "windows"),
    ("controls", "controls"),
    ("every", "tokens between points"),
)


def plain_words(index: DriftIndex, verdicts: Sequence[Verdict], config: Mapping[str, object]) -> str:
    """Say how far the plain conversations drift, what compliance does, and what keeps it."""
    if not index.arms:
        return "No drift was measured in this run."
    said = (
        _drift(index),
        _compliance(index),
        _law(verdicts),
        _forgetting(verdicts),
        _schedule(index, verdicts, config),
    )
    return " ".join(part for part in said if part)


def design_of(config: Mapping[str, object]) -> str:
    """Say in one line what was run."""
    parts = []
    for name, noun in _SETTINGS:
        value = config.get(name)
        if value:
            many = value if isinstance(value, (list, tuple)) else [value]
            parts.append(f"{noun}: {', '.join(str(one).replace('_', ' ') for one in many)}")
    return " · ".join(parts) or "design not recorded"


def _drift(index: DriftIndex) -> str:
    end, excess = (index.get(name, Place()) for name in ("drift_end", "excess_end"))
    if end is None or math.isnan(end.value):
        return ""
    text = f"At the end answers to the probes have drifted by {_written(end)}"
    if excess is None or math.isnan(excess.value):
        return f"{text}; how much of that is length alone was not measured."
    return f"{text}; beyond neutral history of as many tokens: {_written(excess)}."


def _compliance(index: DriftIndex) -> str:
    for quantity, name in (("compliance", "Compliance"), ("kept", "The share of kept answers")):
        first, last, change = (
            index.get(f"{quantity}_{when}", Place()) for when in ("start", "end", "change")
        )
        if first is not None and last is not None and not math.isnan(first.value + last.value):
            text = f"{name} goes from {format_value(first)} to {format_value(last)}"
            known = change is not None and not math.isnan(change.value)
            return f"{text} (change {_written(change)})." if known else f"{text}."
    return "Compliance was not measured, so that nobody can say whether anything was forgotten."


def _law(verdicts: Sequence[Verdict]) -> str:
    law, growth = (outcome_of(verdicts, name, Place()) for name in ("law", "growth"))
    parts = [
        *([f"the law is “{law.outcome}”"] if law is not None else []),
        *([f"its growth “{growth.outcome}”"] if growth is not None else []),
    ]
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _forgetting(verdicts: Sequence[Verdict]) -> str:
    found = outcome_of(verdicts, "forgetting", Place())
    return "" if found is None else f"Forgetting: “{found.outcome}”."


def _schedule(index: DriftIndex, verdicts: Sequence[Verdict], config: Mapping[str, object]) -> str:
    found = [verdict for verdict in verdicts if verdict.name == "schedule"]
    if not found:
        return ""
    bound, on = bound_of(config)
    held = "The schedule" if bound is None else f"To keep {on} under {bound:g}"
    cost = index.get("schedule_cost", Place(arm=found[0].slice.get("arm", "")))
    if cost is None or math.isnan(cost.value):
        return f"{held}: “{found[0].outcome}”."
    arm = found[0].slice.get("arm", "")
    return (
        f"{held}: {arm} is the cheapest that was tried, {cost.value:,.0f} reminder tokens; on held-out "
        f"conversations: “{found[0].outcome}”."
    )


def _written(estimate: Estimate | None) -> str:
    if estimate is None:
        return "unknown"
    unit = format_unit(estimate.unit).replace("nat", "nat per answer")
    text = f"{format_value(estimate)} {unit}".strip()
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return f"{text} (no interval)"
    return f"{text} ({100 * estimate.level:g} % interval {format_interval(estimate)})"
