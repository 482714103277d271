"""How the measured quantities go along a conversation: means in stretches of tokens."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.estimators.summary import quantile
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.entropy import entropy_kind
from alignthermo.experiments.drift.levels import mean_level
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import UNITS, Levels, points_of
from alignthermo.experiments.drift.stretches import Stretches
from alignthermo.quantities import Estimate, Record

__all__ = ["composition_records", "course_records"]

MOST_RESAMPLES = 500
"""A course is an interval per stretch and column, each of them seen beside its neighbours."""

ROLES = ("instruction", "system", "user", "assistant", "tool", "reminder", "template")


@dataclass(frozen=True, kw_only=True)
class Course:
    """A column whose means are recorded as ``NAME_along``."""

    name: str
    column: str
    kind: str = "probe"


MEDIAN = Course(name="median_drift", column="drift")
ALIKE = ("drift", "control", "excess", "influence", "relaxation", "compliance")
PROBED = tuple(Course(name=name, column=name) for name in ALIKE)
OTHERS = (
    Course(name="compliance_neutral", column="neutral_compliance"),
    Course(name="compliance_base", column="base_compliance"),
    Course(name="literal", column="literal", kind="answer"),
    Course(name="surprisal", column="surprisal", kind="answer"),
)


def course_records(maker: DriftMaker, stretches: Stretches) -> Iterator[Record]:
    """Yield the mean of each measured column in each stretch, of drift its median besides.

    Conversations are of different lengths, so the late stretches are means over fewer of them: `n` says over
    how many. The neutral control and the drift beyond it are paired by conversation and probe.

    Parameters
    ----------
    maker : DriftMaker
    stretches : Stretches
        Of the run.
    """
    rows = {kind: maker.cut.of(kind=kind) for kind in ("probe", "answer")}
    for course in (*PROBED, *OTHERS, *_more(maker.cut)):
        for name, levels in _levels(rows[course.kind], course.column, stretches):
            yield _of_stretch(maker, course, levels, name)
    for name, levels in _levels(rows["probe"], MEDIAN.column, stretches):
        yield maker.record(f"{MEDIAN.name}_along", _median(levels, maker.config.level), tokens=name)


def _more(cut: DriftCut) -> Iterator[Course]:
    """Yield what depends on the run: kept answers where they are not the compliance itself, the entropy."""
    if cut.order_parameter == "log-odds":
        yield Course(name="kept", column="kept")
    yield Course(name="entropy", column="entropy", kind=entropy_kind(cut))


def _levels(rows: DriftCut, column: str, stretches: Stretches) -> Iterator[tuple[str, Levels]]:
    values = rows.floats(column)
    if np.isfinite(values).any():
        points = points_of(rows, values)
        for name, inside in stretches.of(points):
            yield name, points.mean(inside)


def _of_stretch(maker: DriftMaker, course: Course, levels: Levels, tokens: str) -> Record:
    def measure(resampling: Resampling) -> Estimate:
        fewer = replace(resampling, n_resamples=min(resampling.n_resamples, MOST_RESAMPLES))
        return mean_level(levels, course.column, resampling=fewer)

    unit = UNITS.get(course.column, "1")
    return maker.measured(f"{course.name}_along", measure, unit=unit, tokens=tokens)


def _median(levels: Levels, level: float) -> Estimate:
    found = in_conversations(quantile(levels.value, level=level, unit="nat"))
    if math.isfinite(found.low) or found.reason is not None:
        return found
    return replace(found, reason="no interval")


def composition_records(maker: DriftMaker, stretches: Stretches) -> Iterator[Record]:
    """Yield the mean tokens of each owner in the contexts of each stretch; who has none is left out."""
    rows = maker.cut.of(kind="probe")
    for role in ROLES:
        column = f"n_{role}"
        if not np.nan_to_num(rows.floats(column)).any():
            continue
        for tokens, levels in _levels(rows, column, stretches):
            mean = Estimate(
                value=float(levels.value.mean()),
                n=levels.value.size,
                unit="token",
                method="mean over conversations",
                reason="no interval: what stood in the contexts, counted",
            )
            yield maker.record("composition_along", mean, tokens=tokens, role=role)
