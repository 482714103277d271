"""The cell of the grid that holds a crossing, and when it is all that can be said."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.guided import BANDWIDTH
from alignthermo.estimators.laws.population import Population
from alignthermo.quantities import Estimate

__all__ = ["STEEP", "across_gap", "unresolved_cell"]

STEEP = 0.25
"""A curve that loses more than this part of its height inside one cell is not resolved by the grid.

On 4 to 9 values of α intervals missed the crossing of such curves by up to their own width: what stands
inside a cell is interpolated, and no interval over prompts knows of it.
"""


def unresolved_cell(
    population: Population,
    t: Float[np.ndarray, " point"],
    excess: Float[np.ndarray, " point"],
    *,
    crossing: float,
) -> tuple[float, float] | None:
    """Return the grid cell of the crossing, if the curve loses more than a quarter of its height inside.

    A cell wider than the local parabolas holds nothing but the pilot's guess, and is given whole as well.
    """
    cell = _cell(population, float(population.axis.to_alpha(np.array([crossing]))[0]))
    ends = population.axis.to_t(np.array(cell))
    values = np.interp(ends, t, excess)
    steep = values[0] - values[1] > STEEP * (excess.max() - excess.min())
    return cell if steep or ends[1] - ends[0] > BANDWIDTH else None


def across_gap(mid: Estimate, population: Population) -> Estimate:
    """Widen α_mid to its cell where that is so wide that only the pilot's guess stands inside."""
    if np.isnan(mid.low):
        return mid
    left, right = _cell(population, mid.value)
    if np.ptp(population.axis.to_t(np.array([left, right]))) <= BANDWIDTH:
        return mid
    note = "nothing was measured inside its cell, which the interval holds whole"
    return replace(mid, low=min(mid.low, left), high=max(mid.high, right), caveats=(*mid.caveats, note))


def _cell(population: Population, alpha: float) -> tuple[float, float]:
    """Neighbouring α of the grid around this one."""
    grid = np.unique(np.round(population.panel.alpha, 9))
    right = int(np.clip(np.searchsorted(grid, alpha), 1, grid.size - 1))
    return float(grid[right - 1]), float(grid[right])
