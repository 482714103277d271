"""One drift rate and one free energy per instruction."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from alignthermo.errors import AlignthermoError, InsufficientData
from alignthermo.estimators import cluster_mean
from alignthermo.estimators.drift.rate import in_conversations, ratio_over_conversations, slope_sums
from alignthermo.experiments.drift.laws import after_beginning
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import Levels, drift_series, points_of
from alignthermo.quantities import Record

__all__ = ["at_beginning", "instruction_rates", "instruction_records"]

MOST = 40
"""More instructions than these are given in no record of their own."""

Sums = tuple[Float[np.ndarray, " conversation"], Float[np.ndarray, " conversation"]]


def instruction_rates(plain: DriftMaker) -> tuple[list[str], Float[np.ndarray, " instruction"]]:
    """Rate of each instruction: the slope pooled over its conversations.

    Raises
    ------
    InsufficientData
        No instruction has a conversation with two measured points.
    """
    names, (top, bottom) = _sums(plain)
    known = sorted(set(names[bottom > 0.0].tolist()))
    if not known:
        raise InsufficientData("no instruction has a conversation with two measured points")
    rate = [top[names == name].sum() / bottom[names == name].sum() for name in known]
    return known, np.array(rate, dtype=np.float64)


def at_beginning(plain: DriftMaker) -> dict[str, float]:
    """F_align of each instruction: its mean KL(q||p) where nothing has been said yet."""
    names, levels = _beginnings(plain)
    return {str(name): float(levels.value[names == name].mean()) for name in np.unique(names)}


def instruction_records(plain: DriftMaker) -> Iterator[Record]:
    """Yield rate and free energy of every instruction that has both; of more than 40 instructions nothing.

    Intervals are over the conversations of the instruction.
    """
    try:
        names, energy = instruction_rates(plain)[0], at_beginning(plain)
    except AlignthermoError:
        return  # the correlation, which is recorded, has the reason
    both = [name for name in names if name in energy]
    if len(both) > MOST:
        return
    of, sums = _sums(plain)
    whose, levels = _beginnings(plain)
    for name in both:
        mine = of == name
        yield _rate(plain, name, (sums[0][mine], sums[1][mine]))
        yield _energy(plain, name, levels.value[whose == name])


def _rate(plain: DriftMaker, name: str, sums: Sums) -> Record:
    return plain.measured(
        "instruction_drift_rate",
        lambda r: ratio_over_conversations(
            *sums, resampling=r, unit="nat/token", labels=("pooled slope of one instruction",)
        ),
        unit="nat/token",
        instruction=name,
    )


def _energy(plain: DriftMaker, name: str, values: Float[np.ndarray, " conversation"]) -> Record:
    return plain.measured(
        "instruction_relaxation",
        lambda r: in_conversations(
            cluster_mean(values, rng=r.rng, level=r.level, n_resamples=r.n_resamples, unit="nat")
        ),
        unit="nat",
        instruction=name,
    )


def _sums(plain: DriftMaker) -> tuple[np.ndarray, Sums]:
    """Instruction, numerator and denominator of the slope of each conversation."""
    panel = drift_series(plain.cut, "drift", keep=after_beginning).panel("tokens")
    return _instructions_of(plain, panel.conversation), slope_sums(panel)


def _beginnings(plain: DriftMaker) -> tuple[np.ndarray, Levels]:
    """Instruction and KL(q||p) at the beginning of each conversation."""
    rows = plain.cut.of(kind="probe", point=0)
    levels = points_of(rows, rows.floats("relaxation")).first()
    return _instructions_of(plain, levels.number), levels


def _instructions_of(plain: DriftMaker, numbers: np.ndarray) -> np.ndarray:
    cut = plain.cut
    of = dict(zip(cut.integers("number").tolist(), cut.texts("instruction").tolist(), strict=True))
    return np.array([of[int(number)] for number in numbers], dtype=str)
