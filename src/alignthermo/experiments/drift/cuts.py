"""Rows of one arm and category, and what may be read off them."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int
from scipy.special import expit

from alignthermo.estimators import MIN_CLUSTERS
from alignthermo.estimators.drift.series import TimeAxis
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA

__all__ = ["ALL", "PLAIN", "DriftCut", "OrderParameter", "drift_cuts", "whole_run"]

ALL = "all"
"""Name of the slice that holds every category."""

PLAIN = "plain"
"""Name of the arm to which nothing is done."""

OrderParameter = Literal["log-odds", "sampled answers", "not measured"]


@dataclass(frozen=True, kw_only=True)
class DriftCut:
    """Rows that share what `where` names.

    Attributes
    ----------
    where : mapping
        ``arm`` and ``category``.
    rows : pyarrow.Table
        Of `DRIFT_SCHEMA`.
    order_parameter : {"log-odds", "sampled answers", "not measured"}
        What compliance is in this run; the two are never mixed.
    clock : {"turns", "tokens"}
        Axis on which arms of one conversation are compared: turns, unless several points share one.
    reach : mapping of int to float
        For each conversation the latest time on that axis that every one of its arms has reached.
    """

    where: Mapping[str, str]
    rows: pa.Table
    order_parameter: OrderParameter
    clock: TimeAxis
    reach: Mapping[int, float] = field(repr=False)

    def of(self, **values: object) -> "DriftCut":
        """Return the rows with these values; `where` stays."""
        rows = self.rows
        for column, value in values.items():
            rows = rows.filter(pc.equal(rows[column], value))
        return self._with(rows, self.where)

    def at(self, **more: str) -> "DriftCut":
        """Name what the rows share besides."""
        return self._with(self.rows, {**self.where, **more})

    def within(self, numbers: Int[np.ndarray, " conversation"]) -> "DriftCut":
        """Return the rows of some conversations."""
        return self._with(self.rows.filter(np.isin(self.integers("number"), numbers)), self.where)

    def _with(self, rows: pa.Table, where: Mapping[str, str]) -> "DriftCut":
        return DriftCut(
            where=where,
            rows=rows,
            order_parameter=self.order_parameter,
            clock=self.clock,
            reach=self.reach,
        )

    @property
    def n_conversations(self) -> int:
        """Number of conversations."""
        return int(np.unique(self.integers("number")).size)

    def integers(self, name: str) -> Int[np.ndarray, " row"]:
        """Return a column that is never null."""
        return np.asarray(self.rows[name].to_numpy(), dtype=np.int64)

    def texts(self, name: str) -> np.ndarray:
        """Return a column of text; null is empty."""
        return np.asarray([text or "" for text in self.rows[name].to_pylist()], dtype=str)

    def floats(self, name: str) -> Float[np.ndarray, " row"]:
        """Return a column, null as NaN.

        Besides the columns of the table there are ``compliance`` (of the run's order parameter),
        ``neutral_compliance`` (after neutral history), ``base_compliance``, ``excess`` (drift minus control)
        and ``wish_minus_base``.
        """
        if name == "compliance":
            return np.asarray(expit(self._raw("h_here"))) if self._has_log_odds else self._raw("kept")
        if name == "neutral_compliance":
            sampled = not self._has_log_odds
            return self._raw("kept_neutral") if sampled else np.asarray(expit(self._raw("h_neutral")))
        if name == "base_compliance":
            return np.asarray(expit(self._raw("h_base")))
        if name == "excess":
            return np.asarray(self._raw("drift") - self._raw("control"))
        if name == "wish_minus_base":
            return np.asarray(self._raw("to_wish") - self._raw("relaxation"))
        return self._raw(name)

    def reason(self, *names: str) -> str:
        """Say why columns are null: the most frequent reason of the rows; empty where they give none."""
        said: Counter[str] = Counter()
        for text, count in Counter(self.texts("reasons").tolist()).items():
            reasons = json.loads(text) if text else {}
            said.update({reasons[name]: count for name in names if reasons.get(name)})
        return said.most_common(1)[0][0] if said else ""

    @property
    def _has_log_odds(self) -> bool:
        return self.order_parameter == "log-odds"

    def _raw(self, name: str) -> Float[np.ndarray, " row"]:
        return np.asarray(self.rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def whole_run(rows: pa.Table) -> DriftCut:
    """Return every row of a run, sorted, so that the order in which shards come changes no last bit."""
    keys = ("arm", "kind", "number", "point", "probe")
    rows = pa.concat_tables([DRIFT_SCHEMA.empty_table(), rows]).sort_by([(key, "ascending") for key in keys])
    run = DriftCut(where={}, rows=rows, order_parameter="not measured", clock="turns", reach={})
    probed = run.of(kind="probe")
    order: OrderParameter = "not measured"
    if np.isfinite(probed.floats("h_here")).any():
        order = "log-odds"
    elif np.isfinite(probed.floats("kept")).any():
        order = "sampled answers"
    timed = probed if probed.rows.num_rows else run
    clock: TimeAxis = "turns" if _turns_tell_points_apart(timed) else "tokens"
    return DriftCut(where={}, rows=rows, order_parameter=order, clock=clock, reach=_reach(timed, clock))


def drift_cuts(run: DriftCut) -> Iterator[DriftCut]:
    """Yield the rows of each arm: of all categories, then of each with at least 8 conversations."""
    for arm in _arms(run):
        whole = run.of(arm=arm).at(arm=arm, category=ALL)
        yield whole
        categories = sorted(whole.rows["category"].unique().to_pylist())
        for category in categories if len(categories) > 1 else []:
            part = whole.of(category=category).at(category=category)
            if part.n_conversations >= MIN_CLUSTERS:
                yield part


def _arms(run: DriftCut) -> list[str]:
    names = run.rows["arm"].unique().to_pylist()
    return sorted(names, key=lambda name: (name != PLAIN, name))


def _turns_tell_points_apart(cut: DriftCut) -> bool:
    """Tell whether no two points of a conversation lie within one turn, as those of a monologue do."""
    places = zip(
        cut.texts("arm").tolist(),
        *(cut.integers(name).tolist() for name in ("number", "turns", "point")),
        strict=True,
    )
    points = {place for place in places if place[3] > 0}
    return len({place[:3] for place in points}) == len(points)


def _reach(cut: DriftCut, clock: TimeAxis) -> Mapping[int, float]:
    """Latest time of each conversation in each arm, and the earliest of those over arms."""
    latest: dict[tuple[int, str], float] = {}
    pairs = zip(cut.integers("number").tolist(), cut.texts("arm").tolist(), strict=True)
    for key, time in zip(pairs, cut.integers(clock).tolist(), strict=True):
        latest[key] = max(latest.get(key, 0.0), float(time))
    reach: dict[int, float] = {}
    for (number, _), time in latest.items():
        reach[number] = min(reach.get(number, time), time)
    return reach
