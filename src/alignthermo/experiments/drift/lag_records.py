"""What was measured at each lag after a reminder, and its one-sided limit."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from alignthermo.estimators.drift.lags import LagMean
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.quantities import Estimate, Record

__all__ = ["lag_records"]


def lag_records(
    maker: DriftMaker, lags: Sequence[LagMean], *, of: Literal["chosen", "held_out"], unit: str
) -> Iterator[Record]:
    """Yield mean and upper limit at each lag.

    Parameters
    ----------
    maker : DriftMaker
        Of one treatment.
    lags : sequence of LagMean
    of : {"chosen", "held_out"}
        Whether these conversations chose the schedule or verify it.
    unit : str
    """
    for lag in lags:
        at = {"lag": f"{lag.lag:g}", "set": of}
        mean = lag.mean
        if math.isnan(mean.low) and mean.reason is None:
            mean = replace(mean, reason="no interval")
        yield maker.record("lag_mean", replace(mean, unit=unit), **at)
        if math.isnan(lag.upper):
            yield maker.unknown("lag_upper", mean.reason or "no upper limit", unit=unit, **at)
            continue
        upper = Estimate(
            value=lag.upper,
            n=mean.n,
            unit=unit,
            level=mean.level,
            method="one-sided limit over conversations",
            reason="a limit has no interval",
        )
        yield maker.record("lag_upper", upper, **at)
