"""What earlier turns add to h, by how long ago they were, and whether alignment only added a field."""

from collections.abc import Iterator
from dataclasses import replace
from math import nan

import numpy as np

from alignthermo.estimators.laws import ConstantField, MemoryKernel, constant_field_null, memory_kernel
from alignthermo.experiments.possible_range import DIFFERENCE, SHARE, within
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason
from alignthermo.experiments.transition_sweeps import labelled_turns
from alignthermo.quantities import Estimate, Record

__all__ = ["memory_records"]

RANDOM = "random"


def memory_records(maker: CurveMaker) -> Iterator[Record]:
    """Yield the memory kernel of each model, and the constant-field null of a pair, from random order.

    In a fixed order the lags cannot be told apart; without random contexts the kernel is unknown. All
    sizes are pooled.
    """
    random = CurveMaker(config=maker.config, cut=maker.cut.of(order=RANDOM).at(order=RANDOM))
    if RANDOM not in maker.config.orders:
        yield maker.unknown("kernel_total", "no contexts in random order", unit="nat")
        return
    yield from _kernel(random, model="aligned", prefix="")
    if maker.config.base is not None:
        yield from _kernel(random, model="base", prefix="base_")
        yield from _constant_field(random)


def _kernel(maker: CurveMaker, *, model: str, prefix: str) -> Iterator[Record]:
    turns = labelled_turns(maker.cut, lags=maker.config.kernel_lags, model=model)
    if turns is None:
        yield maker.unknown(f"{prefix}kernel_total", "no context has a finite h", unit="nat")
        return
    if np.ptp(turns.h) == 0.0:
        yield maker.unknown(f"{prefix}kernel_total", "h is the same in every context", unit="nat")
        return
    found, reason = known_or_reason(lambda: memory_kernel(turns, level=maker.config.level))
    if found is None:
        yield maker.unknown(f"{prefix}kernel_total", reason, unit="nat")
        return
    yield from _kernel_records(maker, found, prefix)


def _kernel_records(maker: CurveMaker, found: MemoryKernel, prefix: str) -> Iterator[Record]:
    yield maker.record(f"{prefix}kernel_field", found.field)
    yield maker.record(f"{prefix}kernel_total", found.total)
    yield maker.record(f"{prefix}kernel_r2", within(found.r_squared, SHARE))
    mean = Estimate(
        value=found.r_squared_mean,
        n=found.field.n,
        unit="1",
        method="share of the variance of h that the mean turn label explains",
    )
    yield maker.record(f"{prefix}kernel_r2_mean", mean)
    for lag, weight in enumerate(found.lags, start=1):
        yield maker.record(f"{prefix}kernel", weight, lag=str(lag))


def _constant_field(maker: CurveMaker) -> Iterator[Record]:
    base, aligned = (labelled_turns(maker.cut, model=model) for model in ("base", "aligned"))
    if base is None or aligned is None:
        yield maker.unknown("constant_field", "no context has a finite h", unit="nat")
        return
    found, reason = known_or_reason(lambda: constant_field_null(base, aligned, level=maker.config.level))
    if found is None:
        yield maker.unknown("constant_field", reason, unit="nat")
    else:
        yield from _field_records(maker, found)


def _field_records(maker: CurveMaker, found: ConstantField) -> Iterator[Record]:
    yield maker.record("constant_field", found.field)
    yield maker.record("constant_field_excess_slope", found.slope)
    for n, alpha in enumerate(found.alpha):
        at = f"{alpha:.3f}"
        difference = within(found.difference[n], DIFFERENCE)
        yield maker.record("constant_field_difference", difference, turn_alpha=at)
        for name, curve in (("measured", found.measured), ("predicted", found.predicted)):
            point = replace(found.difference[n], value=float(curve[n]), stderr=nan, low=nan, high=nan)
            yield maker.record(f"constant_field_{name}", point, turn_alpha=at)
