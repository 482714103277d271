"""What a probe found at one point of a conversation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from alignthermo.observables.drift.compliance import Compliance

__all__ = ["AnswerKL", "ProbeDrift"]


@dataclass(frozen=True, kw_only=True)
class AnswerKL:
    r"""KL between two distributions over whole answers, exact at every token of some answers.

    .. math:: \mathrm{KL} = \mathrm{E}_{y \sim q(\cdot|c)} \sum_s \mathrm{KL}\big(q(\cdot|c, y_{<s})
              \,\|\, q(\cdot|c', y_{<s})\big)

    Attributes
    ----------
    per_token : tuple of arrays
        One array per answer, shape (token,), in nat.
    """

    per_token: tuple[Float[np.ndarray, " _"], ...] = ()

    @property
    def per_answer(self) -> Float[np.ndarray, " answer"]:
        """Sum over the tokens of each answer: with sampled answers unbiased for the KL, one draw each."""
        return np.array([float(one.sum()) for one in self.per_token], dtype=np.float64)

    @property
    def first_token(self) -> float:
        """Exact KL of the next token alone, the same for every answer; NaN without one."""
        return float(self.per_token[0][0]) if self.per_token else float("nan")

    @property
    def mean(self) -> float:
        """Mean over the answers, in nat per answer; NaN where there are none."""
        return float(self.per_answer.mean()) if self.per_token else float("nan")


@dataclass(frozen=True, kw_only=True)
class ProbeDrift:
    r"""One probe at one point: distances in nat, each from the distribution that is given first.

    Attributes
    ----------
    key : str
        Of the case.
    answers, control_answers : tuples of tuples of int
        Drawn from (I, h_t, probe) and from (I, n_t, probe), or given.
    truncated, control_truncated : int
        Answers that were cut at the budget: distances are then those of answers of at most that length.
    drift : AnswerKL
        KL(q(·|I, h_t, probe) ‖ q(·|I, probe)). Formulas F-230 (without a probe: literal_drift) and F-231
        (probe_drift) in docs/formulas.md.
    influence : AnswerKL
        KL(q(·|I, h_t, probe) ‖ q(·|N, h_t, probe)), N as long as I. Formula F-232 in docs/formulas.md.
    relaxation : AnswerKL
        KL(q ‖ p) in the same context. Formula F-233 in docs/formulas.md.
    to_wish : AnswerKL
        KL(q(·|I, h_t, probe) ‖ q(·|W, probe)).
    control : AnswerKL
        KL(q(·|I, n_t, probe) ‖ q(·|I, probe)): what length alone does.
    entropy : tuple of arrays
        Entropy before every token of every answer, shape (token,) each.
    compliance : mapping
        ``here``, ``start``, ``neutral_history``, ``base`` to log-odds of the references, where they were
        read.
    reasons : mapping
        Why a distance is missing, by name.
    """

    key: str
    answers: tuple[tuple[int, ...], ...]
    control_answers: tuple[tuple[int, ...], ...] = ()
    truncated: int = 0
    control_truncated: int = 0
    drift: AnswerKL
    influence: AnswerKL = field(default_factory=AnswerKL)
    relaxation: AnswerKL = field(default_factory=AnswerKL)
    to_wish: AnswerKL = field(default_factory=AnswerKL)
    control: AnswerKL = field(default_factory=AnswerKL)
    entropy: tuple[Float[np.ndarray, " _"], ...] = ()
    compliance: Mapping[str, Compliance] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def excess(self) -> float:
        r"""Drift beyond what a neutral history of equal length does, in nat; NaN without the control.

        .. math:: D_{probe}(t) - D_{probe}^{neutral}(t)

        Negative where the real history holds the instruction better than small talk does. Formula F-234 in
        docs/formulas.md.
        """
        return self.drift.mean - self.control.mean

    @property
    def mean_entropy(self) -> float:
        """Entropy per answer token, in nat."""
        return _mean(self.entropy)


def _mean(parts: Sequence[Float[np.ndarray, " _"]]) -> float:
    return float(np.concatenate(parts).mean()) if parts else float("nan")
