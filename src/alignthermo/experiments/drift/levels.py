"""Where a quantity starts, where it ends, and by how much it changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.estimators import (
    Clusters,
    Resampling,
    cluster_difference,
    cluster_mean,
    clustered_share,
    with_caveat,
)
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import UNITS, Levels, last_third, points_of
from alignthermo.quantities import Estimate, Record

__all__ = ["change_of", "end_of", "level_records", "levels_at", "mean_level", "paired_difference", "start_of"]

Shape = Literal["signed", "positive", "share"]

SHARES = frozenset({"compliance", "neutral_compliance", "base_compliance", "kept"})


@dataclass(frozen=True, kw_only=True)
class Level:
    """A column whose start and end are recorded under `name`."""

    name: str
    column: str
    kind: str = "probe"
    of: str = "the probes"


LITERAL = "different questions: the answer to one turn against that to another"
PROBED = (Level(name="influence", column="influence"), Level(name="kept", column="kept"))
COMPLIANCE = Level(name="compliance", column="compliance")
RELAXATION = Level(name="relaxation", column="relaxation")
LITERALLY = Level(name="literal", column="literal", kind="answer", of=LITERAL)


def level_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield starts, ends and changes of one arm.

    The drift is 0 at the beginning, where there is no history, so it starts at the first point after it;
    everything else starts at the beginning. The end is the mean over the last third of what every arm of a
    conversation has reached. A change is paired by conversation.
    """
    yield from _drift(maker)
    for level in _levels(maker):
        yield from _start_end_change(maker, level)
    if maker.cut.order_parameter == "log-odds":
        yield _change(maker, "log_odds_change", "h_here")
        yield _start(maker, "mass_start", "mass_here")
    if maker.config.base is not None:
        yield _end(maker, "base_compliance_end", "base_compliance")
        if maker.config.wish is not None:
            yield _end(maker, "wish_minus_base_end", "wish_minus_base")


def _levels(maker: DriftMaker) -> Iterator[Level]:
    yield COMPLIANCE
    yield from PROBED
    if maker.config.base is not None:
        yield RELAXATION
    if maker.config.literal:
        yield LITERALLY


def _drift(maker: DriftMaker) -> Iterator[Record]:
    yield _start(maker, "drift_start", "drift", after=True)
    yield _end(maker, "drift_end", "drift")
    if "neutral" in maker.config.controls:
        yield _end(maker, "control_end", "control", "drift")
        yield _end(maker, "excess_end", "excess", "control", "drift")


def _start_end_change(maker: DriftMaker, level: Level) -> Iterator[Record]:
    noted = maker.noting(of=level.of)
    yield _start(noted, f"{level.name}_start", level.column, kind=level.kind)
    yield _end(noted, f"{level.name}_end", level.column, kind=level.kind)
    if level.kind == "probe":
        yield _change(noted, f"{level.name}_change", level.column)


def _start(
    maker: DriftMaker, quantity: str, column: str, *, kind: str = "probe", after: bool = False
) -> Record:
    """Start of the conversations that have an end, so that the two are of the same ones."""

    def measure(resampling: Resampling) -> Estimate:
        start = start_of(maker.cut, column, kind=kind, after_beginning=after)
        lasting = np.isin(start.number, end_of(maker.cut, column, kind=kind).number)
        if not lasting.any():
            return mean_level(start, column, resampling=resampling)
        kept = replace(start, number=start.number[lasting], value=start.value[lasting])
        found = mean_level(kept, column, resampling=resampling)
        left = int((~lasting).sum())
        return with_caveat(found, f"{left} conversations without a later point left out") if left else found

    return maker.measured(quantity, measure, unit=UNITS.get(column, "1"), columns=_read(column))


def _end(
    maker: DriftMaker,
    quantity: str,
    column: str,
    *beside: str,
    kind: str = "probe",
) -> Record:
    return maker.measured(
        quantity,
        lambda r: mean_level(end_of(maker.cut, column, kind=kind), column, resampling=r),
        unit=UNITS.get(column, "1"),
        columns=(*_read(column), *beside),
    )


def _change(maker: DriftMaker, quantity: str, column: str) -> Record:
    return maker.measured(
        quantity,
        lambda r: change_of(maker.cut, column, resampling=r),
        unit=UNITS.get(column, "1"),
        columns=_read(column),
    )


def _read(column: str) -> tuple[str, ...]:
    """Name the columns of the table that a derived one is made from: their reasons are its reasons."""
    derived = {
        "compliance": ("h_here", "kept"),
        "base_compliance": ("h_base",),
        "excess": ("control", "drift"),
        "wish_minus_base": ("to_wish", "relaxation"),
    }
    return derived.get(column, (column,))


def start_of(cut: DriftCut, column: str, *, kind: str = "probe", after_beginning: bool = False) -> Levels:
    """Return the value of each conversation at its first point."""
    rows = cut.of(kind=kind)
    return points_of(rows, rows.floats(column)).first(after_beginning=after_beginning)


def end_of(cut: DriftCut, column: str, *, kind: str = "probe") -> Levels:
    """Return the mean of each conversation over the last third that all arms have reached."""
    rows = cut.of(kind=kind)
    return levels_at(rows, column, lambda points: last_third(points, rows))


def levels_at(cut: DriftCut, column: str, chosen: Callable[..., np.ndarray]) -> Levels:
    """Return the mean of each conversation over the points that `chosen` tells."""
    points = points_of(cut, cut.floats(column))
    return points.mean(chosen(points))


def mean_level(levels: Levels, column: str, *, resampling: Resampling) -> Estimate:
    """Mean over conversations, with the interval that fits the column.

    Raises
    ------
    InsufficientData
        Nothing was measured.
    """
    if levels.number.size == 0:
        raise InsufficientData(f"{column} was measured at no such point")
    if column in SHARES:
        # two draws each keep the share from being read as one draw of a coin per conversation
        found = clustered_share(2.0 * levels.value, np.full(levels.value.size, 2.0), resampling=resampling)
    else:
        found = cluster_mean(
            levels.value,
            rng=resampling.rng,
            level=resampling.level,
            n_resamples=resampling.n_resamples,
            unit=UNITS.get(column, "1"),
        )
    return _with_infinite(in_conversations(found), levels.n_infinite)


def change_of(cut: DriftCut, column: str, *, resampling: Resampling, kind: str = "probe") -> Estimate:
    """End minus start, paired by conversation.

    Raises
    ------
    InsufficientData
        No conversation has both.
    """
    end, start = end_of(cut, column, kind=kind), start_of(cut, column, kind=kind)
    return paired_difference(end, start, column, resampling=resampling)


def paired_difference(first: Levels, second: Levels, column: str, *, resampling: Resampling) -> Estimate:
    r"""First minus second over the conversations that have both.

    .. math:: \delta = \frac1G \sum_{g \in \text{both}} (x_g - y_g)

    Raises
    ------
    InsufficientData
        No conversation has both.

    References
    ----------
    As Formula F-44 in docs/formulas.md, with one value per conversation.
    """
    both, one, other = np.intersect1d(first.number, second.number, return_indices=True)
    if both.size == 0:
        raise InsufficientData(f"{column}: no conversation was measured on both sides")
    ones = np.ones(both.size)
    found = cluster_difference(
        Clusters(totals=first.value[one], counts=ones),
        Clusters(totals=second.value[other], counts=ones),
        paired=True,
        resampling=resampling,
        unit=UNITS.get(column, "1"),
    )
    left = first.number.size + second.number.size - 2 * both.size
    if left:
        found = with_caveat(found, f"{left} conversations were measured on one side only")
    if column in SHARES:
        # a share lies in [0, 1]: no interval of a difference may promise more
        found = replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0))
    return _with_infinite(in_conversations(found), first.n_infinite + second.n_infinite)


def _with_infinite(estimate: Estimate, n_infinite: int) -> Estimate:
    if not n_infinite:
        return estimate
    return replace(
        estimate, caveats=(*estimate.caveats, f"n_infinite={n_infinite}: infinite points left out")
    )
