"""What an arm rests on: conversations, measuring points, reminder tokens."""

from collections.abc import Iterator

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.estimators import Resampling, cluster_mean
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.experiments.drift.effects import reminder_token_levels
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.quantities import Estimate, Record

__all__ = ["count_records"]


def count_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield the number of conversations, mean points and mean reminder tokens of a conversation."""
    n = maker.cut.n_conversations
    total = Estimate(
        value=float(n), stderr=0.0, low=float(n), high=float(n), n=n, unit="conversation", method="count"
    )
    yield maker.record("conversations", total)
    yield maker.measured("points", lambda r: _mean(_points(maker), "point", r), unit="point")
    yield maker.measured(
        "reminder_tokens",
        lambda r: _mean(reminder_token_levels(maker.cut).value, "token", r),
        unit="token",
        columns=("reminder_tokens",),
    )


def _points(maker: DriftMaker) -> np.ndarray:
    rows = maker.cut.of(kind="probe")
    if rows.rows.num_rows == 0:
        raise InsufficientData("no probe was asked in this arm")
    each = np.unique(np.stack([rows.integers("number"), rows.integers("point")]), axis=1)
    return np.unique(each[0], return_counts=True)[1].astype(np.float64)


def _mean(values: np.ndarray, unit: str, resampling: Resampling) -> Estimate:
    found = cluster_mean(
        values,
        rng=resampling.rng,
        level=resampling.level,
        n_resamples=resampling.n_resamples,
        unit=unit,
    )
    return in_conversations(found)
