"""How the measured quantities go along a conversation: means in stretches of tokens."""

from collections.abc import Iterator

import numpy as np

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.levels import mean_level
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import UNITS, Points, points_of
from alignthermo.quantities import Record

__all__ = ["course_records"]

N_STRETCHES = 8
COLUMNS = ("drift", "control", "influence", "relaxation", "compliance")


def course_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield the mean of each column in up to 8 stretches of tokens, the beginning as one of its own.

    The stretches after the beginning hold equally many points. Conversations are of different lengths, so the
    late ones are means over fewer of them: `n` says over how many.
    """
    rows = maker.cut.of(kind="probe")
    for column in COLUMNS:
        try:
            points = points_of(rows, rows.floats(column))
        except AlignthermoError:
            continue
        for stretch in _stretches(points):
            yield _of_stretch(maker, column, points, stretch)


def _of_stretch(maker: DriftMaker, column: str, points: Points, stretch: np.ndarray) -> Record:
    levels = points.mean(stretch)
    tokens = float(points.tokens[stretch & np.isfinite(points.value)].mean())
    return maker.measured(
        f"{column}_along",
        lambda r: mean_level(levels, column, resampling=r),
        unit=UNITS[column],
        tokens=f"{tokens:.0f}",
    )


def _stretches(points: Points) -> Iterator[np.ndarray]:
    """Yield the points of each stretch that holds a measured value."""
    known = np.isfinite(points.value)
    beginning, later = known & (points.point == 0), known & (points.point > 0)
    if beginning.any():
        yield beginning
    if not later.any():
        return
    edges = np.unique(np.quantile(points.tokens[later], np.linspace(0.0, 1.0, N_STRETCHES)[1:]))
    place = np.searchsorted(edges, points.tokens)
    for index in range(edges.size):
        stretch = later & (place == index)
        if stretch.any():
            yield stretch
