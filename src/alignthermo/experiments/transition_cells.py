"""Which contexts each stage wants: the grid and the grid with redundant instruction, and their refinement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pyarrow as pa

from alignthermo.contexts import Cell, Reinforcement
from alignthermo.contexts.design import Placement
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import refined_doses, refined_grid, threshold
from alignthermo.estimators.laws.reinforced_curve import ReinforcedCurve
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_curves import MIN_ALPHAS, known_or_reason, unfit
from alignthermo.experiments.transition_reinforcement import reinforced_curves, reinforced_cuts
from alignthermo.experiments.transition_sweeps import ALL, Cut, curve_sweep
from alignthermo.quantities import random_stream

__all__ = ["PARTS", "refined_cells", "refined_reinforced_cells", "reinforced_cells", "sweep_cells"]

PARTS = 4
"""Cells that one round of refinement makes of a steep one."""

_RESAMPLES = 400
"""Only where the crossing lies is asked here; its interval comes later."""


def sweep_cells(config: TransitionConfig) -> Mapping[str, tuple[Cell, ...]]:
    """Return the cells of the grid by attack family."""
    return _by_family(config, tuple(config.context_design().cells()))


def _by_family(config: TransitionConfig, cells: Sequence[Cell]) -> Mapping[str, tuple[Cell, ...]]:
    """Return the cells of each family: of a template that is all of the attack, with and without it."""
    ends = {min(cell.n_adversarial for cell in cells), max(cell.n_adversarial for cell in cells)}
    two = tuple(cell for cell in cells if cell.n_adversarial in ends)
    alone = config.before_wrap == "nothing"
    return {f: two if alone and f == "wrapped_request" else tuple(cells) for f in config.families}


def reinforced_cells(config: TransitionConfig) -> Mapping[str, tuple[Cell, ...]]:
    """Return the grid of the first length under attack, with each redundant instruction, by family."""
    if not config.reinforcements:
        return {}
    design = replace(
        config.context_design(),
        sizes=config.sizes_at(config.alphas, config.lengths[:1]),
        controls=("attack",),
        reinforcements=config.reinforcements,
    )
    return _by_family(config, tuple(design.cells()))


def refined_cells(config: TransitionConfig, rows: pa.Table) -> Mapping[str, tuple[Cell, ...]]:
    """Return the cells inside grid cells whose curve is too steep for them, by family.

    Per family, order and length, over all categories, on P(kept).

    Parameters
    ----------
    config : TransitionConfig
    rows : pyarrow.Table
        Contexts without redundant instruction that were read so far.
    """
    found: dict[str, tuple[Cell, ...]] = {}
    for family in config.families:
        whole = Cut(where={"category": ALL, "family": family}, rows=rows).of(family=family)
        cells = tuple(cell for order in config.orders for cell in _of_order(config, whole, order))
        if cells:
            found[family] = cells
    return found


def refined_reinforced_cells(
    config: TransitionConfig, stored: Mapping[str, pa.Table]
) -> Mapping[str, tuple[Cell, ...]]:
    """Return cells inside grid cells that curves with redundant instruction are too steep for, by family.

    Per family and order, over all categories; of one dose each, since every dose moves the crossing
    elsewhere. Where the plain curve is as steep for them, its cells too: `refined_cells` reads steepness off
    what was reached, which scatters, and gains need both ends of a difference on one footing.

    Parameters
    ----------
    config : TransitionConfig
    stored : mapping of str to pyarrow.Table
        Rows of each stage before.
    """
    found: dict[str, list[Cell]] = {}
    for cut in reinforced_cuts(stored, config) if config.reinforcements else ():
        if cut.where["category"] == ALL:
            found.setdefault(cut.where["family"], []).extend(_of_doses(config, cut))
    return {family: tuple(dict.fromkeys(cells)) for family, cells in found.items() if cells}


def _of_doses(config: TransitionConfig, cut: Cut) -> Iterator[Cell]:
    for (placement, phrasing), curve in reinforced_curves(cut, config).items():
        for tokens, alphas in _doses(curve).items():
            more = None
            if tokens:  # 0 is the plain curve, the same for every placement and phrasing
                more = Reinforcement(tokens=tokens, placement=cast("Placement", placement), phrasing=phrasing)
            sizes = config.sizes_at(alphas, config.lengths[:1])
            yield from _cells(config, cut.where["order"], sizes, more)


def _doses(curve: ReinforcedCurve) -> Mapping[int, tuple[float, ...]]:
    if np.unique(curve.cell).size < MIN_ALPHAS:
        return {}
    found, _ = known_or_reason(lambda: refined_doses(curve, parts=PARTS))
    return found or {}


def _of_order(config: TransitionConfig, whole: Cut, order: str) -> Iterator[Cell]:
    for length in config.lengths:
        cut = whole.of(order=order, size=length).at(order=order, size=f"{length:g}")
        alphas = _wanted(cut, seed=config.seed, level=config.level)
        if alphas:
            yield from _cells(config, order, config.sizes_at(alphas, [length]))


def _cells(
    config: TransitionConfig,
    order: str,
    sizes: Sequence[tuple[float, float]],
    more: Reinforcement | None = None,
) -> Iterator[Cell]:
    design = replace(
        config.context_design(), sizes=tuple(sizes), controls=("attack",), reinforcements=(more,)
    )
    return (cell for cell in design.cells() if cell.order == order)


def _wanted(cut: Cut, *, seed: int, level: float) -> tuple[float, ...]:
    sweep = curve_sweep(cut, column="p_kept")
    if sweep is None or unfit(sweep, cut):
        return ()
    rng = random_stream(seed, "refine", *(f"{key}={value}" for key, value in sorted(cut.where.items())))
    asked = Resampling(rng=rng, level=level, n_resamples=_RESAMPLES)
    found, _ = known_or_reason(lambda: threshold(sweep, resampling=asked))
    return () if found is None else refined_grid(sweep, found, parts=PARTS)
