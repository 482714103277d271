"""A sweep as sums per prompt and setting: everything a fit needs, in matrices."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.laws.sweep import Sweep

__all__ = ["Panel", "make_panel", "require_range", "standardised"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Prompts × distinct settings (n_instr, n_adv), with the y summed in each cell.

    Attributes
    ----------
    n_instr, n_adv : arrays, shape (setting,)
        Tokens of each distinct setting, sorted by α.
    total, weight : arrays, shape (prompt, setting)
        Sum of y and its denominators: trials, the precision of a probability, or 1 for log-odds.
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


def make_panel(sweep: Sweep, *, precision: float = 1.0, prompts: np.ndarray | None = None) -> Panel:
    """Sum a sweep per prompt and setting.

    Parameters
    ----------
    sweep : Sweep
        Of one order; several orders are refused, since α means different things in them.
    precision : float
        Trials that one probability counts for (see `probability_precision`).
    prompts : array, optional
        Prompts of the rows of the panel, sorted; those of the sweep when not given.

    Raises
    ------
    InputError
        Rows of more than one order.
    """
    if len(sweep.orders) > 1:
        raise InputError(f"laws: one order at a time, got {sweep.orders}; use sweep.select(order=…)")
    prompts = np.unique(sweep.cluster) if prompts is None else prompts
    row = np.searchsorted(prompts, sweep.cluster)
    keys = np.column_stack([sweep.alpha, sweep.n_instr, sweep.n_adv])
    settings, column = np.unique(keys, axis=0, return_inverse=True)
    weights = sweep.trials if sweep.trials is not None else np.ones(row.size)
    scale = precision if sweep.kind == "probability" else 1.0
    flat, shape = row * len(settings) + column.ravel(), (prompts.size, len(settings))
    return Panel(
        n_instr=settings[:, 1],
        n_adv=settings[:, 2],
        total=np.bincount(flat, scale * sweep.y, minlength=shape[0] * shape[1]).reshape(shape),
        weight=np.bincount(flat, scale * weights, minlength=shape[0] * shape[1]).reshape(shape),
        square=np.bincount(row, sweep.y**2, minlength=prompts.size),
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
