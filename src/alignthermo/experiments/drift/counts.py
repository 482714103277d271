"""What an arm rests on: conversations, measuring points, reminder tokens."""

from collections.abc import Iterator

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.estimators import Resampling, cluster_mean, clustered_share
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.experiments.drift.effects import reminder_token_levels
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.quantities import Estimate, Record

__all__ = ["count_records"]


def count_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield the number of conversations, points and reminder tokens of one, and the share of cut answers."""
    n = maker.cut.n_conversations
    total = Estimate(
        value=float(n), stderr=0.0, low=float(n), high=float(n), n=n, unit="conversation", method="count"
    )
    yield maker.record("conversations", total)
    yield maker.measured("points", lambda r: _mean(_points(maker), "point", r), unit="point")
    yield maker.measured(
        "reminder_tokens",
        lambda r: _mean(reminder_token_levels(maker).value, "token", r),
        unit="token",
        columns=("reminder_tokens",),
    )
    yield maker.measured("truncated_share", lambda r: _truncated(maker, r), unit="1")


def _truncated(maker: DriftMaker, resampling: Resampling) -> Estimate:
    """Share of answers cut at the budget: a distance is then that of answers of at most that length."""
    rows = maker.cut.of(kind="probe")
    _, index = np.unique(rows.integers("number"), return_inverse=True)
    cut, answers = (np.nan_to_num(rows.floats(name)) for name in ("truncated", "answers"))
    found = clustered_share(
        np.bincount(index, weights=cut), np.bincount(index, weights=answers), resampling=resampling
    )
    return in_conversations(found)


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
