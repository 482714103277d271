"""Several drift runs beside each other: whether drift goes with a setting that differs between them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa

from alignthermo.api.drift_result import DriftResult
from alignthermo.api.stored import show
from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.experiments.drift import PROBE, RunAt, drift_slopes
from alignthermo.quantities import Record, random_stream

__all__ = ["drift_along"]


def drift_along(
    runs: Sequence[DriftResult | str | Path],
    setting: str,
    *,
    values: Sequence[float] | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Record, ...]:
    """Measure how the ends of plain conversations go with a setting of their runs, paired by conversation.

    Parameters
    ----------
    runs : sequence of results or run folders
        Of the same prompts, seed and number of conversations.
    setting : str
        A number among the settings, ``temperature`` say; with `values` any name.
    values : sequence of float, optional
        Of the runs, where no setting holds it: the β of each member.
    seed : int
        Of the bootstrap.
    level : float

    Raises
    ------
    InputError
        Fewer than two values, a setting that is no number, or runs that do not belong together.
    RunFolderError
        A folder holds no drift run that was measured.

    Examples
    --------
    >>> drift_along(["runs/cold", "runs/hot"], "temperature")             # doctest: +SKIP
    >>> drift_along([weak, strong], "beta", values=[1.0, 0.25])           # doctest: +SKIP
    """
    if values is not None and len(values) != len(runs):
        raise InputError(f"drift along {setting}: {len(runs)} runs and {len(values)} values")
    measured = []
    for place, run in enumerate(runs):
        config, rows = _run(run)
        value = _number(config, setting) if values is None else values[place]
        measured.append(RunAt(value=float(value), rows=rows))
    return drift_slopes(measured, setting=setting, resampling=partial(_resampling, seed, level))


def _resampling(seed: int, level: float, quantity: str) -> Resampling:
    return Resampling(rng=random_stream(seed, "along", quantity), level=level)


def _run(run: DriftResult | str | Path) -> tuple[Mapping[str, object], pa.Table]:
    if isinstance(run, DriftResult):
        config, rows = run.run.get("config"), run.tables.get(PROBE)
        named = config if isinstance(config, Mapping) else {}
    else:
        stored = show(run)
        if stored.experiment != "drift":
            raise InputError(f"{run} holds a {stored.experiment}, not a drift run")
        named, rows = stored.resolved, stored.read_rows(stage=PROBE)
    if rows is None or not rows.num_rows:
        raise InputError(f"{run if isinstance(run, str | Path) else 'a run'} holds no measured point")
    return named, rows


def _number(config: Mapping[str, object], setting: str) -> float:
    value = config.get(setting)
    if isinstance(value, bool) or not isinstance(value, int | float):
        numbers = [name for name, one in config.items() if isinstance(one, float)]
        raise InputError(
            f"drift along {setting}: it is no number in the settings of a run ({', '.join(numbers)} are); "
            "give `values`"
        )
    return float(value)
