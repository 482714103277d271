"""α_c: bias and coverage, what is not bracketed, steps that the grid refines."""

from functools import partial

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import refined_grid, threshold
from studies.law_recovery.worlds import CURVES, GRID, sweep_of, true_threshold
from studies.planted.ledger import Claim, Row, RowMaker, Settings, at_least, coverage_row, repeated

TITLE = "α_c"
TEXT = """17 x 50 sweeps; every prompt has its own threshold (sd 0.06). *counts of n*: n replies in each
context. *probability*, *log_odds*: read without sampling, contexts scatter by 0.7 nat."""

MAX_BIAS = 0.01
STEP_AT = 0.43


def one_threshold(name: str, kind: str, trials: int, refits: int, rng: np.random.Generator) -> tuple:
    sweep = sweep_of(CURVES[name], GRID, rng, kind=kind, trials=trials)
    found = threshold(sweep, resampling=Resampling(rng=rng, n_resamples=refits)).alpha_c
    return found.value, found.low, found.high, found.stderr


def law_row(name: str, kind: str, trials: int, settings: Settings) -> Row:
    label = f"{name}, {kind}" + (f" of {trials}" if kind == "counts" else "")
    job = partial(one_threshold, name, kind, trials, settings.refits)
    found = repeated(job, settings, row=label)
    return coverage_row(label, true_threshold(CURVES[name], kind), found, bias=MAX_BIAS)


def one_constant(level: float, fall: float, refits: int, rng: np.random.Generator) -> bool:
    sweep = sweep_of(lambda a: level - fall * (np.clip(a, 0.0, 1.0) - 0.5), GRID, rng)
    return threshold(sweep, resampling=Resampling(rng=rng, n_resamples=refits)).side is not None


def constant_row(level: float, settings: Settings) -> Row:
    label = f"constant {level:g}"
    out = repeated(partial(one_constant, level, 0.0, settings.refits), settings, row=label)
    few = max(20, settings.sweeps // 10)
    # the planted wrong answer: a curve that does fall through 1/2 must not be called unbracketed
    falling = repeated(partial(one_constant, 0.5, 0.8, settings.refits), settings, row=label, sweeps=few)
    claim = at_least(f"{label}: not bracketed in at least 95 %", out, 0.95)
    control = at_least("a line from 0.9 to 0.1: bracketed", [not x for x in falling], 0.95)
    cells = {"row": label, "truth": "none", "given": f"{len(out) - sum(out)}/{len(out)}"}
    return Row(cells=cells, claims=[claim], controls=[control])


def one_step(rounds: int, refits: int, rng: np.random.Generator) -> tuple[bool, float]:
    """Whether the last refined interval holds the step, and its width in cells of the last grid."""
    at = STEP_AT + 0.05 * rng.random()
    grid = GRID
    for _ in range(rounds):
        sweep = sweep_of(lambda a: np.where(a < at, 0.95, 0.05), grid, rng, spread=0.0)
        found = threshold(sweep, resampling=Resampling(rng=rng, n_resamples=refits))
        new = refined_grid(sweep, found)
        if not new or found.cell is None:
            return False, np.nan
        finest, grid = np.diff(grid).min(), np.sort(np.concatenate([grid, new]))
    return bool(found.alpha_c.low <= at <= found.alpha_c.high), float(
        (found.alpha_c.high - found.alpha_c.low) / finest
    )


def step_row(settings: Settings) -> Row:
    label = "step, grid refined twice"
    out = repeated(partial(one_step, 3, settings.refits), settings, row=label)
    held, cells = np.array(out, dtype=float).T
    few = max(20, settings.sweeps // 10)
    unrefined = repeated(partial(one_step, 1, settings.refits), settings, row=label, sweeps=few)
    widest = float(np.nanmax(cells))
    return Row(
        cells={
            "row": label,
            "truth": f"{STEP_AT} to {STEP_AT + 0.05}",
            "given": f"{np.isfinite(cells).sum()}/{cells.size}",
            "coverage %": f"{100 * held.mean():.1f}",
            "median width": f"{np.nanmedian(cells):.2f} refined cells",
        },
        claims=[
            at_least(f"{label}: the interval holds the step in at least 95 %", held, 0.95),
            Claim(
                asked=f"{label}: at most one refined cell wide",
                seen=f"widest {widest:.3f}",
                holds=widest <= 1.0 + 1e-6,
            ),
        ],
        controls=[
            Claim(
                asked="step, grid not refined: wider than a refined cell",
                seen=f"{16 * np.nanmin(np.array(unrefined, dtype=float)[:, 1]):.0f} refined cells",
                holds=bool(16 * np.nanmin(np.array(unrefined, dtype=float)[:, 1]) > 1.0),
            )
        ],
    )


def rows() -> dict[str, RowMaker]:
    kinds = (("counts", 1), ("counts", 10), ("probability", 1), ("log_odds", 1))
    made: dict[str, RowMaker] = {
        f"{name}, {kind} {trials}": partial(law_row, name, kind, trials)
        for name in CURVES
        for kind, trials in kinds
        if kind != "log_odds" or name == "accumulation"
    }
    made |= {f"constant {level:g}": partial(constant_row, level) for level in (0.8, 0.5, 0.2)}
    return made | {"step": step_row}
