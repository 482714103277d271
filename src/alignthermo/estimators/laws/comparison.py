"""Which law: held-out likelihood by prompt, and the simplest law that is not clearly worse than the best."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InsufficientData
from alignthermo.estimators.laws.binned import MANY_SETTINGS, bins_for, fewer_settings
from alignthermo.estimators.laws.law_fit import LawFit, fit_law, refit
from alignthermo.estimators.laws.panel import Panel, make_panel, require_range, standardised
from alignthermo.estimators.laws.precision import independent_draws
from alignthermo.estimators.laws.shapes import ACCUMULATION, CONSTANT, LINE, LOGISTIC, POWER, Law
from alignthermo.estimators.laws.step import STEP
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.estimators.naming import DECIDED, LawScore, standing

__all__ = ["RIVALS", "Comparison", "compare_laws", "held_out", "law_panel"]

RIVALS = (CONSTANT, LINE, ACCUMULATION, POWER, STEP, LOGISTIC)
MAX_FOLDS = 25


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Outcome of the comparison.

    Attributes
    ----------
    named : str
        The simplest remaining law, or ``inconclusive``.
    rivals : tuple of str
        The simplest remaining laws when they are of equal size; else just the named one.
    scores : tuple of LawScore
    n_needed : float
        Prompts at which all simplest rivals but one are expected to have dropped out, with 80 % power; NaN
        when a law is named, ∞ when two of them are alike.
    n_prompts : int
    left_out : tuple of str
        Laws that were not compared, with the reason.
    fits : tuple of LawFit
        In the order of `scores`, on the standardised panel.
    column : str
        Order parameter that was compared.
    """

    named: str
    rivals: tuple[str, ...]
    scores: tuple[LawScore, ...]
    n_needed: float
    n_prompts: int
    left_out: tuple[str, ...]
    fits: tuple[LawFit, ...]
    column: str


def compare_laws(sweep: Sweep, *, laws: tuple[Law, ...] = RIVALS) -> Comparison:
    r"""Compare laws by held-out log-likelihood, cross-validated by prompt.

    .. math:: \delta_A = \frac1G \sum_g \big(\ell_g^{best} - \ell_g^A\big), \qquad
              A \text{ remains if } \delta_A \le 2\,\mathrm{sd}(\ell^{best} - \ell^A)/\sqrt G

    Each ℓ_g is the marginal likelihood of a whole prompt under parameters fitted without its fold, the
    prompt's own threshold summed out. Named is the simplest law that remains; taking the best outright claims
    an effect in a third of null runs. Where rivals of equal size remain the answer is *inconclusive*, with
    the number of prompts at which the expected gap would be two errors.

    Parameters
    ----------
    sweep : Sweep
        Rows of one order; of several lengths if accumulation is to be told from a ratio.
    laws : tuple of Law

    Returns
    -------
    Comparison

    Raises
    ------
    InsufficientData
        Fewer than 8 prompts, a single α, or log-odds that are all alike.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), ch. 7.10. Formula F-128 in docs/formulas.md.
    """
    require_range(make_panel(sweep), "compare_laws")
    panel = law_panel(sweep)
    if panel.n_prompts < 8:
        raise InsufficientData(f"compare_laws: {panel.n_prompts} prompts, cross-validation by prompt needs 8")
    used, left_out = _usable(laws, panel)
    fits = tuple(fit_law(law, panel) for law in used)
    scores = np.stack([held_out(fit, panel) for fit in fits])
    sizes = np.array([fit.law.size(fit.design) for fit in fits])
    stand = standing(scores, sizes)
    names = tuple(fits[i].law.name for i in stand.simplest)
    return Comparison(
        named=names[0] if len(names) == 1 else "inconclusive",
        rivals=names,
        scores=stand.scores([fit.law.name for fit in fits]),
        n_needed=_n_needed(stand.gaps[stand.simplest]),
        n_prompts=panel.n_prompts,
        left_out=left_out,
        fits=fits,
        column=sweep.column,
    )


def law_panel(sweep: Sweep) -> Panel:
    """Panel on the scale of the fits: log-odds standardised, rows weighted by their independent draws.

    More settings of one length than laws can tell apart, as whole turns reach, are binned.
    """
    panel = standardised(make_panel(sweep, draws=independent_draws(sweep)))[0]
    few = fewer_settings(panel, bins=MANY_SETTINGS)
    if few is panel:
        return panel
    steepness = float(np.exp(fit_law(LOGISTIC, few).theta[3]))
    bins = bins_for(steepness, least=MANY_SETTINGS)
    return few if bins == MANY_SETTINGS else fewer_settings(panel, bins=bins)


def held_out(fit: LawFit, panel: Panel) -> Float[np.ndarray, " prompt"]:
    """Log-likelihood of every prompt under parameters fitted without its fold."""
    folds = np.arange(panel.n_prompts) % min(panel.n_prompts, MAX_FOLDS)
    without = (folds[None, :] != np.arange(folds.max() + 1)[:, None]).astype(np.float64)
    theta = refit(fit, without)
    return np.asarray(fit.likelihood(theta)[0][folds, np.arange(panel.n_prompts)])


def _usable(laws: tuple[Law, ...], panel: Panel) -> tuple[tuple[Law, ...], tuple[str, ...]]:
    """Drop accumulation where it is the line: log-odds of one length."""
    if panel.normal and not panel.several_lengths:
        reason = "accumulation: on log-odds at one length it is the line; measure several lengths"
        return tuple(law for law in laws if law is not ACCUMULATION), (reason,)
    return laws, ()


def _n_needed(gaps: Float[np.ndarray, "rival prompt"]) -> float:
    """Prompts at which all rivals but one are expected to fall behind the best law, with 80 % power.

    Each falls when its gap is two errors; the last but one to fall decides. ∞ where two rivals do not differ
    from the best at all.
    """
    if gaps.shape[0] < 2:
        return float("nan")
    mean, spread = gaps.mean(axis=1), gaps.std(axis=1, ddof=1)
    ratio = np.divide(spread, mean, out=np.full_like(mean, np.inf), where=mean > 0.0)
    return float(np.ceil((DECIDED * np.sort(ratio)[-2]) ** 2))
