"""When a change is one: the words that every verdict on a change uses."""

import math
from typing import Literal

from alignthermo.estimators.naming import DECIDED
from alignthermo.quantities import Estimate

__all__ = ["Direction", "direction", "needed"]

Direction = Literal["falls", "rises", "holds", "inconclusive"]


def direction(change: Estimate | None, *, margin: float) -> Direction:
    """Say what an interval of a change allows to say.

    *holds*: the whole interval lies within the margin, which is what does not matter; else *falls* or *rises*
    where it lies on one side of 0.

    Examples
    --------
    >>> change = Estimate(value=-0.3, stderr=0.05, low=-0.4, high=-0.2, n=30, unit="1", method="paired")
    >>> direction(change, margin=0.02), direction(change, margin=0.5)
    ('falls', 'holds')
    """
    if change is None or math.isnan(change.low) or math.isnan(change.high):
        return "inconclusive"
    if -margin <= change.low and change.high <= margin:
        return "holds"
    if change.high < 0.0:
        return "falls"
    return "rises" if change.low > 0.0 else "inconclusive"


def needed(change: Estimate | None) -> str:
    """Say how many conversations would decide, if the change is what it seems: two errors with 80 % power."""
    if change is None or math.isnan(change.value):
        return change.reason or "not measured" if change is not None else "not measured"
    if math.isnan(change.low):
        return change.reason or "no interval"
    if change.value == 0.0 or math.isnan(change.stderr):
        return f"no change is seen in {change.n} conversations"
    n = math.ceil(change.n * (DECIDED * change.stderr / change.value) ** 2)
    return f"about {n} conversations would decide, {change.n} were measured"
