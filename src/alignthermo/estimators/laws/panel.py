"""A sweep as sums per prompt and setting: everything a fit needs, in matrices."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.laws.sweep import Sweep

__all__ = ["Cells", "Panel", "cells_of", "make_panel", "require_range", "standardised"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Prompts × distinct settings (n_instr, n_adv), with the y summed in each cell.

    Attributes
    ----------
    n_instr, n_adv : arrays, shape (setting,)
        Tokens of each distinct setting, sorted by α.
    total, weight : arrays, shape (prompt, setting)
        Sum of y and its denominators: replies or independent draws, or 1 for log-odds.
    square : array, shape (prompt,)
        Sum of y², which only log-odds need.
    normal : bool
        Whether y is a log-odds with normal errors; else kept shares, quasi-binomial.
    several_lengths : bool
        Whether more than one length was wanted.
    """

    n_instr: Float[np.ndarray, " setting"]
    n_adv: Float[np.ndarray, " setting"]
    total: Float[np.ndarray, "prompt setting"]
    weight: Float[np.ndarray, "prompt setting"]
    square: Float[np.ndarray, " prompt"]
    normal: bool
    several_lengths: bool

    @property
    def alpha(self) -> Float[np.ndarray, " setting"]:
        """α of each setting, ascending."""
        return np.asarray(self.n_adv / (self.n_instr + self.n_adv))

    @property
    def length(self) -> Float[np.ndarray, " setting"]:
        """Reached length of each setting."""
        return np.asarray(self.n_instr + self.n_adv)

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return int(self.total.shape[0])

    @property
    def curve(self) -> Float[np.ndarray, " setting"]:
        """Pooled mean of y in each setting."""
        return np.asarray(self.total.sum(axis=0) / self.weight.sum(axis=0))


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The setting (α, n_instr, n_adv) and the prompt of every row of a sweep."""

    settings: Float[np.ndarray, "setting 3"]
    prompt: Int[np.ndarray, " row"]
    setting: Int[np.ndarray, " row"]


def cells_of(sweep: Sweep, *, prompts: np.ndarray | None = None) -> Cells:
    """Find the prompt and the distinct setting of every row, settings sorted by α.

    Raises
    ------
    InputError
        Rows of more than one order.
    """
    if len(sweep.orders) > 1:
        raise InputError(f"laws: one order at a time, got {sweep.orders}; use sweep.select(order=…)")
    prompts = np.unique(sweep.cluster) if prompts is None else prompts
    keys = np.column_stack([sweep.alpha, sweep.n_instr, sweep.n_adv])
    settings, setting = np.unique(keys, axis=0, return_inverse=True)
    return Cells(settings=settings, prompt=np.searchsorted(prompts, sweep.cluster), setting=setting.ravel())


def make_panel(
    sweep: Sweep, *, draws: Float[np.ndarray, " row"] | None = None, prompts: np.ndarray | None = None
) -> Panel:
    """Sum a sweep per prompt and setting.

    Parameters
    ----------
    sweep : Sweep
        Of one order; several orders are refused, since α means different things in them.
    draws : array, shape (row,), optional
        Independent draws that a row counts for (see `independent_draws`); its replies, or 1, when not given.
    prompts : array, optional
        Prompts of the rows of the panel, sorted; those of the sweep when not given.

    Raises
    ------
    InputError
        Rows of more than one order.
    """
    cells = cells_of(sweep, prompts=prompts)
    trials = sweep.trials if sweep.trials is not None else np.ones(sweep.y.size)
    weight = trials if draws is None else draws
    n_prompts = np.unique(sweep.cluster).size if prompts is None else prompts.size
    shape = (n_prompts, len(cells.settings))
    flat = cells.prompt * shape[1] + cells.setting
    return Panel(
        n_instr=cells.settings[:, 1],
        n_adv=cells.settings[:, 2],
        total=np.bincount(flat, weight / trials * sweep.y, minlength=shape[0] * shape[1]).reshape(shape),
        weight=np.bincount(flat, weight, minlength=shape[0] * shape[1]).reshape(shape),
        square=np.bincount(cells.prompt, sweep.y**2, minlength=n_prompts),
        normal=sweep.kind == "log_odds",
        several_lengths=len(sweep.lengths) > 1,
    )


def require_range(panel: Panel, name: str) -> None:
    """Raise `InsufficientData` where no slope can be seen: a single α, or log-odds that are all alike."""
    if np.ptp(panel.alpha) == 0.0:
        raise InsufficientData(f"{name}: one value of α; a slope needs two, a law at least four")
    if panel.normal and standardised(panel)[2] <= 1e-12 * (1.0 + float(np.abs(panel.total).max())):
        raise InsufficientData(f"{name}: all log-odds are alike, there is nothing to fit")


def standardised(panel: Panel) -> tuple[Panel, float, float]:
    """Return log-odds with mean 0 and sd 1, and the mean and sd; shares as they are, with 0 and 1."""
    if not panel.normal:
        return panel, 0.0, 1.0
    n = float(panel.weight.sum())
    mean = float(panel.total.sum()) / n
    scale = float(np.sqrt(max(panel.square.sum() / n - mean**2, 1e-300)))
    first = panel.total.sum(axis=1)
    square = (panel.square - 2.0 * mean * first + mean**2 * panel.weight.sum(axis=1)) / scale**2
    return replace(panel, total=(panel.total - mean * panel.weight) / scale, square=square), mean, scale
