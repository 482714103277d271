"""How sharply one prompt breaks, how sharply the population does, and why they differ."""

from dataclasses import dataclass, replace

import numpy as np

from alignthermo.estimators.clusters import with_caveat
from alignthermo.estimators.intervals import check_resampling
from alignthermo.estimators.laws.binned import bins_for, fewer_settings
from alignthermo.estimators.laws.comparison import law_panel
from alignthermo.estimators.laws.functionals import (
    NAMES,
    clustered_errors,
    functional_replicates,
    log_sharpness,
)
from alignthermo.estimators.laws.law_fit import LawFit, fit_law
from alignthermo.estimators.laws.panel import Panel, make_panel, require_range, standardised
from alignthermo.estimators.laws.population import multiplicities
from alignthermo.estimators.laws.shapes import LOGISTIC
from alignthermo.estimators.laws.share_likelihood import ShareLikelihood, share_likelihood
from alignthermo.estimators.laws.student import refitted_estimate
from alignthermo.estimators.laws.sweep import Sweep
from alignthermo.estimators.resampling import Resampling
from alignthermo.quantities import Estimate

__all__ = ["Sharpness", "sharpness"]

METHOD = "logistic with a random threshold per prompt, refitted bootstrap-t on the log scale"
FEWEST_BINS = 33
"""Of the panel that resamples are refitted on; steeper curves take more."""


@dataclass(frozen=True, kw_only=True)
class Sharpness:
    """Slopes and widths of one sweep.

    Attributes
    ----------
    within, marginal : Estimate
        max |dm/dα| of one prompt at fixed order, and of the population.
    quenched : Estimate
        Spread of thresholds across prompts (sd, in α).
    thermal : Estimate
        Width of one prompt's curve (sd of its logistic, in α).
    column : str
    """

    within: Estimate
    marginal: Estimate
    quenched: Estimate
    thermal: Estimate
    column: str


def sharpness(sweep: Sweep, *, resampling: Resampling) -> Sharpness:
    """Measure both slopes and both widths of a sweep of one order and length.

    Heterogeneous thresholds flatten the population's curve; γ and every comparison of models use the slope
    within prompt. Formula F-130 (`log_sharpness`).

    Parameters
    ----------
    sweep : Sweep
    resampling : Resampling

    Returns
    -------
    Sharpness
        Fewer than 8 prompts: values without intervals, reason *too few prompts*.

    Raises
    ------
    InputError
        Several orders, or a resampling that makes no interval.
    InsufficientData
        A single α, or log-odds that are all alike.
    """
    check_resampling(resampling)
    require_range(make_panel(sweep), "sharpness")
    panel = law_panel(sweep)
    scale = standardised(make_panel(sweep))[2]
    fit = fit_law(LOGISTIC, panel)
    functional = log_sharpness(fit, span=float(np.ptp(panel.alpha)), scale=scale)
    ones = np.ones((1, panel.n_prompts))
    value, influence = functional_replicates(fit, ones, functional)
    error = clustered_errors(ones, influence)
    drawn = np.concatenate([ones, multiplicities(panel.n_prompts, resampling)])
    values, influences = functional_replicates(_coarse(fit, panel), drawn, functional)
    errors = clustered_errors(drawn, influences)[1:]
    values = values[1:] - (values[0] - value[0])  # what the bins move, they move in the data as well
    unit = ("nat per α" if panel.normal else "per α",) * 2 + ("1", "1")
    found = {
        name: refitted_estimate(
            (float(value[0, k]), float(error[0, k])),
            (values[:, k], errors[:, k]),
            labels=(unit[k], METHOD),
            n=panel.n_prompts,
            level=resampling.level,
            log=True,
        )
        for k, name in enumerate(NAMES)
    }
    if found["quenched"].value < 0.25 * found["thermal"].value:
        note = "below a quarter of the thermal width: not to be told from 0"
        found["quenched"] = with_caveat(found["quenched"], note)
    return Sharpness(**found, column=sweep.column)


def _coarse(fit: LawFit, panel: Panel) -> LawFit:
    """Return the fit on fewer settings, where there are more than its slope can tell apart."""
    few = fewer_settings(panel, bins=bins_for(float(np.exp(fit.theta[3])), least=FEWEST_BINS))
    if few is panel or not isinstance(fit.likelihood, ShareLikelihood):
        return fit
    coarse = share_likelihood(fit.law, few, nodes=fit.likelihood.nodes)
    return replace(fit, likelihood=coarse, design=coarse.design)
