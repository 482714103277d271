"""Which dialogues are held: rollouts around the crossing of the sweep, ramps, escalations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_scenes import Scene

__all__ = ["ESCALATION", "ROLLOUT", "Job", "crossing", "jobs_of"]

ROLLOUT, ESCALATION = "rollout", "escalation"

Protocol = Literal["rollout", "append_only", "edit_keep_own", "edit_without_own", "escalation"]

OFFSETS = (-0.1, -0.05, 0.0, 0.05, 0.1)
"""Where rollouts are made around the crossing, in α."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Dialogues of one kind that are held together.

    Attributes
    ----------
    protocol : str
    arm : str
        ``own``, ``neutral``, ``none``, ``attack``, ``harmless``.
    hold : int
        Own turns per α of a ramp, else 0.
    alpha : float
        Wanted α of a rollout, else NaN.
    """

    protocol: Protocol
    arm: str
    hold: int = 0
    alpha: float = float("nan")

    @property
    def name(self) -> str:
        """For messages."""
        parts = [self.protocol, self.arm]
        parts += [f"hold {self.hold}"] if self.hold else []
        parts += [f"α = {self.alpha:.3g}"] if self.protocol == ROLLOUT else []
        return " ".join(parts)


def jobs_of(config: TransitionConfig, scene: Scene, rows: pa.Table) -> Iterator[Job]:
    """Yield the dialogues of one scene.

    Parameters
    ----------
    config : TransitionConfig
    scene : Scene
    rows : pyarrow.Table
        Contexts that were read so far: rollouts are made where they cross.
    """
    if config.rollouts:
        for alpha in config.rollout_alphas or _around(crossing(config, scene, rows)):
            yield Job(protocol="rollout", arm="own", alpha=alpha)
    if config.ramps:
        yield from _ramps(config)
    if config.warnings:
        for arm in ("attack", "harmless"):
            yield Job(protocol="escalation", arm=arm)


def _ramps(config: TransitionConfig) -> Iterator[Job]:
    for protocol in config.ramp_protocols:
        if protocol == "edit_without_own":
            yield Job(protocol=protocol, arm="none", hold=min(config.ramp_holds))
            continue
        for hold in sorted(config.ramp_holds):
            for arm in ("own", "neutral"):
                yield Job(protocol=protocol, arm=arm, hold=hold)


def crossing(config: TransitionConfig, scene: Scene, rows: pa.Table) -> float:
    r"""α at which the mean h of a scene's own requests falls through 0, straight lines between the points.

    .. math:: \alpha_\times = x_k + (x_{k+1} - x_k)\,\frac{y_k}{y_k - y_{k+1}}, \qquad y_k > 0 \ge y_{k+1}

    Where it falls through 0 nowhere, the α at which it comes nearest. Requests of a scene differ from those
    of the whole run, so the run's α_c would miss where *they* waver. NaN without a context. Formula F-198 in
    docs/formulas.md.
    """
    wanted = {"model": "aligned", "control": "attack", "family": config.families[0]}
    wanted |= {"order": config.orders[0]}
    for column, value in {**wanted, "size": config.lengths[0]}.items():
        rows = rows.filter(pc.equal(rows[column], value))
    asked = pa.array([prompt.id for prompt in scene.prompts])
    rows = rows.filter(pc.is_in(rows["prompt_id"], value_set=asked))
    h, alpha, cell = (np.asarray(rows[name].to_pylist(), float) for name in ("h", "alpha", "wanted_alpha"))
    known = np.isfinite(h) & np.isfinite(alpha)
    cells = np.unique(cell[known])
    if not cells.size:
        return float("nan")
    x, y = (np.array([v[known & (cell == c)].mean() for c in cells]) for v in (alpha, h))
    falls = np.flatnonzero((y[:-1] > 0.0) & (y[1:] <= 0.0))
    if not falls.size:
        return float(x[np.abs(y).argmin()])
    at = int(falls[0])
    return float(x[at] + (x[at + 1] - x[at]) * y[at] / (y[at] - y[at + 1]))


def _around(centre: float) -> tuple[float, ...]:
    if np.isnan(centre):
        return (0.5,)
    return tuple(sorted({round(min(1.0, max(0.0, centre + offset)), 4) for offset in OFFSETS}))
