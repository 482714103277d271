"""Attention on the instruction, layer by layer, at the start and at the end."""

from collections.abc import Iterator

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.levels import mean_level
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import Levels, last_third, points_of
from alignthermo.quantities import Estimate, Record

__all__ = ["attention_records"]


def attention_records(maker: DriftMaker) -> Iterator[Record]:
    """Yield the share of attention on the instruction in each layer, and what uniform attention would give.

    Only where attention was asked for; a weight is not an influence. It falls with length by itself, as the
    uniform share does: compare the two.
    """
    if not maker.config.attention:
        return
    rows = _rows(maker.cut)
    layers = [one for one in rows.rows["attention"].to_pylist() if one]
    depth = max((len(one) for one in layers), default=0)
    if depth == 0:
        reason = rows.reason("attention") or "the model shows no attention"
        yield maker.unknown("attention_start", reason)
        yield maker.unknown("attention_end", reason)
        return
    for end in (False, True):
        name = "end" if end else "start"
        yield _record(maker, rows, f"attention_uniform_{name}", rows.floats("attention_uniform"), end=end)
        for layer in range(depth):
            yield _record(maker, rows, f"attention_{name}", _layer(rows, layer), end=end, layer=str(layer))


def _rows(cut: DriftCut) -> DriftCut:
    """Return the rows that carry attention: probes, or the model's own turns."""
    probes = cut.of(kind="probe")
    return probes if probes.rows["attention"].null_count < probes.rows.num_rows else cut.of(kind="answer")


def _layer(rows: DriftCut, layer: int) -> np.ndarray:
    lists = rows.rows["attention"].to_pylist()
    return np.array([_value(one, layer) for one in lists], dtype=np.float64)


def _value(one: list[float | None] | None, layer: int) -> float:
    value = one[layer] if one and layer < len(one) else None
    return float("nan") if value is None else value


def _record(
    maker: DriftMaker, rows: DriftCut, quantity: str, values: np.ndarray, *, end: bool, **more: str
) -> Record:
    def measure(resampling: Resampling) -> Estimate:
        points = points_of(rows, values)
        levels: Levels = points.mean(last_third(points, rows)) if end else points.first()
        return mean_level(levels, "attention", resampling=resampling)

    return maker.measured(quantity, measure, unit="1", columns=("attention",), **more)
