"""Rates and limits that a law implies: initial, late, plateau, relaxation time, exponent."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError
from alignthermo.estimators.drift.law_fit import LawFit
from alignthermo.estimators.drift.rate import in_conversations
from alignthermo.estimators.drift.series import DriftPanel
from alignthermo.estimators.laws.jackknife import estimates_of
from alignthermo.quantities import Estimate

__all__ = ["law_rates"]

METHOD = "maximum likelihood, delete-one-conversation jackknife"
Curve = Callable[[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch own"]], Float[np.ndarray, "*batch"]]
"""(drift over the range, own parameters) -> quantity, with time in units of the range."""


def _plateau(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return np.asarray(-drift / np.expm1(-np.exp(-own[..., 0])))


def _relaxation(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return np.asarray(np.exp(np.broadcast_to(own[..., 0], drift.shape)))


def _initial(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return np.asarray(_plateau(drift, own) * np.exp(-own[..., 0]))


def _late(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return np.asarray(_initial(drift, own) * np.exp(-np.exp(-own[..., 0])))


def _drift(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return drift


def _power_late(drift: Float[np.ndarray, "*b"], own: Float[np.ndarray, "*b own"]) -> Float[np.ndarray, "*b"]:
    return np.asarray(drift * np.exp(own[..., 0]))


RATE, VALUE, TIME, PURE = "rate", "value", "time", "1"
QUANTITIES: dict[str, dict[str, tuple[str, Curve]]] = {
    "none": {},
    "linear": {"rate": (RATE, _drift), "drift_over_range": (VALUE, _drift)},
    "saturating": {
        "initial_rate": (RATE, _initial),
        "late_rate": (RATE, _late),
        "plateau": (VALUE, _plateau),
        "relaxation_time": (TIME, _relaxation),
        "drift_over_range": (VALUE, _drift),
    },
    "power": {
        "exponent": (PURE, _relaxation),
        "late_rate": (RATE, _power_late),
        "drift_over_range": (VALUE, _drift),
    },
}
LINEAR_SCALE = ("drift_over_range",)


def law_rates(fit: LawFit, panel: DriftPanel, *, level: float = 0.95) -> dict[str, Estimate]:
    r"""Quantities of a fitted law, with errors between conversations.

    .. math:: \dot D(0) = d_\infty/\tau, \quad \dot D(t_{max}) = \dot D(0)\,e^{-t_{max}/\tau}, \quad
              d_\infty = \frac{d}{1 - e^{-t_{max}/\tau}}, \qquad
              s^2 = \tfrac{G-1}{G} \sum_g (\psi_{(g)} - \bar\psi)^2

    for the saturating law; rate d/t_max of the linear one; exponent p and rate d p/t_max at the latest time
    of the power law. The range ends at the latest measured time: beyond it nothing is claimed. Where the
    drift d differs from 0 by more than two errors the interval stands on the scale of logarithms, else on the
    natural one with the caveat that the drift itself is in doubt. The late rate of the saturating law is
    e^(−t_max/τ), whose logarithm is far from normal where τ is: its ends are put together from those of
    :math:`A = \ln \dot D(0)` and :math:`C = -t_{max}/\tau`, the latter's from those of ln τ,

    .. math:: A + C - \sqrt{(A - A_l)^2 + (C - C_l)^2 + 2\rho\,(A - A_l)(C - C_l)} \le \ln \dot D(t_{max}) \le
              A + C + \sqrt{(A_u - A)^2 + (C_u - C)^2 + 2\rho\,(A_u - A)(C_u - C)}

    Parameters
    ----------
    fit : LawFit
        Of `panel`.
    panel : DriftPanel
    level : float

    Returns
    -------
    dict of Estimate
        Empty for the law *none*.

    Raises
    ------
    InputError
        The fit is of another panel.

    References
    ----------
    Efron & Tibshirani (1993), ch. 11; Zou & Donner, Stat. Med. 27, 1693 (2008). Formulas F-219 and F-239 in
    docs/formulas.md.
    """
    if fit.line.counts.size != panel.n_conversations:
        raise InputError("law_rates: the fit is of another panel")
    found = QUANTITIES[fit.law.name]
    if not found:
        return {}
    drift = _jackknifed(fit, _drift, log=False, level=level)
    certain = abs(drift.value) > 2.0 * drift.stderr
    out = {}
    for name, (kind, curve) in found.items():
        log = name not in LINEAR_SCALE and (certain or kind in (TIME, PURE))
        fading = name == "late_rate" and fit.law.name == "saturating" and log
        raw = _fading(fit, level=level) if fading else _jackknifed(fit, curve, log=log, level=level)
        raw = _signed(raw, float(np.sign(drift.value)) if kind in (RATE, VALUE) else 1.0) if log else raw
        note = () if certain else ("the drift over the range does not differ from 0 by two errors",)
        out[name] = _with_unit(raw, kind, panel, (*panel.caveats, *note))
    return out


def _jackknifed(fit: LawFit, curve: Curve, *, log: bool, level: float) -> Estimate:
    value, left_out = _replicates(fit, curve, log=log)
    return estimates_of(value, left_out[:, None], level=level, labels=("", METHOD))[0]


def _fading(fit: LawFit, *, level: float) -> Estimate:
    """Take ln of the late rate, its ends from those of the initial rate and of the relaxation time."""
    first, first_out = _replicates(fit, _initial, log=True)
    time, time_out = _replicates(fit, _relaxation, log=True)
    a, b = (
        estimates_of(value, out[:, None], level=level, labels=("", METHOD))[0]
        for value, out in ((first, first_out), (time, time_out))
    )
    c, c_low, c_high = (-float(np.exp(-x)) for x in (b.value, b.low, b.high))
    fall_out = -np.exp(-time_out)
    together = np.cov(first_out, fall_out)
    rho = float(together[0, 1] / max(np.sqrt(together[0, 0] * together[1, 1]), 1e-300))
    down, up = (
        float(np.sqrt(max(x * x + y * y + 2.0 * rho * x * y, 0.0)))
        for x, y in ((a.value - a.low, c - c_low), (a.high - a.value, c_high - c))
    )
    whole = estimates_of(first + c, (first_out + fall_out)[:, None], level=level, labels=("", METHOD))[0]
    return replace(whole, low=whole.value - down, high=whole.value + up)


def _replicates(
    fit: LawFit, curve: Curve, *, log: bool
) -> tuple[Float[np.ndarray, " one"], Float[np.ndarray, " conversation"]]:
    """Value of a quantity, and without each conversation."""
    n = fit.line.counts.size

    def statistic(beta: np.ndarray, own: np.ndarray) -> np.ndarray:
        value = curve(beta[1], own)
        return np.log(np.maximum(np.abs(value), 1e-300)) if log else value

    left_out = fit.functional(np.ones((n, n)) - np.eye(n), statistic)
    return fit.functional(np.ones((1, n)), statistic), left_out


def _signed(estimate: Estimate, sign: float) -> Estimate:
    """From the logarithm of a magnitude to the quantity."""
    value, low, high = (float(np.exp(x)) for x in (estimate.value, estimate.low, estimate.high))
    ends = (low, high) if sign >= 0.0 else (-high, -low)
    magnitude = value * estimate.stderr
    return replace(
        estimate,
        value=value if sign >= 0.0 else -value,
        stderr=magnitude,
        low=ends[0],
        high=ends[1],
        method=f"{METHOD} on the log scale",
    )


def _with_unit(estimate: Estimate, kind: str, panel: DriftPanel, caveats: tuple[str, ...]) -> Estimate:
    factor = {RATE: 1.0 / panel.span, VALUE: 1.0, TIME: panel.span, PURE: 1.0}[kind]
    unit = {RATE: panel.rate_unit, VALUE: panel.unit, TIME: panel.axis.removesuffix("s"), PURE: "1"}[kind]
    return in_conversations(
        replace(
            estimate,
            value=estimate.value * factor,
            stderr=estimate.stderr * factor,
            low=estimate.low * factor,
            high=estimate.high * factor,
            unit=unit,
            caveats=(*estimate.caveats, *caveats),
        )
    )
