"""Rollouts: many own turns in one context, many times, at ratios around α_c."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.errors import ConfigError
from alignthermo.estimators import Resampling
from alignthermo.estimators.critical import (
    Commitment,
    FieldFluctuations,
    OutcomeVariance,
    commitment,
    escape_time,
    field_fluctuations,
    outcome_variance,
)
from alignthermo.estimators.laws import Bimodality, ReplyRun, bimodality
from alignthermo.experiments.own_turns.dialogue import SpeakSettings, hold_dialogues
from alignthermo.experiments.own_turns.null_inputs import request_inputs
from alignthermo.experiments.own_turns.ramp_plan import Rung
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.experiments.own_turns.request import Request
from alignthermo.quantities import Estimate, LanguageModel, Message

__all__ = [
    "RolloutPlan",
    "RolloutPoint",
    "RolloutRecord",
    "RolloutScript",
    "analyse_rollouts",
    "measure_rollouts",
]

MIN_TURNS = 8
MIN_REPLICATES = 30


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """Own turns in contexts of fixed material.

    Attributes
    ----------
    rungs : tuple of Rung
        One context per α.
    requests : tuple of Request
        Asked in turn, the same in every replicate: the context is then one and the same.
    n_turns : int
        Own turns, at least 8.
    window : int, optional
        Own exchanges that stay; all of them unless given.

    Raises
    ------
    ConfigError
        No rung or request, fewer than 8 turns, or a window below 1.
    """

    rungs: tuple[Rung, ...]
    requests: tuple[Request, ...]
    n_turns: int
    window: int | None = None

    def __post_init__(self) -> None:
        window_fits = self.window is None or self.window >= 1
        if not self.rungs or not self.requests or self.n_turns < MIN_TURNS or not window_fits:
            raise ConfigError(
                f"RolloutPlan: {len(self.rungs)} rungs, {len(self.requests)} requests, {self.n_turns} turns, "
                f"window {self.window}; needs some, and at least {MIN_TURNS} turns"
            )


@dataclass(frozen=True, kw_only=True)
class RolloutScript:
    """One replicate of a rollout: all of them are alike, only their random numbers differ."""

    plan: RolloutPlan
    rung: Rung

    @property
    def n_turns(self) -> int:
        """Own turns."""
        return self.plan.n_turns

    def request(self, turn: int) -> Request:
        """Return the request of a turn."""
        return self.plan.requests[turn % len(self.plan.requests)]

    def context(self, turn: int, replies: Sequence[str]) -> tuple[Message, ...]:
        """Material, the exchanges that stay, request."""
        first = 0 if self.plan.window is None else max(0, turn - self.plan.window)
        said: list[Message] = []
        for past in range(first, turn):
            said += [*self.request(past).messages, Message(role="assistant", content=replies[past])]
        return (*self.rung.messages, *said, *self.request(turn).messages)

    def stream(self, turn: int) -> str:
        """Name the draw: equal at all α."""
        return str(turn)


@dataclass(frozen=True, kw_only=True)
class RolloutRecord:
    """Rollouts in one context, as they were recorded.

    Attributes
    ----------
    recording : Recording
    alpha : float
    inputs : array, shape (replicate, turn, input)
        What the additive null reads beside own replies: a field for every request.
    turns : tuple of int
        Lengths at which bimodality is judged, ascending, each at least 8.
    window : int or None
        Own exchanges that stay.
    """

    recording: Recording
    alpha: float
    inputs: Float[np.ndarray, "replicate turn input"]
    turns: tuple[int, ...]
    window: int | None


@dataclass(frozen=True, kw_only=True)
class RolloutPoint:
    """Rollouts at one α.

    Attributes
    ----------
    alpha : float
    mean_compliance : array, shape (replicate,)
        The order parameter: mean over the own turns of each determined rollout.
    bimodality : Bimodality
        Beyond the additive null, at the lengths asked for.
    outcome : OutcomeVariance
        Over p(1 − p), and beyond the null.
    fluctuations : FieldFluctuations
        Of h, beyond the null.
    commitment : Commitment
    escape : tuple of Estimate
        Turns that a kept, and a broken, majority lasts.
    left_out : int
        Rollouts with an undetermined reply.
    recording : Recording
    """

    alpha: float
    mean_compliance: np.ndarray
    bimodality: Bimodality
    outcome: OutcomeVariance
    fluctuations: FieldFluctuations
    commitment: Commitment
    escape: tuple[Estimate, Estimate]
    left_out: int
    recording: Recording


def measure_rollouts(
    model: LanguageModel,
    plan: RolloutPlan,
    *,
    replicates: int,
    settings: SpeakSettings,
    resampling: Resampling,
) -> tuple[RolloutPoint, ...]:
    """Let a model speak for many turns in fixed contexts, and measure how its replies hang together.

    Parameters
    ----------
    model : LanguageModel
    plan : RolloutPlan
    replicates : int
        Rollouts per α; 30 at least, 200 to tell two peaks from a broad one.
    settings : SpeakSettings
    resampling : Resampling

    Returns
    -------
    tuple of RolloutPoint
        One per rung.

    Raises
    ------
    InsufficientData
        Fewer than 30 rollouts with every reply judged.
    ContextTooLong
        The dialogue outgrows the model: give a window.
    """
    places = [turn % len(plan.requests) for turn in range(plan.n_turns)]
    points = []
    for rung in plan.rungs:
        scripts = [RolloutScript(plan=plan, rung=rung)] * replicates
        record = RolloutRecord(
            recording=hold_dialogues(model, scripts, settings=settings),
            alpha=rung.alpha,
            inputs=request_inputs([places] * replicates, n=len(plan.requests)),
            turns=tuple(sorted({max(MIN_TURNS, plan.n_turns // 2), plan.n_turns})),
            window=plan.window,
        )
        points.append(analyse_rollouts(record, resampling=resampling))
    return tuple(points)


def analyse_rollouts(record: RolloutRecord, *, resampling: Resampling) -> RolloutPoint:
    """Measure how the replies of recorded rollouts hang together; a pure function of the record.

    Raises
    ------
    InsufficientData
        Fewer than 30 rollouts with every reply judged.
    """
    recording = record.recording
    good = recording.usable(least=MIN_REPLICATES)
    kept = recording.kept[good]
    run = ReplyRun(kept=kept, inputs=record.inputs[good])
    majority = min(record.window or MIN_TURNS, kept.shape[1] // 2)
    return RolloutPoint(
        alpha=record.alpha,
        mean_compliance=kept.mean(axis=1),
        bimodality=bimodality(run, turns=record.turns, resampling=resampling),
        outcome=outcome_variance(run, resampling=resampling),
        fluctuations=field_fluctuations(run, recording.log_odds[good], resampling=resampling),
        commitment=commitment(kept, quiet=majority, resampling=resampling),
        escape=(
            escape_time(kept, window=majority, branch=1, level=resampling.level),
            escape_time(kept, window=majority, branch=-1, level=resampling.level),
        ),
        left_out=int((~good).sum()),
        recording=recording,
    )
