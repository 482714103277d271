"""Judged replies as counts that the laws are fitted to."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from alignthermo.estimators.laws import Sweep
from alignthermo.experiments.transition_curves import SAME, unfit
from alignthermo.experiments.transition_sweeps import Cut, clusters_of

__all__ = ["counted", "decided_rows", "uncountable"]


def decided_rows(cut: Cut, trials: Sequence[str]) -> pa.Table:
    """Return the contexts of the attack that have an α and anything to count."""
    rows = cut.of(control="attack").rows
    n = np.sum([_floats(rows, name) for name in trials], axis=0)
    known = (n > 0) & (_floats(rows, "n_instruction") + _floats(rows, "n_adversarial") > 0)
    return rows.filter(pa.array(known))


def counted(rows: pa.Table, trials: Sequence[str]) -> Sweep | None:
    """Return kept replies among `trials` per context, or None where nothing was decided."""
    if rows.num_rows == 0:
        return None
    return Sweep(
        cluster=clusters_of(rows),
        n_instr=_floats(rows, "n_instruction"),
        n_adv=_floats(rows, "n_adversarial"),
        y=_floats(rows, "n_kept"),
        trials=np.sum([_floats(rows, name) for name in trials], axis=0),
        kind="counts",
        column="/".join(["n_kept", *trials]),
        length=_floats(rows, "size"),
        order=np.asarray(rows["order"].to_pylist(), dtype=str),
    )


def _floats(rows: pa.Table, name: str) -> np.ndarray:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def uncountable(sweep: Sweep | None, cut: Cut) -> str:
    """Say why no threshold or slope can be had from counts; empty if they can."""
    if sweep is None or sweep.trials is None:
        return "no reply was decided"
    same = np.ptp(sweep.y / sweep.trials) == 0.0
    reason = unfit(sweep, cut)
    if same and reason in ("", SAME):
        return "the share of kept replies is the same in every context"
    return "" if reason == SAME else reason
