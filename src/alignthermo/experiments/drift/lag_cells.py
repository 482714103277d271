"""Lags after a reminder, put into cells that enough conversations reach."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from alignthermo.estimators import MIN_CLUSTERS
from alignthermo.estimators.drift import DriftSeries

__all__ = ["LagCells", "lag_cells"]

MAX_CELLS = 20
"""More lags than 24 would be put into few wide bins by the estimator."""


@dataclass(frozen=True, kw_only=True)
class LagCells:
    """Cells of lags, and the lag that stands for each.

    Attributes
    ----------
    width : float
        Of a cell before any are joined, tokens; a cell holds its lower end.
    last : int
        Cells from this one on are one.
    lags : array, shape (cell,)
        Mean lag of the rows of each cell, NaN where there are none.
    """

    width: float
    last: int
    lags: Float[np.ndarray, " cell"]

    @property
    def reach(self) -> float:
        """Lag that stands for the last cell."""
        return float(self.lags[-1])

    def labelled(self, series: DriftSeries) -> DriftSeries:
        """Replace the times of a series by the lags of their cells; lags of no cell are left out."""
        lag = self.lags[_cell(series.tokens, self.width, self.last)]
        rows = np.isfinite(lag)
        compliance = series.compliance
        return replace(
            series,
            conversation=series.conversation[rows],
            turns=series.turns[rows],
            tokens=lag[rows],
            value=series.value[rows],
            compliance=compliance[rows] if compliance is not None else None,
        )

    def ending_at(self, horizon: float) -> "LagCells":
        """Let the last cell stand for the horizon, if enough conversations were measured within a cell of it.

        Joined cells are wide and their mean lies far below their end: they stand for their mean alone.
        """
        inside = self.last == _cell(np.array([horizon]), self.width, self.last + 1)[0]
        return self._standing_for(horizon) if inside else self

    def as_run(self, every: float) -> "LagCells":
        """Let the last cell stand for the spacing at which reminders were put in.

        A reminder comes before the first question after so many tokens, so every question of the arm is asked
        at a shorter lag: where the bound is kept at all of them it is kept by that spacing.
        """
        return self._standing_for(every)

    def _standing_for(self, lag: float) -> "LagCells":
        return replace(self, lags=np.append(self.lags[:-1], lag))


def lag_cells(
    chosen: DriftSeries, held_out: DriftSeries | None, *, width: float, horizon: float = math.inf
) -> LagCells:
    """Cut the lags of an arm into cells, joined at the far end until enough conversations reach the last one.

    Enough are 8, and a third of them: conversations end at different lengths, and a cell that few of them
    reach bounds nothing.

    Of the held-out conversations only the lags are looked at, so that the check has data wherever the choice
    has; where they are fewer than 8 in all they do not count.

    Parameters
    ----------
    chosen, held_out : DriftSeries
        Times count from the last reminder.
    width : float
        Distance of two measurements; cells are wider where there would be more than 20.
    horizon : float
        Lags beyond it are of no cell.
    """
    longest = min(float(chosen.tokens.max(initial=0.0)), horizon)
    width = max(width, longest / MAX_CELLS)
    last = int(_cell(np.array([longest]), width, MAX_CELLS + 1)[0])
    sides = [chosen]
    if held_out is not None and np.unique(held_out.conversation).size >= MIN_CLUSTERS:
        sides.append(held_out)
    while last > 0 and not all(_is_reached(side, width, last, horizon) for side in sides):
        last -= 1
    used = chosen.tokens <= horizon
    cell = _cell(chosen.tokens[used], width, last)
    count = np.bincount(cell, minlength=last + 1)
    total = np.bincount(cell, weights=chosen.tokens[used], minlength=last + 1)
    # tokens are whole: no spacing is shorter than one of them
    lags = np.where(count > 0, np.maximum(total / np.maximum(count, 1), 1.0), np.nan)
    return LagCells(width=width, last=last, lags=lags)


def _cell(lag: Float[np.ndarray, " row"], width: float, last: int) -> Int[np.ndarray, " row"]:
    # a point stands at least one spacing after the one before: cells begin where points begin
    return np.clip(np.floor(lag / width + 1e-9), 0, last).astype(np.int64)


def _is_reached(series: DriftSeries, width: float, last: int, horizon: float) -> bool:
    known = np.isfinite(series.value)
    inside = known & (_cell(series.tokens, width, last) == last) & (series.tokens <= horizon)
    enough = max(MIN_CLUSTERS, np.unique(series.conversation[known]).size / 3.0)
    return bool(np.unique(series.conversation[inside]).size >= enough)
