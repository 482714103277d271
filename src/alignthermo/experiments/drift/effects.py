"""What an arm does against the plain one: reminders, windows, and the controls."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from alignthermo.errors import InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import DriftSeries, gain_per_reminder_token
from alignthermo.estimators.drift.schedule import Measure
from alignthermo.experiments.drift.arms import CONTROLS
from alignthermo.experiments.drift.compliance import COMPLIANCE_MARGIN, KL_MARGIN
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.judging import direction, needed
from alignthermo.experiments.drift.levels import end_of, paired_difference
from alignthermo.experiments.drift.maker import DriftMaker
from alignthermo.experiments.drift.series import UNITS, Levels, Points, drift_series, points_of
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["control_records", "effect_findings", "gain_records", "reminder_token_levels"]

MEASURES = ("drift", "compliance", "influence")
GAINS: tuple[Measure, ...] = ("drift", "non-compliance")


def control_records(maker: DriftMaker, plain: DriftCut) -> Iterator[Record]:
    """Yield plain minus control at the end, paired by conversation, for an arm that is a control."""
    name = maker.cut.where["arm"]
    if name in CONTROLS:
        for measure in MEASURES:
            yield _difference(maker, f"{name}_difference", (plain, maker.cut), measure)


def _difference(maker: DriftMaker, quantity: str, sides: tuple[DriftCut, DriftCut], measure: str) -> Record:
    """First minus second side at the end."""
    return maker.measured(
        quantity,
        lambda r: paired_difference(
            end_of(sides[0], measure), end_of(sides[1], measure), measure, resampling=r
        ),
        unit=UNITS[measure],
        columns=("h_here", "kept") if measure == "compliance" else (measure,),
        measure=measure,
    )


def effect_findings(maker: DriftMaker, plain: DriftCut) -> tuple[list[Record], list[Verdict]]:
    """Arm minus plain at the end, paired by conversation; negative drift and positive compliance are help.

    Both are read over the last third of what both have reached: the arms of a conversation are compared at
    equal turns, not at equal tokens, because reminders are tokens too.
    """
    name = "reminder_effect" if maker.arm.reminds else "window_effect"
    records = [_difference(maker, name, (maker.cut, plain), measure) for measure in MEASURES]
    effects = {record.slice["measure"]: record.estimate for record in records}
    level = end_of(plain, "drift").value
    margin = KL_MARGIN * float(np.mean(level)) if level.size else 0.0
    return records, [_effect_verdict(maker, effects, margin)]


def _effect_verdict(maker: DriftMaker, effects: dict[str, Estimate], margin: float) -> Verdict:
    drift = direction(effects["drift"], margin=margin)
    compliance = direction(effects["compliance"], margin=COMPLIANCE_MARGIN)
    better, worse = drift == "falls" or compliance == "rises", drift == "rises" or compliance == "falls"
    outcome = "inconclusive"
    if better or worse:
        outcome = "mixed" if better and worse else "helps" if better else "harms"
        if maker.cut.order_parameter == "not measured":
            outcome = "less drift" if better else "more drift"
    elif drift == "holds" and compliance in ("holds", "inconclusive"):
        known = compliance == "holds" or maker.cut.order_parameter == "not measured"
        outcome = "no effect found" if known else "inconclusive"
    drifted, kept = _text(effects["drift"]), _text(effects["compliance"])
    text = f"at the end, against plain: drift {drifted}, compliance {kept}"
    if outcome == "inconclusive":
        text += f"; drift: {needed(effects['drift'])}"
    return maker.verdict("reminders" if maker.arm.reminds else "window", outcome, text)


def _text(estimate: Estimate) -> str:
    return str(estimate).splitlines()[0]


def gain_records(maker: DriftMaker, plain: DriftCut) -> Iterator[Record]:
    """Yield what a reminder token buys, over the conversations and turns that both arms have."""
    for measure in GAINS:
        yield maker.measured(
            "gain_per_reminder_token",
            partial(_gain, maker, plain, measure),
            unit=f"{'nat' if measure == 'drift' else '1'}/token",
            columns=("drift",) if measure == "drift" else ("h_here", "kept"),
            measure=measure,
        )


def _gain(maker: DriftMaker, plain: DriftCut, measure: Measure, resampling: Resampling) -> Estimate:
    column = "drift" if measure == "drift" else "compliance"
    sides = [_up_to_reach(cut, column) for cut in (plain, maker.cut)]
    known = [np.unique(side.conversation[np.isfinite(side.value)]) for side in sides]
    both = np.intersect1d(known[0], known[1])
    tokens = reminder_token_levels(maker)
    spent = tokens.value[np.isin(tokens.number, both)]
    if not both.size or not spent.size or not spent.mean() > 0.0:
        raise InsufficientData("no conversation of this arm and of the plain one has a reminder in it")
    without, with_reminders = (side.of_conversations(both) for side in sides)
    return gain_per_reminder_token(
        without, with_reminders, tokens=float(spent.mean()), resampling=resampling, measure=measure
    )


def _up_to_reach(cut: DriftCut, column: str) -> DriftSeries:
    def keep(points: Points) -> np.ndarray:
        return _reached(points, cut) & (points.point > 0)

    return drift_series(cut, column, keep=keep)


def _reached(points: Points, cut: DriftCut) -> np.ndarray:
    reach = np.array([cut.reach.get(int(number), np.nan) for number in points.number])
    return np.asarray(points.time <= reach)


def reminder_token_levels(maker: DriftMaker) -> Levels:
    """Reminder tokens that each conversation reads up to its end.

    Reminders that stay are those in its last context; one that is moved along is read anew at every reply.
    """
    rows = maker.cut.of(kind="probe")
    points = points_of(rows, rows.floats("reminder_tokens"))
    reached = np.flatnonzero(_reached(points, rows) & np.isfinite(points.value))
    last = {int(points.number[row]): row for row in reached}
    place = np.array(list(last.values()), dtype=np.int64)
    spent = points.value[place]
    if maker.arm.is_moved:
        spent = spent * np.maximum(points.turns[place], 1.0)
    return Levels(number=points.number[place], value=spent)
