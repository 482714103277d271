"""How many independent draws a row of a sweep is worth: contexts of one prompt and α differ by themselves."""

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.laws.binned import MANY_SETTINGS, fewer_settings
from alignthermo.estimators.laws.law_fit import fit_law
from alignthermo.estimators.laws.panel import cells_of, make_panel
from alignthermo.estimators.laws.shapes import LOGISTIC
from alignthermo.estimators.laws.share_likelihood import ShareLikelihood, share_likelihood
from alignthermo.estimators.laws.sweep import Sweep

__all__ = ["MAX_PRECISION", "independent_draws", "probability_precision", "reply_correlation"]

MAX_PRECISION = 64.0
ROUNDS = 3


def independent_draws(sweep: Sweep) -> Float[np.ndarray, " row"]:
    r"""Draws that every row counts for in a quasi-binomial likelihood.

    .. math:: n_{eff} = \frac{n}{1 + (n - 1)\rho} \ \text{(n replies)}, \qquad \nu \ \text{(a probability)},
              \qquad 1 \ \text{(log-odds)}

    One ρ or ν serves every rival, so that they differ in their curves alone. Formulas F-129, F-246 in
    docs/formulas.md.

    Raises
    ------
    InputError
        Rows of several orders.
    """
    if sweep.kind == "probability":
        return np.full(sweep.y.size, probability_precision(sweep))
    if sweep.trials is None:
        return np.ones(sweep.y.size)
    return np.asarray(sweep.trials / (1.0 + (sweep.trials - 1.0) * reply_correlation(sweep)))


def probability_precision(sweep: Sweep) -> float:
    r"""Effective number of trials ν of one probability, :math:`\mathrm{Var}(y) = m(1-m)/\nu`.

    .. math:: 1/\nu = \frac{1}{n - G - 4} \sum_i \frac{(y_i - \hat m_i)^2}{\hat m_i (1 - \hat m_i)}

    with m̂ the richest law (logistic with its random threshold) given each prompt's own rows. A probability
    has no sampling noise, but contexts of one prompt and α differ (order, wording); a quasi-binomial
    likelihood with ν trials has just that scatter, stays inside [0, 1] and needs no cut for probabilities of
    0 or 1, as a beta density would. At least 1 and at most 64.

    Raises
    ------
    InputError
        Rows of several orders.

    References
    ----------
    McCullagh & Nelder, Generalized Linear Models (1989), ch. 9. Formula F-129 in docs/formulas.md.
    """
    nu = 1.0
    for _ in range(ROUNDS):
        mean = _conditional_mean(sweep, np.full(sweep.y.size, nu))
        squared = float(((sweep.y - mean) ** 2 / (mean * (1.0 - mean))).sum())
        nu = float(np.clip(_freedom(sweep) / max(squared, 1e-12), 1.0, MAX_PRECISION))
    return nu


def reply_correlation(sweep: Sweep) -> float:
    r"""Correlation ρ of two replies in one context beyond what the prompt and α explain, in [0, 1].

    .. math:: \hat\rho = \frac{\frac{R}{R - G - 4} \sum_i n_i (y_i/n_i - \hat m_i)^2
              - \sum_i \hat m_i (1 - \hat m_i)}{\sum_i (n_i - 1)\, \hat m_i (1 - \hat m_i)}

    over R rows of n replies, y of them kept, and G prompts, with m̂ as in `probability_precision`. Which
    examples a context holds moves all of its replies together; replies taken as independent let a law with a
    threshold per prompt chase such clumps, and shuffled contexts show a *response*. 0 with one reply in every
    context, where it cannot be seen and does no harm.

    Raises
    ------
    InputError
        Rows of several orders.

    References
    ----------
    Williams, Appl. Stat. 31, 144 (1982). Formula F-246 in docs/formulas.md.
    """
    assert sweep.trials is not None
    n = sweep.trials
    if n.max() <= 1.0:
        return 0.0
    rho = 1.0
    for _ in range(ROUNDS):
        mean = _conditional_mean(sweep, n / (1.0 + (n - 1.0) * rho))
        variance = mean * (1.0 - mean)
        squared = n.size / _freedom(sweep) * float((n * (sweep.y / n - mean) ** 2).sum())
        rho = float(np.clip((squared - variance.sum()) / ((n - 1.0) @ variance), 0.0, 1.0))
    return rho


def _conditional_mean(sweep: Sweep, draws: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """Mean of every row by the richest law, given all rows of its prompt."""
    panel, cells = make_panel(sweep, draws=draws), cells_of(sweep)
    fit = fit_law(LOGISTIC, fewer_settings(panel, bins=MANY_SETTINGS))
    assert isinstance(fit.likelihood, ShareLikelihood)
    exact = share_likelihood(LOGISTIC, panel, nodes=fit.likelihood.nodes)
    return np.asarray(exact.conditional_mean(fit.theta[None])[cells.prompt, cells.setting])


def _freedom(sweep: Sweep) -> float:
    """Rows less what the fit took: a threshold per prompt, four parameters."""
    return max(float(sweep.y.size) - sweep.n_clusters - 4.0, 1.0)
