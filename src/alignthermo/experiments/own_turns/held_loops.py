"""The hysteresis experiment: ramps held for several times, against neutral replies and an additive null."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alignthermo.errors import ConfigError
from alignthermo.estimators import Resampling
from alignthermo.estimators.critical.loop_verdict import LoopVerdict
from alignthermo.experiments.own_turns.dialogue import SpeakSettings, hold_dialogues
from alignthermo.experiments.own_turns.null_inputs import request_inputs
from alignthermo.experiments.own_turns.ramp_analysis import (
    MIN_REPLICATES,
    ArmLoop,
    RampRecord,
    SelfTest,
    analyse_arm,
    name_loops,
    self_minus_neutral,
    self_test_of,
)
from alignthermo.experiments.own_turns.ramp_plan import EditPlan, RampPlan, RampScript
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.quantities import Estimate, LanguageModel

__all__ = ["HeldLoops", "measure_arm", "measure_loops", "ramp_record", "self_test"]

HOLDS = (1, 4, 16)


@dataclass(frozen=True, kw_only=True)
class HeldLoops:
    """A protocol over holds and arms.

    Attributes
    ----------
    own, neutral : tuple of ArmLoop
        One per hold; no neutral ones without a neutral reply.
    self_minus_neutral : tuple of Estimate
        Expected area of the own arm minus that of the neutral one, paired by replicate, per hold.
    self_test : SelfTest or None
        None for append-only ramps, which have no such arm.
    verdict : LoopVerdict
        Of the own arm. *inconclusive* with the reason if the self-test failed.
    """

    own: tuple[ArmLoop, ...]
    neutral: tuple[ArmLoop, ...]
    self_minus_neutral: tuple[Estimate, ...]
    self_test: SelfTest | None
    verdict: LoopVerdict


def measure_loops(
    model: LanguageModel,
    plan: RampPlan,
    *,
    replicates: int,
    settings: SpeakSettings,
    resampling: Resampling,
    holds: Sequence[int] = HOLDS,
) -> HeldLoops:
    """Ramp a model up and down in α, for several holds, and name what its loop is.

    Arms with equal hold use equal random numbers. The plateau of the loop against holding is the sequence of
    `own`: a loop that only additive memory makes loses its excess, or fades.

    Parameters
    ----------
    model : LanguageModel
    plan : EditPlan or AppendPlan
        Of the arm ``own``; its hold is replaced. With a neutral reply the neutral arm is run too.
    replicates : int
        Dialogues per arm and hold.
    settings : SpeakSettings
    resampling : Resampling
    holds : sequence of int
        Own turns per α; at least two for a verdict.

    Raises
    ------
    ConfigError
        A plan of another arm, or fewer than 8 replicates.
    InsufficientData
        Fewer than 8 replicates with every reply judged.
    ContextTooLong
        A long hold outgrows the model: give the plan a window.
    """
    if plan.arm != "own" or replicates < MIN_REPLICATES:
        raise ConfigError(
            f"measure_loops: arm {plan.arm!r} and {replicates} replicates; needs the arm 'own' and at least "
            f"{MIN_REPLICATES}"
        )

    def record(which: RampPlan) -> RampRecord:
        return _record(model, which, replicates, settings)

    own = [record(replace(plan, hold=hold)) for hold in holds]
    neutral: list[RampRecord] = []
    if plan.neutral.strip():
        neutral = [record(replace(plan, hold=hold, arm="neutral")) for hold in holds]
    tested = None
    if isinstance(plan, EditPlan):
        tested = self_test(model, replace(plan, hold=min(holds)), replicates=replicates, settings=settings)
    loops = tuple(analyse_arm(one, resampling=resampling) for one in own)
    pairs = zip(own, neutral, strict=True) if neutral else ()
    return HeldLoops(
        own=loops,
        neutral=tuple(analyse_arm(one, resampling=resampling) for one in neutral),
        self_minus_neutral=tuple(self_minus_neutral(*pair, resampling=resampling) for pair in pairs),
        self_test=tested,
        verdict=name_loops([arm.hysteresis for arm in loops], tested),
    )


def measure_arm(
    model: LanguageModel,
    plan: RampPlan,
    *,
    replicates: int,
    settings: SpeakSettings,
    resampling: Resampling,
) -> ArmLoop:
    """Run one arm at the plan's hold; see `measure_loops`.

    Raises
    ------
    InsufficientData
        Fewer than 8 replicates with every reply judged.
    """
    return analyse_arm(_record(model, plan, replicates, settings), resampling=resampling)


def self_test(
    model: LanguageModel,
    plan: EditPlan,
    *,
    replicates: int,
    settings: SpeakSettings,
) -> SelfTest:
    """Run a plan without own replies and compare its two ways to the last bit.

    Contexts and batches of both ways are equal, so any difference comes from the apparatus: state carried
    from turn to turn, an order of work that changes rounding, random numbers that are not those of the turn.
    """
    return self_test_of(_record(model, replace(plan, arm="none"), replicates, settings))


def ramp_record(plan: RampPlan, recording: Recording) -> RampRecord:
    """Join what a plan asked for and what was said, replicate r of the plan being row r."""
    replicates, turns = recording.kept.shape
    scripts = [RampScript(plan=plan, replicate=index) for index in range(replicates)]
    places = [[script.request_place(turn) for turn in range(turns)] for script in scripts]
    material = plan.material_inputs()
    material = np.broadcast_to(material, (replicates, *material.shape))
    return RampRecord(
        recording=recording,
        alphas=np.array(plan.alphas),
        hold=plan.hold,
        protocol=plan.protocol,
        inputs=np.concatenate([material, request_inputs(places, n=len(plan.requests))], axis=2),
        context_alphas=np.tile(plan.context_alphas(), (replicates, 1)),
    )


def _record(model: LanguageModel, plan: RampPlan, replicates: int, settings: SpeakSettings) -> RampRecord:
    scripts = [RampScript(plan=plan, replicate=index) for index in range(replicates)]
    return ramp_record(plan, hold_dialogues(model, scripts, settings=settings))
