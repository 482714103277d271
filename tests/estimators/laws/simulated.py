"""Small sweeps of planted truth for the tests of the laws."""

import numpy as np
from scipy.special import expit

from alignthermo.estimators.laws import Sweep

GRID = np.linspace(0.0, 1.0, 17)


def sweep_of(curve, rng, *, prompts=40, trials=2, spread=0.06, grid=GRID, length=400.0):
    """Kept replies under `curve`, each prompt's threshold shifted by a normal of sd `spread`."""
    shift = spread * rng.standard_normal(prompts)
    kept = rng.binomial(trials, curve(grid[None, :] - shift[:, None])).astype(float)
    return as_sweep(kept, grid, length=length, trials=float(trials))


def as_sweep(y, grid, *, length=400.0, trials=None, kind="counts"):
    alpha = np.tile(grid, y.shape[0])
    return Sweep(
        cluster=np.repeat(np.arange(y.shape[0]), grid.size),
        n_instr=length * (1.0 - alpha),
        n_adv=length * alpha,
        y=y.ravel(),
        trials=None if trials is None else np.full(alpha.size, trials),
        kind=kind,
        column="kept",
    )


def logistic(alpha):
    return 0.05 + 0.9 * expit(8.0 * (0.5 - alpha))


def accumulation(alpha):
    return expit(1.0 + 5.0 * (1.0 - alpha) - 5.0 * alpha)


def line(alpha):
    return np.clip(0.95 - 0.85 * alpha, 0.0, 1.0)


def power(alpha):
    return 0.95 - 0.85 * np.clip(alpha, 0.0, 1.0) ** 2


def step(alpha):
    return np.where(alpha < 0.45, 0.95, 0.05)


def several_lengths(gamma, rng, *, prompts=40, lengths=(100.0, 200.0, 400.0)):
    """One sweep over several lengths, within-prompt slope 2.25 (L/400)^γ, with a field per prompt."""
    field = 0.7 * rng.standard_normal(prompts)
    parts = []
    for length in lengths:
        h = (length / 400.0) ** gamma * 9.0 * (0.5 - GRID) + field[:, None]
        parts.append(as_sweep(rng.binomial(2, expit(h)).astype(float), GRID, length=length, trials=2.0))
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("cluster", "n_instr", "n_adv", "y", "trials")
    }
    wanted = np.concatenate(
        [np.full(part.y.size, length) for part, length in zip(parts, lengths, strict=True)]
    )
    return Sweep(**joined, kind="counts", column="kept", length=wanted)


def scattered(rng, *, prompts=12, cells=8):
    """Contexts whose α whole turns have moved, each prompt's elsewhere."""
    alpha = np.clip(np.linspace(0.0, 1.0, cells) + rng.uniform(-0.04, 0.04, (prompts, cells)), 0.0, 1.0)
    alpha[0, [0, -1]] = 0.0, 1.0
    h = 9.0 * (0.55 - alpha) + rng.standard_normal((prompts, 1)) + 0.4 * rng.standard_normal(alpha.shape)
    return Sweep(
        cluster=np.repeat(np.arange(prompts), cells),
        n_instr=(400.0 * (1.0 - alpha)).ravel(),
        n_adv=(400.0 * alpha).ravel(),
        y=expit(h).ravel(),
        kind="probability",
        column="kept",
    )
