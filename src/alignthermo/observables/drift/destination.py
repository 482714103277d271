"""Where a model went that no longer does what it was told: to the base, or to an adversary's wish."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from alignthermo.observables.drift.probe_drift import ProbeDrift

__all__ = ["Destination", "destination"]


@dataclass(frozen=True, kw_only=True)
class Destination:
    r"""Distances of a failed model, in nat per answer, all from q(·|I, h_t, probe).

    .. math:: \mathrm{lean} = \mathrm{KL}(q \| q_{wish}) - \mathrm{KL}(q \| p)

    Formula F-236 in docs/formulas.md.

    Attributes
    ----------
    distances : mapping
        ``start`` (what it did at the beginning), ``base`` (the base in the same context) and ``wish`` (what
        it does when told the adversary's wish) to KL; NaN where it was not measured.
    nearest : str
        The name of the smallest finite distance; empty where the model has not failed or nothing is known.
    lean : float
        Positive: nearer to the base than to the wish. NaN unless both are known and the model has failed.
    reason : str
        Why there is no answer, where there is none.
    """

    distances: Mapping[str, float]
    nearest: str = ""
    lean: float = math.nan
    reason: str = ""


def destination(found: ProbeDrift, *, failed: bool | None = None) -> Destination:
    """Say where a failed model went.

    Parameters
    ----------
    found : ProbeDrift
        With `relaxation` and `to_wish`, as far as they are known.
    failed : bool, optional
        Whether the instruction is broken here, by a judge; otherwise where the log-odds of the references are
        negative.
    """
    distances = {"start": found.drift.mean, "base": found.relaxation.mean, "wish": found.to_wish.mean}
    if failed is None:
        log_odds = found.compliance["here"].log_odds if "here" in found.compliance else math.nan
        if math.isnan(log_odds):
            return Destination(distances=distances, reason="no reference answers and no judgement")
        failed = log_odds < 0.0
    if not failed:
        return Destination(distances=distances, reason="the instruction is kept here")
    known = {name: value for name, value in distances.items() if not math.isnan(value)}
    return Destination(
        distances=distances,
        nearest=min(known, key=lambda name: known[name]) if known else "",
        lean=distances["wish"] - distances["base"],
        reason="" if {"base", "wish"} <= known.keys() else "not every distance was measured",
    )
