"""From recorded ramps to loops: pure functions of what was said, no model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from alignthermo.errors import InputError
from alignthermo.estimators import Resampling, cluster_mean
from alignthermo.estimators.critical.loop_verdict import LoopVerdict, loop_verdict
from alignthermo.estimators.laws import HeldRamp, Hysteresis, ReplyRun, hysteresis
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.quantities import Estimate

__all__ = [
    "MIN_REPLICATES",
    "ArmLoop",
    "RampRecord",
    "SelfTest",
    "analyse_arm",
    "name_loops",
    "self_minus_neutral",
    "self_test_of",
]

MIN_REPLICATES = 8


@dataclass(frozen=True, kw_only=True)
class RampRecord:
    """Replicates of one arm of one ramp protocol at one hold, as they were recorded.

    Attributes
    ----------
    recording : Recording
        Own turns in the order of time: α ascending, then descending, `hold` turns at each.
    alphas : array, shape (ratio,)
        Ascending.
    hold : int
    protocol : str
    inputs : array, shape (replicate, turn, input)
        What the additive null reads beside own replies.
    context_alphas : array, shape (replicate, turn)
        α that the whole context had reached.

    Raises
    ------
    InputError
        Shapes that do not fit.
    """

    recording: Recording
    alphas: Float[np.ndarray, " ratio"]
    hold: int
    protocol: str
    inputs: Float[np.ndarray, "replicate turn input"]
    context_alphas: Float[np.ndarray, "replicate turn"]

    def __post_init__(self) -> None:
        shape = self.recording.kept.shape
        if self.inputs.shape[:2] != shape or self.context_alphas.shape != shape:
            raise InputError(
                f"RampRecord: replies {shape}, inputs {self.inputs.shape}, "
                f"ratios of the contexts {self.context_alphas.shape}"
            )

    def held(self, chosen: Bool[np.ndarray, " replicate"]) -> HeldRamp:
        """Take the replies of some replicates with the inputs of the additive null."""
        return HeldRamp(
            run=ReplyRun(kept=self.recording.kept[chosen], inputs=self.inputs[chosen]),
            alphas=self.alphas,
            hold=self.hold,
            protocol=self.protocol,
        )

    def folded(self, values: np.ndarray) -> np.ndarray:
        """Fold the last axis, own turns, into (way, ratio, hold), both ways in ascending α."""
        shaped = values.reshape(*values.shape[:-1], 2, self.alphas.size, self.hold)
        return np.stack([shaped[..., 0, :, :], shaped[..., 1, ::-1, :]], axis=-3)

    def areas(self, values: Float[np.ndarray, "replicate turn"]) -> Float[np.ndarray, " replicate"]:
        """Area between the ways of each replicate, from the last turn held at each α."""
        last = self.folded(values)[..., -1]
        return np.asarray(np.trapezoid(last[:, 0] - last[:, 1], self.alphas, axis=1))


@dataclass(frozen=True, kw_only=True)
class ArmLoop:
    """One arm of one protocol at one hold.

    Attributes
    ----------
    hysteresis : Hysteresis
        Area from the replies, its additive null and the excess.
    expected_area : Estimate
        Area from P(kept) = σ(h) before each reply, among reference replies: less noisy than that of replies.
    field_area : Estimate
        Area between the ways in h, nat.
    compliance : array, shape (2, ratio)
        Mean of the last reply held, upwards and downwards, *both in ascending α*.
    context_alpha : array, shape (2, ratio)
        Mean α that the whole context had reached there.
    left_out : int
        Replicates with an undetermined reply.
    candidate_mass : float
        Mean over all own turns.
    recording : Recording
    """

    hysteresis: Hysteresis
    expected_area: Estimate
    field_area: Estimate
    compliance: Float[np.ndarray, "2 ratio"]
    context_alpha: Float[np.ndarray, "2 ratio"]
    left_out: int
    candidate_mass: float
    recording: Recording


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The protocol without own replies: what is not 0 here is a fault of the apparatus.

    Attributes
    ----------
    field_gap : float
        Largest |h up − h down| over replicates and turns, nat.
    reply_gap : int
        Replies that differ between the ways, under equal random numbers.
    """

    field_gap: float
    reply_gap: int

    @property
    def passed(self) -> bool:
        """Whether both are exactly 0."""
        return self.field_gap == 0.0 and self.reply_gap == 0


def analyse_arm(record: RampRecord, *, resampling: Resampling) -> ArmLoop:
    """Measure the loop of recorded ramps.

    Raises
    ------
    InsufficientData
        Fewer than 8 replicates with every reply judged.
    """
    recording = record.recording
    good = recording.usable(least=MIN_REPLICATES)
    h = recording.log_odds[good]
    return ArmLoop(
        hysteresis=hysteresis(record.held(good), resampling=resampling),
        expected_area=_mean(record.areas(expit(recording.log_odds))[good], resampling, "α"),
        field_area=_mean(record.areas(recording.log_odds)[good], resampling, "nat"),
        compliance=record.folded(recording.kept[good].mean(axis=0))[..., -1],
        context_alpha=record.folded(record.context_alphas[good].mean(axis=0))[..., -1],
        left_out=int(good.size - h.shape[0]),
        candidate_mass=float(recording.candidate_mass.mean()),
        recording=recording,
    )


def self_test_of(record: RampRecord) -> SelfTest:
    """Compare the two ways of ramps without own replies to the last bit."""
    h = record.folded(record.recording.log_odds)
    replies = record.folded(np.array(record.recording.replies, dtype=object))
    gaps = np.abs(h[:, 0] - h[:, 1])
    return SelfTest(
        # NaN would be a fault as well
        field_gap=float(np.where(np.isnan(gaps), np.inf, gaps).max()),
        reply_gap=int((replies[:, 0] != replies[:, 1]).sum()),
    )


def self_minus_neutral(own: RampRecord, neutral: RampRecord, *, resampling: Resampling) -> Estimate:
    r"""Subtract the expected area of the neutral arm from that of the own one, paired by replicate.

    .. math:: \Delta = \frac1R \sum_r \int \big[\sigma(h^{up}_r) - \sigma(h^{down}_r)\big]_{own}
              - \big[\sigma(h^{up}_r) - \sigma(h^{down}_r)\big]_{neutral}\, d\alpha

    Formula F-196 in docs/formulas.md.

    Raises
    ------
    InputError
        Arms of different ratios or numbers of replicates.
    """
    if own.recording.kept.shape != neutral.recording.kept.shape or (own.alphas != neutral.alphas).any():
        raise InputError(
            f"self_minus_neutral: {own.recording.kept.shape} own and {neutral.recording.kept.shape} neutral "
            f"replies, or other ratios; the arms of one hold are paired replicate by replicate"
        )
    first, second = (one.areas(expit(one.recording.log_odds)) for one in (own, neutral))
    return _mean(first - second, resampling, "α")


def name_loops(own: Sequence[Hysteresis], tested: SelfTest | None) -> LoopVerdict:
    """Name the loops of the own arm over its holds, unless the apparatus failed its self-test.

    Raises
    ------
    InputError
        As `alignthermo.estimators.critical.loop_verdict`.
    """
    if tested is not None and not tested.passed:
        line = (
            f"inconclusive: the apparatus makes a loop of its own, |Δh| up to {tested.field_gap:.3g} nat, "
            f"{tested.reply_gap} replies differ"
        )
        return LoopVerdict(label="inconclusive", line=line)
    return loop_verdict(tuple(own))


def _mean(values: Float[np.ndarray, " replicate"], resampling: Resampling, unit: str) -> Estimate:
    return cluster_mean(values, rng=resampling.rng, level=resampling.level, unit=unit)
