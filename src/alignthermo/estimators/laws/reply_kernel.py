"""The additive null: replies driven by a field, inputs and earlier own replies, each adding its part."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from alignthermo.errors import InputError

__all__ = [
    "ReplyKernel",
    "ReplyRun",
    "fit_reply_kernel",
    "kernel_draws",
    "paired_nulls",
    "simulate_null",
]

BITS = 7
"""Own replies per table of the simulated memory; two tables of 128 hold 14 lags."""

RIDGE = 0.5
"""Prior precision of every coefficient: one weak pseudo-observation keeps separated data finite."""


@dataclass(frozen=True, kw_only=True)
class ReplyRun:
    """Own replies along rollouts or ramps that share a protocol.

    Attributes
    ----------
    kept : array, shape (replicate, turn)
        1 where the reply kept the instruction, 0 where it broke it.
    inputs : array, shape (replicate, turn, input)
        What the model was given at each turn, in any coding: 1 − 2α of the context, labels of the last turns
        by lag, or nothing (0 columns).

    Raises
    ------
    InputError
        Shapes that do not fit, fewer than 2 replicates, or replies that are not 0 or 1.
    """

    kept: Float[np.ndarray, "replicate turn"]
    inputs: Float[np.ndarray, "replicate turn input"]

    def __post_init__(self) -> None:
        if self.inputs.shape[:2] != self.kept.shape or self.kept.shape[0] < 2:
            raise InputError(f"ReplyRun: replies {self.kept.shape} and inputs {self.inputs.shape} do not fit")
        if not np.isin(self.kept, (0.0, 1.0)).all():
            raise InputError("ReplyRun: replies are 0 (broken) or 1 (kept); leave undetermined runs out")


@dataclass(frozen=True, kw_only=True)
class ReplyKernel:
    r"""Fitted additive law of the replies.

    .. math:: h_t = f + \sum_i g_i x_{t i} + \sum_{\text{lag} \le n} w_{\text{lag}} s_{t - \text{lag}}
              + w_{old} \sum_{\text{lag} > n} s_{t - \text{lag}}, \qquad s = \pm 1

    Attributes
    ----------
    theta : array, shape (term,)
        f, g, w by lag, w_old.
    score : array, shape (replicate, term)
        Score of every replicate at θ.
    information : array, shape (replicate, term, term)
        Information of every replicate at θ.
    n_lags : int
    """

    theta: Float[np.ndarray, " term"]
    score: Float[np.ndarray, "replicate term"]
    information: Float[np.ndarray, "replicate term term"]
    n_lags: int

    @property
    def feedback(self) -> float:
        """Σw: above 2 the additive law itself has two self-consistent states."""
        return float(self.theta[-self.n_lags - 1 : -1].sum())


def fit_reply_kernel(run: ReplyRun, *, n_lags: int = 14) -> ReplyKernel:
    """Fit the additive law by logistic regression (Newton), with a ridge of half an observation.

    References
    ----------
    McCullagh & Nelder (1989), ch. 4. Formula F-132 in docs/formulas.md.
    """
    terms = _terms(run, n_lags)
    ridge = RIDGE * np.eye(terms.shape[-1])
    flat, kept = terms.reshape(-1, terms.shape[-1]), run.kept.reshape(-1)
    theta = np.zeros(terms.shape[-1])
    for _ in range(60):
        p = expit(flat @ theta)
        gradient = flat.T @ (kept - p) - RIDGE * theta
        step = np.linalg.solve((flat * (p * (1.0 - p))[:, None]).T @ flat + ridge, gradient)
        theta = theta + step / max(1.0, float(np.abs(step).max()) / 2.0)
        if float(np.abs(step).max()) < 1e-8:
            break
    p = expit(terms @ theta)
    residual = run.kept - p
    return ReplyKernel(
        theta=theta,
        score=np.einsum("rt,rtp->rp", residual, terms),
        information=np.einsum("rtp,rt,rtq->rpq", terms, p * (1.0 - p), terms, optimize=True),
        n_lags=n_lags,
    )


def kernel_draws(
    kernel: ReplyKernel, multiplicity: Float[np.ndarray, "batch replicate"]
) -> Float[np.ndarray, "batch term"]:
    """Refit every resample of the replicates by one Newton step from the fit of the data."""
    ridge = RIDGE * np.eye(kernel.theta.size)
    information = np.einsum("br,rpq->bpq", multiplicity, kernel.information, optimize=True) + ridge
    gradient = multiplicity @ kernel.score - RIDGE * kernel.theta
    return np.asarray(kernel.theta + np.linalg.solve(information, gradient[..., None])[..., 0])


def simulate_null(
    theta: Float[np.ndarray, "batch term"],
    inputs: Float[np.ndarray, "replicate turn input"],
    *,
    n_lags: int,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "batch replicate turn"]:
    """Draw replies from additive laws along the inputs of the measured replicates.

    Returns
    -------
    array, shape (batch, replicate, turn)
        True where the reply kept.
    """
    n_inputs, (replicates, turns) = inputs.shape[2], inputs.shape[:2]
    field, gains, older = theta[:, :1], theta[:, 1 : 1 + n_inputs], theta[:, -1:]
    memory = _Memory(weights=theta[:, 1 + n_inputs : -1], replicates=replicates)
    old = np.zeros((theta.shape[0], replicates))
    # turns first: each turn is then written in one piece
    kept = np.empty((turns, theta.shape[0], replicates), dtype=bool)
    for turn in range(turns):
        h = memory.pull(turn)
        h += field + gains @ inputs[:, turn].T
        if turn > n_lags:
            old += 2.0 * kept[turn - n_lags - 1] - 1.0
            h += older * old
        with np.errstate(over="ignore", invalid="ignore"):
            # u < σ(h), with the cheaper of the two functions
            kept[turn] = rng.random(h.shape) * (1.0 + np.exp(-h)) < 1.0
        memory.add(kept[turn])
    return np.moveaxis(kept, 0, -1)


def paired_nulls(
    kernel: ReplyKernel,
    multiplicity: Float[np.ndarray, "batch replicate"],
    inputs: Float[np.ndarray, "replicate turn input"],
    *,
    rng: np.random.Generator,
) -> Iterator[tuple[Float[np.ndarray, "batch term"], Bool[np.ndarray, "batch replicate turn"]]]:
    """Yield laws and their simulated replies twice: of the fit to the data, then of the fits to resamples.

    Both draw from one stream, so the difference of the simulations is the difference of the kernels.
    """
    seed = int(rng.integers(1 << 62))
    at_fit = np.repeat(kernel.theta[None], multiplicity.shape[0], axis=0)
    for theta in (at_fit, kernel_draws(kernel, multiplicity)):
        yield theta, simulate_null(theta, inputs, n_lags=kernel.n_lags, rng=np.random.default_rng(seed))


class _Memory:
    """The last own replies of every replicate as bits, and tables of what every pattern of them adds to h."""

    def __init__(self, *, weights: Float[np.ndarray, "batch lag"], replicates: int) -> None:
        self._weights = weights
        self._state = np.zeros((weights.shape[0], replicates), dtype=np.int64)
        self._row = np.arange(weights.shape[0])[:, None]
        self._tables: list[np.ndarray] = []

    def pull(self, turn: int) -> Float[np.ndarray, "batch replicate"]:
        """Return what the replies so far add to h at this turn; one that is not there yet adds nothing."""
        n_lags = self._weights.shape[1]
        if turn <= n_lags:
            weights = np.where(np.arange(n_lags) < turn, self._weights, 0.0)
            self._tables = [_table(part) for part in np.split(weights, range(BITS, n_lags, BITS), axis=1)]
        total = np.zeros(self._state.shape)
        for place, table in enumerate(self._tables):
            bits = (self._state >> (BITS * place)) & (table.shape[1] - 1)
            bits += self._row * table.shape[1]
            total += table.ravel().take(bits)
        return total

    def add(self, kept: np.ndarray) -> None:
        """Remember one more reply; bit 0 is the last one."""
        self._state = (self._state << 1) | kept
        self._state &= (1 << self._weights.shape[1]) - 1


def _table(weights: Float[np.ndarray, "batch lag"]) -> Float[np.ndarray, "batch pattern"]:
    """Sum of ±weights for every pattern of bits, the first lag in bit 0."""
    n = weights.shape[1]
    signs = 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1) - 1.0
    return np.asarray(weights @ signs.T)


def _terms(run: ReplyRun, n_lags: int) -> Float[np.ndarray, "replicate turn term"]:
    sign = 2.0 * run.kept - 1.0
    replicates, turns = sign.shape
    terms = [np.ones((replicates, turns, 1)), run.inputs]
    lagged = np.zeros((replicates, turns, n_lags))
    for lag in range(1, min(n_lags, turns - 1) + 1):
        lagged[:, lag:, lag - 1] = sign[:, :-lag]
    old = np.zeros((replicates, turns, 1))
    if turns > n_lags + 1:
        old[:, n_lags + 1 :, 0] = np.cumsum(sign, axis=1)[:, : turns - n_lags - 1]
    return np.concatenate([*terms, lagged, old], axis=2)
