"""Where to measure next: grid cells in which the curve falls too steeply for their width."""

import numpy as np
from jaxtyping import Float

from alignthermo.errors import ConfigError
from alignthermo.estimators.laws.reinforced_curve import ReinforcedCurve, make_pairs
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.estimators.laws.threshold import Threshold

__all__ = ["refined_doses", "refined_grid"]


def refined_grid(
    sweep: Sweep, found: Threshold, *, parts: int = 4, finest: float = 1e-3
) -> tuple[float, ...]:
    """Return α values to measure in addition, inside the cell of a crossing that is steep for its spacing.

    Measured, added to the sweep and asked for `threshold` again, until nothing is returned; each round makes
    the cell `parts` times narrower. A crossing that the grid resolves asks for nothing.

    Parameters
    ----------
    sweep : Sweep
        The sweep that `found` came from.
    found : Threshold
    parts : int
        Cells made of one, at least 2.
    finest : float
        Cells narrower than this are left alone (one token at L = 1000).

    Returns
    -------
    tuple of float
        Ascending, without the ends of the cell; empty when the grid is fine enough.

    Raises
    ------
    ConfigError
        Fewer than 2 parts.
    """
    return () if found.cell is None else _inside(found.cell, sweep.alpha, parts=parts, finest=finest)


def refined_doses(
    curve: ReinforcedCurve, *, parts: int = 4, finest: float = 1e-3
) -> dict[int, tuple[float, ...]]:
    """Return wanted α to measure in addition at single doses of redundant instruction.

    Redundant instruction moves a crossing away from where the plain grid was refined, so each dose is refined
    by itself (`Pairs.steep_cell`), 0 among them: a gain is a difference of crossings, and straight lines
    across cells of different widths err differently. Cells less than half as wide as the widest wait for it.

    Returns
    -------
    dict
        Dose to α, ascending; doses that have nothing to add are missing.

    Raises
    ------
    ConfigError
        Fewer than 2 parts.
    InputError
        No context at every dose.
    """
    pairs = make_pairs(curve)
    steep = {dose: pairs.steep_cell(index) for index, dose in enumerate(pairs.doses)}
    cells = {dose: cell.wanted for dose, cell in steep.items() if cell is not None}
    widest = max((right - left for left, right in cells.values()), default=0.0)
    found = {
        dose: _inside((left, right), curve.cell[curve.dose == dose], parts=parts, finest=finest)
        for dose, (left, right) in cells.items()
        if right - left > 0.5 * widest
    }
    return {dose: alphas for dose, alphas in found.items() if alphas}


def _inside(
    cell: tuple[float, float], measured: Float[np.ndarray, " row"], *, parts: int, finest: float
) -> tuple[float, ...]:
    if parts < 2:
        raise ConfigError(f"refining a grid: {parts} parts do not divide a cell")
    if cell[1] - cell[0] <= finest:
        return ()
    inside = np.linspace(*cell, parts + 1)[1:-1]
    return tuple(float(x) for x in inside if not np.isclose(measured, x, atol=1e-9).any())
