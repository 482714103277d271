"""Ramps out of rows: loop areas, additive null and excess, self minus neutral, the self-test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy.special import expit

from alignthermo.estimators import cluster_mean
from alignthermo.estimators.critical import LoopVerdict
from alignthermo.estimators.laws import Hysteresis
from alignthermo.experiments.own_turns import (
    ArmLoop,
    RampRecord,
    SelfTest,
    analyse_arm,
    name_loops,
    self_minus_neutral,
    self_test_of,
)
from alignthermo.experiments.own_turns.null_inputs import label_inputs, ratio_inputs, request_inputs
from alignthermo.experiments.possible_range import SHARE, within
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason
from alignthermo.experiments.transition_dialogue_config import RampProtocol
from alignthermo.experiments.transition_dialogue_rows import grid_of, matching, recording_of
from alignthermo.quantities import Estimate, Record, Verdict

__all__ = [
    "KEEPS_OWN",
    "Loops",
    "loop_records",
    "loop_verdicts",
    "loops_of",
    "ramp_of",
    "request_columns",
    "self_test_verdict",
    "shown",
]

KEEPS_OWN: tuple[RampProtocol, ...] = ("edit_keep_own", "append_only")

APPEND_CAVEAT = "append-only: an accumulator loops too, the more the longer α is held; edit_keep_own decides"


@dataclass(frozen=True, kw_only=True)
class Loops:
    """Ramps of one protocol.

    Attributes
    ----------
    protocol : str
    arms : tuple of (arm, hold, ArmLoop)
    unknown : tuple of (arm, hold, reason)
        Ramps that could not be analysed.
    beyond_neutral : tuple of (hold, Estimate)
        Expected area of the own arm minus that of the neutral one.
    verdict : LoopVerdict or None
        Of the own arm; None without one.
    """

    protocol: str
    arms: tuple[tuple[str, int, ArmLoop], ...]
    unknown: tuple[tuple[str, int, str], ...]
    beyond_neutral: tuple[tuple[int, Estimate], ...]
    verdict: LoopVerdict | None

    @property
    def own(self) -> tuple[Hysteresis, ...]:
        """Loops of the own arm, one per hold."""
        return tuple(loop.hysteresis for arm, _, loop in self.arms if arm == "own")


def request_columns(rows: pa.Table) -> np.ndarray:
    """Return the inputs that stand for which request was asked, shape (replicate, turn, request − 1)."""
    asked = grid_of(rows, "prompt_id")
    names = {name: place for place, name in enumerate(dict.fromkeys(asked.ravel().tolist()))}
    return request_inputs([[names[name] for name in row] for row in asked.tolist()], n=len(names))


def ramp_of(rows: pa.Table) -> RampRecord:
    """Return the ramps of one protocol, arm and hold out of their rows."""
    protocol, arm, hold = (rows[name][0].as_py() for name in ("protocol", "arm", "hold"))
    alpha, labels = grid_of(rows, "alpha"), grid_of(rows, "label")
    if protocol == "append_only":
        material = np.stack([label_inputs(row) for row in labels])
    else:
        material = np.stack([ratio_inputs(row) for row in alpha])
    return RampRecord(
        recording=recording_of(rows),
        alphas=alpha[0, : alpha.shape[1] // 2 : hold],
        hold=hold,
        protocol=f"{protocol}, {arm} replies",
        inputs=np.concatenate([material, request_columns(rows)], axis=2),
        context_alphas=grid_of(rows, "context_alpha"),
    )


def self_test_verdict(maker: CurveMaker) -> tuple[SelfTest | None, tuple[Verdict, ...]]:
    """Judge the ramps without own replies; None where there are none."""
    rows = matching(maker.cut.rows, protocol="edit_without_own")
    if not rows.num_rows:
        return None, ()
    tested = self_test_of(ramp_of(rows))
    statement = (
        f"without own replies both ways read the same contexts: |Δh| at most {tested.field_gap:.3g} nat, "
        f"{tested.reply_gap} of {rows.num_rows // 2} replies differ"
    )
    verdict = Verdict(
        name="null:edit_without_own",
        outcome="pass" if tested.passed else "fail",
        statement=statement,
        slice=maker.cut.where,
    )
    return tested, (verdict,)


def loops_of(maker: CurveMaker, protocol: str, tested: SelfTest | None) -> Loops | None:
    """Analyse the ramps of one protocol; None where there are none."""
    rows = matching(maker.cut.rows, protocol=protocol)
    keys = sorted(set(zip(rows["arm"].to_pylist(), rows["hold"].to_pylist(), strict=True)), key=str)
    ramps = {(arm, hold): ramp_of(matching(rows, arm=arm, hold=hold)) for arm, hold in keys}
    if not ramps:
        return None
    arms: list[tuple[str, int, ArmLoop]] = []
    unknown: list[tuple[str, int, str]] = []
    for (arm, hold), ramp in sorted(ramps.items(), key=lambda item: (item[0][0] != "own", item[0][1])):
        found, reason = _analysed(maker, ramp, f"{protocol}/{arm}/{hold}")
        if found is None:
            unknown.append((arm, hold, reason))
        else:
            arms.append((arm, hold, found))
    own = [loop.hysteresis for arm, _, loop in arms if arm == "own"]
    return Loops(
        protocol=protocol,
        arms=tuple(arms),
        unknown=tuple(unknown),
        beyond_neutral=tuple(
            (
                hold,
                self_minus_neutral(
                    ramps["own", hold],
                    ramps["neutral", hold],
                    resampling=maker.resampling(f"{protocol}/self_minus_neutral/{hold}"),
                ),
            )
            for hold in sorted({hold for _, hold in ramps})
            if ("own", hold) in ramps and ("neutral", hold) in ramps
        ),
        verdict=name_loops(own, tested) if own else None,
    )


def loop_records(maker: CurveMaker, loops: Loops) -> Iterator[Record]:
    """Yield the numbers of one protocol."""
    for arm, hold, reason in loops.unknown:
        where = {"protocol": loops.protocol, "arm": arm, "hold": str(hold)}
        yield maker.unknown("loop_excess", reason, unit="α", **where)
    for arm, hold, loop in loops.arms:
        where = {"protocol": loops.protocol, "arm": arm, "hold": str(hold)}
        n = loop.hysteresis.area.n
        values = {
            "loop_area": loop.hysteresis.area,
            "loop_area_expected": loop.expected_area,
            "loop_area_field": loop.field_area,
            "loop_null": _plain(loop.hysteresis.null, n, "α", "mean loop area of the fitted additive null"),
            "loop_excess": loop.hysteresis.excess,
            "loop_feedback": _plain(
                loop.hysteresis.feedback, n, "nat", "Σw of the additive null; above 2 it is bistable itself"
            ),
            "loop_left_out": _plain(float(loop.left_out), n, "1", "replicates with an undetermined reply"),
            "loop_candidate_mass": _plain(loop.candidate_mass, n, "1", "mean over own turns"),
        }
        caveats = (APPEND_CAVEAT,) if loops.protocol == "append_only" else ()
        for quantity, value in values.items():
            yield maker.record(quantity, replace(value, caveats=(*value.caveats, *caveats)), **where)
    for hold, difference in loops.beyond_neutral:
        yield maker.record("loop_self_minus_neutral", difference, protocol=loops.protocol, hold=str(hold))
    yield from _ways(maker, loops)


def _ways(maker: CurveMaker, loops: Loops) -> Iterator[Record]:
    """P(kept) = σ(h) before the last reply held at each α, upwards and downwards; a loop to draw."""
    rows = matching(maker.cut.rows, protocol=loops.protocol)
    for arm, hold, _ in loops.arms:
        ramp = ramp_of(matching(rows, arm=arm, hold=hold))
        p = ramp.folded(expit(ramp.recording.log_odds))[..., -1]
        reached = ramp.folded(ramp.context_alphas)[..., -1].mean(axis=0)
        for way, name in enumerate(("up", "down")):
            for ratio, alpha in enumerate(ramp.alphas):
                where = {"protocol": loops.protocol, "arm": arm, "hold": str(hold), "way": name}
                resampling = maker.resampling("/".join(["ramp_p_kept", *where.values(), str(ratio)]))
                mean = cluster_mean(p[:, way, ratio], rng=resampling.rng, level=resampling.level, unit="1")
                more = {"alpha": f"{alpha:.4g}", "context_alpha": f"{reached[way, ratio]:.4g}"}
                yield maker.record("ramp_p_kept", within(mean, SHARE), **where, **more)


def shown(estimate: Estimate) -> str:
    """Spell an estimate on one line."""
    ends = f"[{estimate.low:.3g}, {estimate.high:.3g}]"
    if np.isnan(estimate.value):
        return f"unknown ({estimate.reason})" + ("" if np.isnan(estimate.low) else f", {ends}")
    return f"{estimate.value:.3g} {ends}"


def _analysed(maker: CurveMaker, ramp: RampRecord, name: str) -> tuple[ArmLoop | None, str]:
    return known_or_reason(lambda: analyse_arm(ramp, resampling=maker.resampling(f"loop/{name}")))


def _plain(value: float, n: int, unit: str, method: str) -> Estimate:
    return Estimate(value=value, n=n, unit=unit, method=method)


def loop_verdicts(maker: CurveMaker, loops: Sequence[Loops], beside: Sequence[str]) -> Iterator[Verdict]:
    """Yield what the loops of each protocol may be called, and the numbers it rests on."""
    for one in loops:
        if one.verdict is None:
            continue
        caveat = (APPEND_CAVEAT,) if one.protocol == "append_only" else ()
        yield Verdict(
            name="hysteresis",
            outcome=one.verdict.label,
            statement=one.verdict.line.removeprefix(f"{one.protocol}, "),
            tests=(
                *(f"hold {hold}: self − neutral {shown(e)}" for hold, e in one.beyond_neutral),
                *beside,
                *caveat,
            ),
            slice={**maker.cut.where, "protocol": one.protocol},
        )
