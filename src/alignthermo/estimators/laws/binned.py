"""Many settings of α put into few: what laws are fitted on."""

from dataclasses import replace

import numpy as np

from alignthermo.estimators.laws.panel import Panel

__all__ = ["MANY_SETTINGS", "binned_panel", "bins_for", "fewer_settings"]

BIN = 0.2
"""Width of a bin in units of the logistic's own width 1/b: ln b moves by less than 0.01."""

MANY_SETTINGS = 129


def fewer_settings(panel: Panel, *, bins: int) -> Panel:
    """Bin shares of one length that have more settings than that; return any other panel as it is."""
    if panel.normal or panel.several_lengths or panel.alpha.size <= bins:
        return panel
    return binned_panel(panel, bins=bins)


def bins_for(steepness: float, *, least: int) -> int:
    """Bins that a logistic of slope b per range of α needs, and at least so many."""
    return max(least, 1 + int(np.ceil(steepness / BIN)))


def binned_panel(panel: Panel, *, bins: int) -> Panel:
    r"""Share the y of every setting between the two nearest of equidistant α, in proportion to nearness.

    A log-likelihood that depends on α alone is then interpolated on straight lines between the bins: with
    bins h apart and a logistic of slope b, ln b moves by about :math:`(hb)^2/6`, for the data and for every
    resample alike. Whole turns give each prompt α of its own, hundreds of settings in a sweep, and a
    likelihood costs as much as there are settings.

    Parameters
    ----------
    panel : Panel
        Shares, with at least two α.
    bins : int
        From the smallest α to the largest, at least 2; those that nothing falls into are left out.
    """
    alpha = panel.alpha
    grid = np.linspace(alpha[0], alpha[-1], bins)
    place = (alpha - alpha[0]) / (alpha[-1] - alpha[0]) * (bins - 1)
    left = np.clip(np.floor(place).astype(np.int64), 0, bins - 2)
    shares, rows = np.zeros((alpha.size, bins)), np.arange(alpha.size)
    shares[rows, left] = 1.0 - (place - left)
    shares[rows, left + 1] = place - left
    total, weight = panel.total @ shares, panel.weight @ shares
    used = weight.sum(axis=0) > 0.0
    length = float(panel.length.mean())
    return replace(
        panel,
        n_instr=(1.0 - grid[used]) * length,
        n_adv=grid[used] * length,
        total=total[:, used],
        weight=weight[:, used],
    )
