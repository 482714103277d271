"""α_c of judged replies, corrected for what the judge gets wrong, with the error of its calibration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from alignthermo.estimators import clopper_pearson
from alignthermo.estimators.laws import Middle, Sweep
from alignthermo.experiments.transition_corrected import drifting
from alignthermo.judges import Calibration, SideRates, side_rates

__all__ = ["CorrectedSweep", "agreed_beyond", "corrected_sweep"]

SEVERAL = "errors of several maps added up linearly"


@dataclass(frozen=True, kw_only=True)
class CorrectedSweep:
    """Judged counts on a scale on which one share means P(kept) = 1/2 for every prompt.

    Attributes
    ----------
    sweep : Sweep
    middle : Middle
        That share, with the calibration's error.
    caveats : tuple of str
    one_map : bool
        Whether one map from requests to the instruction holds for all prompts; the counts are then as judged.
    """

    sweep: Sweep
    middle: Middle
    caveats: tuple[str, ...]
    one_map: bool


def corrected_sweep(sweep: Sweep, kept_by: Sequence[str], calibration: Calibration) -> CorrectedSweep:
    r"""Find the judged share at which half of the replies kept the instruction.

    .. math:: r(\alpha_c) = \frac{s + f}{2}, \qquad
              \mathrm{Var} = \frac{\mathrm{Var}\,\hat s + \mathrm{Var}\,\hat f}{4}

    A judge that calls a share s of what was kept and f of what was not kept *kept* shows
    r = f + (s − f) P(kept): α_c is where r crosses (s + f)/2, not 1/2. With several maps K_m each row is
    brought to one scale, z = a + b (r − f_m)/(s_m − f_m) in [0, 1] with one a and b, the middle is a + b/2,
    and its error at most

    .. math:: b \sum_m w_m \frac{\sqrt{\max(\mathrm{Var}\,\hat s_m, \mathrm{Var}\,\hat f_m)}}{s_m - f_m}

    added up linearly, since all lean on one calibration. With one map, z is r.

    Parameters
    ----------
    sweep : Sweep
        Replies judged kept among all, abstentions among those not kept.
    kept_by : sequence of str
        Of each row, the outcomes that keep its instruction, joined by commas.
    calibration : Calibration
        Of the judge that judged the rows.

    Raises
    ------
    InsufficientData
        See `side_rates`.

    References
    ----------
    Rogan & Gladen, Am. J. Epidemiol. 107, 71 (1978). Formulas F-241 and F-242 in docs/formulas.md.
    """
    names = np.asarray(kept_by, dtype=str)
    rates = {
        name: side_rates(calibration.confusion, tuple(name.split(",")) if name else ())
        for name in np.unique(names).tolist()
    }
    caveats = dict.fromkeys([*drifting(calibration), *(a for one in rates.values() for a in one.assumptions)])
    if len(rates) == 1:
        (one,) = rates.values()
        error = math.sqrt(one.hit_variance + one.false_hit_variance) / 2.0
        middle = Middle(value=(one.hit + one.false_hit) / 2.0, stderr=error)
        return CorrectedSweep(sweep=sweep, middle=middle, caveats=tuple(caveats), one_map=True)
    return _several(sweep, names, rates, caveats=(*caveats, SEVERAL))


def _several(
    sweep: Sweep, names: np.ndarray, rates: dict[str, SideRates], *, caveats: tuple[str, ...]
) -> CorrectedSweep:
    trials = sweep.y if sweep.trials is None else sweep.trials
    lowest = min(-one.false_hit / one.apart for one in rates.values())
    highest = max((1.0 - one.false_hit) / one.apart for one in rates.values())
    b = 1.0 / (highest - lowest)
    share, error = sweep.y / trials, 0.0
    for name, one in rates.items():
        rows = names == name
        share[rows] = b * ((share[rows] - one.false_hit) / one.apart - lowest)
        weight = float(trials[rows].sum() / trials.sum())
        error += b * weight * math.sqrt(max(one.hit_variance, one.false_hit_variance)) / one.apart
    scaled = replace(sweep, y=np.clip(share, 0.0, 1.0) * trials)
    middle = Middle(value=b * (0.5 - lowest), stderr=error)
    return CorrectedSweep(sweep=scaled, middle=middle, caveats=caveats, one_map=False)


def agreed_beyond(corrected: CorrectedSweep, *, level: float) -> str:
    """Say whether every reply was judged ``kept`` or ``broken`` by so many prompts that P(kept) is too.

    Each prompt counts as one draw; its bound must lie beyond the middle by the middle's own error. Empty
    where replies differ, prompts are too few, or several maps are mixed.
    """
    sweep = corrected.sweep
    trials = sweep.y if sweep.trials is None else sweep.trials
    least = clopper_pearson(sweep.n_clusters, sweep.n_clusters, level=level).low
    room = float(stats.norm.ppf(0.5 + 0.5 * level)) * corrected.middle.stderr
    if not corrected.one_map:
        return ""
    if (sweep.y == trials).all() and least > corrected.middle.value + room:
        return "kept"
    return "broken" if not sweep.y.any() and 1.0 - least < corrected.middle.value - room else ""
