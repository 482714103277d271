"""Entropy production of turn states, on a biased cycle of three states."""

from functools import partial

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import path_irreversibility
from alignthermo.testsystems.biased_cycle import BiasedCycle
from studies.planted.ledger import Claim, Row, RowMaker, Settings, at_most, coverage_row, repeated

TITLE = "Entropy production of turn states (16 turns)"
TEXT = """On twice as many sets. Rows are named by the probabilities of a step forward and backward around the
cycle, and the walks; the plain form, without correction of its bias, is the control."""

TURNS = 16
CYCLES = ((0.3, 0.3), (0.35, 0.25), (0.45, 0.2), (0.6, 0.2))
SIZES = (20, 50, 200)


def one_set(walk: BiasedCycle, n: int, refits: int, rng: np.random.Generator) -> tuple:
    states = walk.sample(n, TURNS, rng=rng)
    found = path_irreversibility(list(states), resampling=Resampling(rng=rng, n_resamples=refits))
    rate = found.rate
    return (rate.value, rate.low, rate.high, rate.stderr), found.verdict == "irreversible", plug_in(states)


def plug_in(states: np.ndarray) -> float:
    """Control: no bias correction."""
    counts = np.bincount((3 * states[:, :-1] + states[:, 1:]).ravel(), minlength=9).reshape(3, 3)
    part = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(np.where(counts > 0, part * np.log(part / part.T), 0.0)))


def entropy_row(forward: float, backward: float, n: int, settings: Settings) -> Row:
    name, walk = f"{forward}, {backward}, {n}", BiasedCycle(forward=forward, backward=backward)
    job = partial(one_set, walk, n, settings.refits)
    out = repeated(job, settings, row=name, sweeps=2 * settings.sweeps)
    truth, plain = walk.entropy_production, np.array([plug for *_, plug in out])
    bias = max(0.003, 0.05 * truth)
    row = coverage_row(name, truth, [ends for ends, *_ in out], bias=bias, kind="bounded")
    yes = [irreversible for _, irreversible, _ in out]
    row.cells["found irreversible %"] = f"{100 * np.mean(yes):.1f}"
    row.cells["control: plain form, mean"] = f"{plain.mean():.4f}"
    if truth == 0.0:
        row.claims.append(at_most(f"{name}: found irreversible in at most 7 %", yes, 0.07))
        worse = bool(plain.mean() > 2.0 * abs(np.mean([ends[0] for ends, *_ in out])))
        asked = f"{name}: the plain form is twice as far off"
        row.controls.append(Claim(asked=asked, seen=f"{plain.mean():+.4f}", holds=worse))
    return row


def rows() -> dict[str, RowMaker]:
    return {f"{p}, {q}, {n}": partial(entropy_row, p, q, n) for p, q in CYCLES for n in SIZES}
