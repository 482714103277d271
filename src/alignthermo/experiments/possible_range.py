"""Intervals of what can lie only in a known range."""

from dataclasses import replace

import numpy as np

from alignthermo.quantities import Estimate

__all__ = ["DIFFERENCE", "SHARE", "within"]

SHARE = (0.0, 1.0)
"""Probabilities, rates and shares of a variance."""

DIFFERENCE = (-1.0, 1.0)
"""Differences of two shares."""


def within(estimate: Estimate, possible: tuple[float, float]) -> Estimate:
    """Cut the interval to the values that are possible, so that it covers as often and promises nothing else.

    A bootstrap-t of few, skewed prompts may reach beyond a probability of one.

    >>> found = within(Estimate(value=0.9, low=0.7, high=1.2, n=8, unit="1", method="m"), SHARE)
    >>> found.low, found.high
    (0.7, 1.0)
    """
    low, high = (float(np.clip(end, *possible)) for end in (estimate.low, estimate.high))
    return replace(estimate, low=low, high=high)
