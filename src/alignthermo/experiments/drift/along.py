"""Drift against a setting of its run (temperature, β of the member), conversation by conversation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from alignthermo.errors import AlignthermoError, InputError, InsufficientData
from alignthermo.estimators import Resampling, cluster_mean, with_caveat
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.experiments.drift.cuts import ALL, PLAIN, DriftCut, whole_run
from alignthermo.experiments.drift.levels import end_of
from alignthermo.experiments.drift.series import UNITS
from alignthermo.quantities import Estimate, Record

__all__ = ["RunAt", "drift_slopes"]

COLUMNS = ("drift", "excess", "compliance", "influence", "relaxation", "entropy")


@dataclass(frozen=True, kw_only=True)
class RunAt:
    """The rows of a run, and the value that the setting had in it.

    Attributes
    ----------
    value : float
    rows : pyarrow.Table
        Of the stage ``probe``.
    """

    value: float
    rows: pa.Table


def drift_slopes(
    runs: Sequence[RunAt], *, setting: str, resampling: Callable[[str], Resampling]
) -> tuple[Record, ...]:
    r"""Slopes of what plain conversations end with, over a setting of their runs.

    .. math:: b = \frac1G \sum_g \frac{\sum_r (x_r - \bar x)\, y_{gr}}{\sum_r (x_r - \bar x)^2}

    over the conversations g that every run r has: same number, same instruction. A conversation is compared
    with itself, so that what differs between conversations is in no error. With two runs it is their paired
    difference over that of the setting. A slope is a summary: it does not say that the course is straight.

    Parameters
    ----------
    runs : sequence of RunAt
        With different values.
    setting : str
        Its name.
    resampling : callable
        Random source of a quantity.

    Returns
    -------
    tuple of Record
        ``drift_end_slope``, ``excess_end_slope``, ``compliance_end_slope`` … per unit of the setting; slice
        ``{"arm": "plain", "category": "all", "along": setting}``.

    Raises
    ------
    InputError
        Fewer than two values, or runs of other conversations or of another measure of compliance.
    """
    values = np.array([run.value for run in runs], dtype=np.float64)
    if values.size < 2 or np.unique(values).size != values.size or not np.isfinite(values).all():
        raise InputError(
            f"drift along {setting} needs runs with at least two different values, one run for each; the "
            f"values are {', '.join(f'{value:g}' for value in values) or 'none'}"
        )
    cuts = [whole_run(run.rows).of(arm=PLAIN) for run in runs]
    _require_alike(cuts, setting)
    return tuple(_records(values, cuts, setting=setting, resampling=resampling))


def _require_alike(cuts: Sequence[DriftCut], setting: str) -> None:
    said: dict[int, str] = {}
    for cut in cuts:
        of = zip(cut.integers("number").tolist(), cut.texts("instruction").tolist(), strict=True)
        if any(said.setdefault(number, name) != name for number, name in of):
            raise InputError(
                f"drift along {setting}: conversations of one number stand under different instructions; the "
                "runs must share their prompts, seed and number of conversations"
            )
    measures = {cut.order_parameter for cut in cuts}
    if len(measures) > 1:
        raise InputError(f"drift along {setting}: compliance is measured by {' and by '.join(measures)}")


def _records(
    values: Float[np.ndarray, " run"],
    cuts: Sequence[DriftCut],
    *,
    setting: str,
    resampling: Callable[[str], Resampling],
) -> Iterator[Record]:
    for column in COLUMNS:
        quantity = f"{column}_end_slope"
        unit = f"{UNITS[column]}/({setting})"
        try:
            estimate = _slope(values, cuts, column, unit=unit, resampling=resampling(quantity))
        except AlignthermoError as error:
            estimate = Estimate.unknown(str(error), n=0, unit=unit, method="not measured")
        yield Record(
            experiment="drift",
            unit_id="all",
            slice={"arm": PLAIN, "category": ALL, "along": setting},
            quantity=quantity,
            estimate=estimate,
            policies={"compliance": cuts[0].order_parameter},
        )


def _slope(
    values: Float[np.ndarray, " run"],
    cuts: Sequence[DriftCut],
    column: str,
    *,
    unit: str,
    resampling: Resampling,
) -> Estimate:
    levels = [end_of(cut, column) for cut in cuts]
    common = reduce(np.intersect1d, [one.number for one in levels])
    if not common.size:
        raise InsufficientData(f"{column} was measured at the end of no conversation that all runs have")
    ends = np.stack([one.value[np.isin(one.number, common)] for one in levels])
    centred = values - values.mean()
    found = cluster_mean(
        centred @ ends / (centred @ centred),
        rng=resampling.rng,
        level=resampling.level,
        n_resamples=resampling.n_resamples,
        unit=unit,
    )
    means = ", ".join(f"{x:g}: {y:.4g}" for x, y in zip(values, ends.mean(axis=1), strict=True))
    return with_caveat(in_conversations(found), f"mean by value: {means}")
