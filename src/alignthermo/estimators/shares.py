"""A share of draws that come in groups: exact, bootstrapped or cautious, whichever the groups allow."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from alignthermo.estimators.bootstrap import cluster_proportion
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.resampling import Resampling
from alignthermo.estimators.summary import clopper_pearson
from alignthermo.quantities import Estimate

__all__ = ["clustered_share"]


def clustered_share(
    part: Float[np.ndarray, " cluster"], whole: Float[np.ndarray, " cluster"], *, resampling: Resampling
) -> Estimate:
    r"""Share of draws, grouped by prompt.

    .. math:: \pi = \sum_g k_g \Big/ \sum_g n_g

    The interval is Clopper and Pearson's where every prompt has one draw: those are independent. Otherwise it
    is the cluster bootstrap-t of `cluster_proportion`. Where that has none, because there are too few prompts
    or all of them agree, each *prompt* counts as one draw (the share rounded down for the lower end and up
    for the upper one): wider than need be, never narrower, and said so.

    Parameters
    ----------
    part, whole : arrays, shape (cluster,)
        Hits and draws of each prompt, 0 ≤ part ≤ whole; prompts without draws are left out.
    resampling : Resampling

    Returns
    -------
    Estimate
        ``n`` counts prompts. Unknown where there is no draw.

    References
    ----------
    Clopper & Pearson, Biometrika 26, 404 (1934); Efron & Tibshirani (1993), ch. 12.5. Formula F-186 in
    docs/formulas.md.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = clustered_share(np.full(12, 3.0), np.full(12, 3.0), resampling=Resampling(rng=rng))
    >>> round(found.low, 4) == round(0.025 ** (1 / 12), 4), found.high
    (True, 1.0)
    """
    used = whole > 0
    part, whole = part[used], whole[used]
    n = int(part.size)
    if n == 0:
        return Estimate.unknown("there is no draw", n=0, unit="1", method="share")
    share = float(part.sum() / whole.sum())
    if (whole == 1.0).all():
        return clopper_pearson(round(float(part.sum())), n, level=resampling.level)
    if n >= MIN_CLUSTERS and 0.0 < share < 1.0:
        found = cluster_proportion(
            part, whole, rng=resampling.rng, level=resampling.level, n_resamples=resampling.n_resamples
        )
        if not math.isnan(found.low):
            return found
    low = clopper_pearson(math.floor(share * n), n, level=resampling.level)
    high = clopper_pearson(math.ceil(share * n), n, level=resampling.level)
    note = f"each of {n} prompts counted as one draw"
    return replace(low, value=share, stderr=math.nan, high=high.high, caveats=(note,))
