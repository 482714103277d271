"""Null checks of every transition: shuffled labels show no response, one model read twice no difference."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from scipy import stats

from alignthermo.errors import AlignthermoError
from alignthermo.estimators.laws import CONSTANT, LINE, Sweep, compare_laws
from alignthermo.experiments.transition_curves import unfit
from alignthermo.experiments.transition_sweeps import Cut, curve_sweep
from alignthermo.quantities import Verdict, random_stream

__all__ = ["identical_check", "shuffled_check"]

N_SHUFFLES = 5
ALLOWED = 0.05
"""Share of shuffles that the two-error rule may take for a response."""

SURPRISE = 1e-3
"""Shuffles that respond more often than this probability allows are a failure."""

TOLERANCE = 1e-2
"""Nat by which h of one context may differ between two batches: rounding, with room for bfloat16."""


def shuffled_check(cut: Cut, *, seed: int) -> Verdict:
    """Exchange α between the contexts of each prompt and ask whether a response is left.

    Judged by the line against the constant, which is how a response shows first.

    Parameters
    ----------
    cut : Cut
        Rows of one order and size.
    seed : int
    """
    sweep = curve_sweep(cut, column="p_kept")
    reason = unfit(sweep, cut)
    if sweep is None or reason:
        return _verdict(cut, "inconclusive", f"nothing to shuffle: {reason}")
    rng = random_stream(seed, "shuffled", *(f"{k}={v}" for k, v in sorted(cut.where.items())))
    try:
        responses = sum(_responds(_shuffled(sweep, rng)) for _ in range(N_SHUFFLES))
    except AlignthermoError as error:
        return _verdict(cut, "inconclusive", str(error))
    chance = float(stats.binom.sf(responses - 1, N_SHUFFLES, ALLOWED))
    text = f"{responses} of {N_SHUFFLES} shuffles respond, {ALLOWED:.0%} may: probability {chance:.2g}"
    return _verdict(cut, "fail" if chance < SURPRISE else "pass", text)


def _shuffled(sweep: Sweep, rng: np.random.Generator) -> Sweep:
    y = sweep.y.copy()
    for prompt in np.unique(sweep.cluster):
        rows = np.flatnonzero(sweep.cluster == prompt)
        y[rows] = y[rng.permutation(rows)]
    return replace(sweep, y=y)


def _responds(sweep: Sweep) -> bool:
    scores = compare_laws(sweep, laws=(CONSTANT, LINE)).scores
    return not any(score.name == "constant" and score.remains for score in scores)


def _verdict(cut: Cut, outcome: str, text: str) -> Verdict:
    return Verdict(
        name="null:shuffled_labels",
        outcome=outcome,
        statement=text,
        tests=("line against constant, cross-validated by prompt",),
        slice=cut.where,
    )


def identical_check(rows: pa.Table) -> Iterator[Verdict]:
    """Compare contexts that were read twice, once in the sweep and once by themselves."""
    h, again = (rows[name].to_numpy(zero_copy_only=False) for name in ("h", "h_again"))
    asked = np.isfinite(h) & np.isfinite(again)
    if not asked.any():
        return
    worst = float(np.abs(h - again)[asked].max())
    yield Verdict(
        name="null:identical_model",
        outcome="pass" if worst <= TOLERANCE else "fail",
        statement=f"h of the same model, read twice, differs by at most {worst:.2g} nat",
        tests=(f"{int(asked.sum())} contexts alone and within the sweep, at most {TOLERANCE:g} nat",),
    )
