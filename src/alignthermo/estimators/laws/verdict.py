"""The verdict scale: what may be said of a sweep, and which tests say it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alignthermo.errors import InputError
from alignthermo.estimators.laws.bimodality import Bimodality
from alignthermo.estimators.laws.comparison import Comparison
from alignthermo.estimators.laws.hysteresis import Hysteresis, survives_holding
from alignthermo.estimators.laws.scaling import SizeScaling
from alignthermo.quantities import Estimate

__all__ = ["MIN_GAMMA", "Evidence", "Verdict", "VerdictLabel", "verdict"]

MIN_GAMMA = 0.3
"""γ must lie above this with its whole interval: a pure ratio with a prior gives about 0.15."""

VerdictLabel = Literal[
    "no response",
    "gradual",
    "sigmoid, no size scaling",
    "sigmoid with size scaling, explained by accumulation",
    "sigmoid with size scaling",
    "transition-like",
]

SIGMOIDS = ("logistic", "step", "accumulation")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured on one order-parameter column; None where it was not.

    Attributes
    ----------
    laws : Comparison
        Rivals at one length.
    scaling : SizeScaling, optional
    plane : Comparison, optional
        `ACCUMULATION` against `SCALED` over all lengths.
    bimodality : Bimodality, optional
    hysteresis : tuple of Hysteresis
        One protocol that keeps own replies, several holds.
    faults : tuple of str
        Why evidence that was measured does not count, for example a self-test that failed.
    """

    laws: Comparison
    scaling: SizeScaling | None = None
    plane: Comparison | None = None
    bimodality: Bimodality | None = None
    hysteresis: tuple[Hysteresis, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A place on the scale.

    Attributes
    ----------
    label : str
    tests : tuple of str
        Each test that was made, its outcome and its numbers.
    ceiling : str or None
        Why a higher place could not be reached, whatever the system does.
    """

    label: VerdictLabel
    tests: tuple[str, ...]
    ceiling: str | None


def verdict(evidence: Evidence) -> Verdict:
    """Place a sweep on the scale of compliance transitions.

    - *no response*: the constant is not clearly worse than the best law.
    - *transition-like*: rollouts bimodal beyond the additive null at the two longest lengths, **and**
      a loop beyond that null which survives holding. γ is printed and does not count.
    - without size scaling (γ was not measured, or its interval does not lie above 0.3): *gradual* if a law
      without a sigmoid (line, bounded power law) is among the simplest that remain, else *sigmoid, no size
      scaling*.
    - with it the curve is a sigmoid, whatever one length can tell: a bounded curve that steepens with L is
      confined to an ever narrower range. *Explained by accumulation* if plain evidence accumulation is within
      two errors of a logistic with free asymptotes and free γ on the plane of (N_instr, N_adv); else
      *sigmoid with size scaling*.

    Raises
    ------
    InputError
        Evidence of different order-parameter columns, or a comparison without the constant law.
    """
    _check_columns(evidence)
    tests = [_law_test(evidence.laws)]
    if any(score.name == "constant" and score.remains for score in evidence.laws.scores):
        return Verdict(label="no response", tests=tuple(tests), ceiling=None)
    two_kinds = evidence.bimodality is not None and evidence.bimodality.stays
    held = survives_holding(evidence.hysteresis)
    tests += _rollout_tests(evidence)
    ceiling = _ceiling(evidence)
    scaling_test, scales = _scaling_test(evidence.scaling)
    tests.append(scaling_test)
    if two_kinds and held:
        return Verdict(label="transition-like", tests=tuple(tests), ceiling=None)
    if not scales:
        sigmoid = all(name in SIGMOIDS for name in evidence.laws.rivals)
        plain: VerdictLabel = "sigmoid, no size scaling" if sigmoid else "gradual"
        return Verdict(label=plain, tests=tuple(tests), ceiling=ceiling)
    explained, text = _explained(evidence)
    label: VerdictLabel = "sigmoid with size scaling"
    if explained:
        label = "sigmoid with size scaling, explained by accumulation"
    return Verdict(label=label, tests=(*tests, text), ceiling=ceiling)


def _check_columns(evidence: Evidence) -> None:
    parts = (evidence.laws, evidence.scaling, evidence.plane)
    columns = sorted({part.column for part in parts if part is not None})
    if len(columns) > 1:
        raise InputError(f"verdict: evidence from different order parameters {columns}; judge each by itself")


def _law_test(laws: Comparison) -> str:
    constant = [score for score in laws.scores if score.name == "constant"]
    if not constant:
        raise InputError("verdict: the comparison holds no constant law, so a response cannot be judged")
    text = f"law: {laws.named} ({', '.join(laws.rivals)})"
    gap, error = constant[0].gap, constant[0].gap_stderr
    return f"{text}; a constant is {gap:.3g} ± {error:.2g} nat per prompt worse than the best"


def _scaling_test(scaling: SizeScaling | None) -> tuple[str, bool]:
    if scaling is None:
        return "size scaling: not measured, one length", False
    gamma = scaling.gamma
    scales = bool(gamma.low > MIN_GAMMA)
    word = "above" if scales else "not above"
    return f"size scaling: γ = {_shown(gamma)}, {word} {MIN_GAMMA}", scales


def _explained(evidence: Evidence) -> tuple[bool, str]:
    if evidence.plane is None:
        return False, "accumulation: not compared on the plane of (N_instr, N_adv)"
    remains = any(score.name == "accumulation" and score.remains for score in evidence.plane.scores)
    assert evidence.scaling is not None
    gamma = evidence.scaling.gamma
    inside = bool(gamma.low <= 1.0 <= gamma.high)
    fits, holds = "within" if remains else "beyond", "inside" if inside else "outside"
    text = f"accumulation: {fits} two errors of the free law on the plane; γ = 1 {holds}"
    return remains, text


def _rollout_tests(evidence: Evidence) -> list[str]:
    tests = []
    if evidence.bimodality is not None:
        b = evidence.bimodality
        shown = ", ".join(f"{n}: {_shown(e)}" for n, e in zip(b.turns, b.excess, strict=True))
        tests.append(f"bimodality beyond the additive null by own turns: {shown}; stays: {b.stays}")
    if evidence.hysteresis:
        shown = ", ".join(f"{loop.hold}: {_shown(loop.excess)}" for loop in evidence.hysteresis)
        survives = survives_holding(evidence.hysteresis)
        tests.append(f"loop beyond the additive null by hold: {shown}; survives holding: {survives}")
    return [*tests, *evidence.faults]


def _ceiling(evidence: Evidence) -> str | None:
    missing = []
    if evidence.bimodality is None:
        missing.append("rollouts")
    if len(evidence.hysteresis) < 2:
        missing.append("ramps at two holds")
    if not missing:
        return None
    why = f" ({'; '.join(evidence.faults)})" if evidence.faults else ""
    return f"without {' and '.join(missing)} nothing above a sigmoid can be said{why}"


def _shown(estimate: Estimate) -> str:
    if np.isnan(estimate.value):
        return f"unknown ({estimate.reason})"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
