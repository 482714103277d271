"""From rows to what the estimators read: points of conversations, probes of a point averaged."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from alignthermo.estimators.drift import DriftSeries
from alignthermo.experiments.drift.cuts import DriftCut

__all__ = ["Levels", "Points", "drift_series", "last_third", "points_of"]

TAIL = 2.0 / 3.0
"""Where the last third begins."""

KL_COLUMNS = (
    "drift",
    "control",
    "excess",
    "influence",
    "relaxation",
    "to_wish",
    "wish_minus_base",
    "literal",
    "literal_influence",
    "literal_relaxation",
)
UNITS = {**dict.fromkeys(KL_COLUMNS, "nat"), "entropy": "nat/token", "surprisal": "nat/token"}
UNITS |= {"h_here": "nat", "lean": "nat"}
UNITS |= dict.fromkeys(("compliance", "neutral_compliance", "base_compliance", "kept", "mass_here"), "1")


@dataclass(frozen=True, kw_only=True)
class Levels:
    """One value per conversation.

    Attributes
    ----------
    number : int array, shape (conversation,)
        Ascending.
    value : array, shape (conversation,)
        Finite.
    n_infinite : int
        Points that were ±∞ and are in no mean.
    """

    number: Int[np.ndarray, " conversation"]
    value: Float[np.ndarray, " conversation"]
    n_infinite: int = 0


@dataclass(frozen=True, kw_only=True)
class Points:
    """Measuring points in order of conversation and point; NaN was not measured.

    Attributes
    ----------
    number, point : int arrays, shape (point,)
    turns, tokens, time : arrays, shape (point,)
        `time` is one of the others, the axis on which arms are compared.
    value : array, shape (point,)
        Mean over the probes for which it is finite.
    """

    number: Int[np.ndarray, " point"]
    point: Int[np.ndarray, " point"]
    turns: Float[np.ndarray, " point"]
    tokens: Float[np.ndarray, " point"]
    time: Float[np.ndarray, " point"]
    value: Float[np.ndarray, " point"]

    def first(self, *, after_beginning: bool = False) -> Levels:
        """Value of each conversation at the first point where it is known.

        With `after_beginning` point 0, where there is no history yet, does not count.
        """
        usable = np.isfinite(self.value) & ((self.point > 0) | (not after_beginning))
        number, place = np.unique(self.number[usable], return_index=True)
        return self._levels(number, self.value[usable][place])

    def mean(self, chosen: np.ndarray) -> Levels:
        """Mean over the chosen points of each conversation."""
        usable = np.isfinite(self.value) & chosen
        number, index = np.unique(self.number[usable], return_inverse=True)
        total = np.bincount(index, weights=self.value[usable], minlength=number.size)
        return self._levels(number, total / np.bincount(index, minlength=number.size))

    def _levels(self, number: np.ndarray, value: np.ndarray) -> Levels:
        n_infinite = int(np.isinf(self.value).sum())
        return Levels(number=number, value=np.asarray(value), n_infinite=n_infinite)


def points_of(cut: DriftCut, values: Float[np.ndarray, " row"]) -> Points:
    """Average the rows of each point.

    Parameters
    ----------
    cut : DriftCut
        Of one arm.
    values : array, shape (row,)
        One value per row of the cut, NaN where it is unknown.
    """
    number, point = cut.integers("number"), cut.integers("point")
    width = int(point.max(initial=0)) + 1
    _, place, group = np.unique(number * width + point, return_index=True, return_inverse=True)
    finite = np.isfinite(values)
    size = place.size
    total = np.bincount(group[finite], weights=values[finite], minlength=size)
    count = np.bincount(group[finite], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    infinite = np.bincount(group[np.isinf(values)], minlength=size) > 0
    times = {axis: cut.integers(axis)[place].astype(np.float64) for axis in ("turns", "tokens")}
    return Points(
        number=number[place],
        point=point[place],
        **times,
        time=times[cut.clock],
        value=np.where((count == 0) & infinite, np.inf, mean),
    )


def last_third(points: Points, cut: DriftCut) -> np.ndarray:
    """Tell which points lie in the last third of what every arm of their conversation has reached.

    A conversation without a point there (few, unevenly spaced ones) is represented by its last point. The
    beginning is never among them.
    """
    reach = np.array([cut.reach.get(int(number), np.nan) for number in points.number])
    usable = (points.time <= reach) & (points.point > 0) & np.isfinite(points.value)
    late = usable & (points.time > TAIL * reach)
    with_late = np.unique(points.number[late])
    rest = np.flatnonzero(usable & ~np.isin(points.number, with_late))
    # points stand in order, so the last entry of a conversation is its last point
    last = {int(points.number[row]): row for row in rest}
    late[list(last.values())] = True
    return np.asarray(late)


def drift_series(
    cut: DriftCut,
    column: str,
    *,
    kind: str = "probe",
    keep: Callable[[Points], np.ndarray] | None = None,
    since_reminder: bool = False,
) -> DriftSeries:
    """Return a column as the estimators read it, with the compliance of the same points.

    Parameters
    ----------
    cut : DriftCut
        Of one arm.
    column : str
        As `DriftCut.floats` knows it.
    kind : {"probe", "answer"}
    keep : callable, optional
        Which points are used; all of them unless given.
    since_reminder : bool
        Times count from the last reminder, or from the beginning where there is none.
    """
    rows = cut.of(kind=kind)
    points = points_of(rows, rows.floats(column))
    compliance = points_of(rows, rows.floats("compliance")).value
    used = np.ones(points.value.size, dtype=bool) if keep is None else keep(points)
    turns, tokens = points.turns, points.tokens
    if since_reminder:
        turns, tokens = (points_of(rows, rows.floats(lag)).value for lag in ("lag_turns", "lag_tokens"))
    return DriftSeries(
        conversation=points.number[used],
        turns=turns[used],
        tokens=tokens[used],
        value=points.value[used],
        compliance=compliance[used],
        quantity=column,
        unit=UNITS.get(column, "1"),
    )
