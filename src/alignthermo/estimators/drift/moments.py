"""What a conversation says about level and drift, its own random level and drift summed out."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.drift.noise import whiten
from alignthermo.estimators.drift.series import DriftPanel

__all__ = [
    "N_NUISANCE",
    "Timeline",
    "integrated",
    "log_density",
    "moments",
    "predictive_density",
    "profile",
    "timeline",
]

N_NUISANCE = 4
"""Noise and spread parameters: ln ℓ, logit κ, ln s₀, ln s₁."""

COLLINEAR = 1e-9
"""Below this share of independence level and drift cannot be told apart by what was measured."""

Moments = Float[np.ndarray, "7 batch conversation"]
"""P₁₁, P₁₂, P₂₂, q₁, q₂, u and ln|V| of each conversation, in units of the noise variance."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A panel in the units of the fits, times first.

    Attributes
    ----------
    u : array, shape (point, conversation)
        Time over the latest time.
    gaps : array, shape (point, conversation)
        Time since the previous point over the usual one.
    measured : bool array, shape (point, conversation)
    y : array, shape (point, conversation)
        Values over their `scale`.
    counts : array, shape (conversation,)
    span, usual_gap, scale : float
        Units of `u`, of `gaps` and of `y`.
    """

    u: Float[np.ndarray, "point conversation"]
    gaps: Float[np.ndarray, "point conversation"]
    measured: np.ndarray
    y: Float[np.ndarray, "point conversation"]
    counts: Float[np.ndarray, " conversation"]
    span: float
    usual_gap: float
    scale: float

    def in_units_of(self, other: "Timeline") -> "Timeline":
        """Return the same values in the units of another timeline."""
        return replace(
            self,
            u=self.u * (self.span / other.span),
            gaps=self.gaps * (self.usual_gap / other.usual_gap),
            y=self.y * (self.scale / other.scale),
            span=other.span,
            usual_gap=other.usual_gap,
            scale=other.scale,
        )


def timeline(panel: DriftPanel) -> Timeline:
    """Bring a panel to the units of the fits."""
    gaps = np.diff(panel.time, axis=1, prepend=panel.time[:, :1])
    positive = gaps[panel.measured & (gaps > 0.0)]
    usual = float(np.median(positive)) if positive.size else 1.0
    measured = panel.measured.T.copy()
    scale = float(panel.value[panel.measured].std()) or 1.0
    return Timeline(
        u=(panel.time / max(panel.span, 1e-300)).T.copy(),
        gaps=(gaps / usual).T.copy(),
        measured=measured,
        y=panel.value.T / scale * measured,
        counts=panel.counts,
        span=panel.span,
        usual_gap=usual,
        scale=scale,
    )


def moments(
    shape: Float[np.ndarray, "point batch conversation"],
    nuisance: Float[np.ndarray, "batch 4"],
    line: Timeline,
) -> Moments:
    """Moments of every conversation for a drift of this shape, for each row of noise parameters."""
    batch = nuisance.shape[0]
    shared = (line.u.shape[0], batch, line.u.shape[1])
    columns = np.empty((shared[0], batch, 3, shared[2]))
    columns[:, :, 0], columns[:, :, 1], columns[:, :, 2] = 1.0, shape, line.y[:, None]
    white, log_det = _whitened(columns, nuisance, line)
    one, f, y = white[:, :, 0], white[:, :, 1], white[:, :, 2]
    pairs = ((one, one), (one, f), (f, f), (one, y), (f, y), (y, y))
    grams = np.stack([np.einsum("nbg,nbg->bg", a, b) for a, b in pairs])
    return integrated(grams, log_det, nuisance)


def _whitened(
    columns: Float[np.ndarray, "point batch column conversation"],
    nuisance: Float[np.ndarray, "batch 4"],
    line: Timeline,
) -> tuple[np.ndarray, np.ndarray]:
    return whiten(
        columns,
        gaps=line.gaps,
        measured=line.measured,
        length=np.exp(nuisance[:, 0]),
        nugget=1.0 / (1.0 + np.exp(-nuisance[:, 1])),
    )


def integrated(
    grams: Float[np.ndarray, "6 *batch conversation"],
    log_det: Float[np.ndarray, "batch conversation"],
    nuisance: Float[np.ndarray, "batch 4"],
) -> Float[np.ndarray, "7 *batch conversation"]:
    r"""Sum out the random level and drift of each conversation, N(0, s₀²) and N(0, s₁²).

    .. math:: V = R + Z D Z^T, \quad P = Z^T V^{-1} Z, \quad q = Z^T V^{-1} y, \quad u = y^T V^{-1} y

    from :math:`A = Z^T R^{-1} Z` and :math:`c = Z^T R^{-1} y` by the Woodbury identity, Z = (1, f).

    References
    ----------
    Laird & Ware, Biometrics 38, 963 (1982). Formula F-211 in docs/formulas.md.
    """
    extra = (1,) * (grams.ndim - 3)
    level, drift = (np.exp(2.0 * nuisance[:, i]).reshape(-1, *extra, 1) for i in (2, 3))
    a11, a12, a22, c1, c2, yy = grams
    one, two = 1.0 + level * a11, 1.0 + drift * a22
    det = one * two - level * drift * a12**2
    q1 = (two * c1 - drift * a12 * c2) / det
    q2 = (one * c2 - level * a12 * c1) / det
    return np.stack(
        [
            (two * a11 - drift * a12**2) / det,
            a12 / det,
            (one * a22 - level * a12**2) / det,
            q1,
            q2,
            yy - level * c1 * q1 - drift * c2 * q2,
            log_det.reshape(log_det.shape[0], *extra, -1) + np.log(det),
        ]
    )


def profile(
    sums: Float[np.ndarray, "7 ..."], counts: Float[np.ndarray, "..."] | np.float64, *, fixed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood at the best level, drift and noise variance; these, drift 0 if only one is `fixed`.

    Returns
    -------
    value : array, shape (*batch)
    beta : array, shape (2, *batch)
    variance : array, shape (*batch)
    """
    p11, p12, p22, q1, q2, u, log_det = sums
    if fixed == 1:
        beta = np.stack([q1 / p11, np.zeros_like(q1)])
    else:
        det = np.maximum(p11 * p22 - p12**2, 1e-12 * p11 * np.maximum(p22, 1e-300))
        beta = np.stack([p22 * q1 - p12 * q2, p11 * q2 - p12 * q1]) / det
    rest = np.maximum(u - beta[0] * q1 - beta[1] * q2, 1e-12)
    variance = rest / counts
    value = -0.5 * (counts * (np.log(2.0 * np.pi * variance) + 1.0) + log_det)
    return np.asarray(value), np.asarray(beta), np.asarray(variance)


def log_density(
    each: Float[np.ndarray, "7 ... conversation"],
    counts: Float[np.ndarray, " conversation"],
    beta: Float[np.ndarray, "2 ..."],
    variance: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "... conversation"]:
    """Log-likelihood of each conversation at given level, drift (broadcast over it) and noise variance."""
    p11, p12, p22, q1, q2, u, log_det = each
    a, d = beta
    square = u - 2.0 * (a * q1 + d * q2) + a * a * p11 + 2.0 * a * d * p12 + d * d * p22
    return np.asarray(-0.5 * (counts * np.log(2.0 * np.pi * variance) + log_det + square / variance))


def predictive_density(
    each: Float[np.ndarray, "7 ... conversation"],
    counts: Float[np.ndarray, " conversation"],
    beta: Float[np.ndarray, "2 ..."],
    variance: Float[np.ndarray, "..."],
    others: Float[np.ndarray, "3 ..."],
    *,
    fixed: int,
) -> Float[np.ndarray, "... conversation"]:
    r"""Log-density of each conversation given others, the error of their level and drift summed out.

    .. math:: y_g \sim N\big(Z\hat\beta,\ \sigma^2 (V + Z P_o^{-1} Z^T)\big), \qquad P_o = \sum_{h \in o} P_h

    `others` is P_o as P₁₁, P₁₂, P₂₂; only the level has an error if one is `fixed`. Broadcasts as
    `log_density`. Formula F-243 in docs/formulas.md.
    """
    a11, a12, a22, q1, q2 = each[:5]
    p11, p12, p22 = others
    level, drift = beta
    plain = log_density(each, counts, beta, variance)
    one, two = q1 - level * a11 - drift * a12, q2 - level * a12 - drift * a22
    if fixed == 1:
        wider, explained = (p11 + a11) / p11, one**2 / (p11 + a11)
    else:
        known = np.maximum(p11 * p22 - p12**2, COLLINEAR * p11 * p22)
        s11, s12, s22 = p11 + a11, p12 + a12, p22 + a22
        # each summand is not negative but for rounding: a mean of shapes that are nearly constant stays vague
        det = known + np.maximum(a11 * a22 - a12**2, 0.0)
        det = det + np.maximum(p11 * a22 + p22 * a11 - 2.0 * p12 * a12, 0.0)
        wider = det / known
        explained = np.maximum(s22 * one**2 - 2.0 * s12 * one * two + s11 * two**2, 0.0) / det
    return np.asarray(plain + 0.5 * (explained / variance - np.log(wider)))
