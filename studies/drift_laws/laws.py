"""Which law is named, by what an oracle that knows the parameters could tell."""

from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np

from alignthermo.estimators.drift import DriftComparison, compare_drift_laws
from alignthermo.estimators.drift.moments import timeline
from studies.drift_laws.worlds import SIZES, SYSTEMS, oracle_of, series_of
from studies.planted.ledger import Row, RowMaker, Settings, at_least, repeated

TITLE = "Law named"
TEXT = """In per cent of the sets whose oracle gap is above, or below, 3 paired errors. The oracle gap of a
set is the smallest mean log-likelihood gain of the planted law over the laws that could be named instead
(smaller or equally large ones that do not contain it), all with parameters from 1,000 other conversations, in
paired errors of that set. n is the median number of conversations asked for. Asked of the sets above: 90 %
right. Of those below: the planted law, or another with the n that would decide, in 95 %. Of fewer than 20
sets nothing is asked."""

INSTEAD = {
    "linear": ("none",),
    "saturating": ("none", "linear", "power", "step"),
    "step": ("none", "linear", "saturating", "power"),
}
OUTCOMES = ("right", "inconclusive with n", "smaller, n given", "smaller", "planted law excluded")
ENOUGH = 20


class Named(NamedTuple):
    gap: float
    outcome: str
    n_needed: float


def one_set(label: str, n: int, seed: int, rng: np.random.Generator) -> Named:
    """Oracle gap of one set, and what is named."""
    law = SYSTEMS[label].law
    series = series_of(SYSTEMS[label], n, rng)
    found = compare_drift_laws(series)
    line = timeline(series.panel("turns"))
    scores = {name: fit.log_likelihood(line) for name, fit in oracle_of(label, seed).items()}
    gains = np.array([scores[law] - scores[rival] for rival in INSTEAD[law]])
    gaps = gains.mean(axis=1) / (gains.std(axis=1, ddof=1) / np.sqrt(n))
    return Named(float(gaps.min()), outcome_of(found, law), found.n_needed)


def outcome_of(found: DriftComparison, law: str) -> str:
    if found.named == law:
        return "right"
    if not next(s for s in found.scores if s.name == law).remains:
        return "planted law excluded"
    if found.named == "inconclusive":
        return "inconclusive with n"
    return "smaller, n given" if np.isfinite(found.n_needed) else "smaller"


def law_row(label: str, n: int, settings: Settings) -> Row:
    name = f"{label}, {n}"
    out = repeated(partial(one_set, label, n, settings.seed), settings, row=name)
    above, below = ([one for one in out if (one.gap > 3.0) is side] for side in (True, False))
    claims = []
    if len(above) >= ENOUGH:
        right = [one.outcome == "right" for one in above]
        claims.append(
            at_least(f"{name}, oracle gap above 3 errors: named right in at least 90 %", right, 0.9)
        )
    if len(below) >= ENOUGH:
        honest = [one.outcome in OUTCOMES[:3] for one in below]
        claims.append(
            at_least(f"{name}, gap below: right, or left open with n, in at least 95 %", honest, 0.95)
        )
    cells = {"planted": label, "conversations": str(n)}
    return Row(cells=cells | _cells("> 3", above) | _cells("< 3", below), claims=claims)


def _cells(side: str, out: list[Named]) -> dict[str, str]:
    counts = Counter(one.outcome for one in out)
    needed = [one.n_needed for one in out if np.isfinite(one.n_needed)]
    shares = ", ".join(f"{100 * counts[k] / len(out):.1f} {k}" for k in OUTCOMES if counts[k])
    return {
        f"gap {side}: sets": str(len(out)),
        f"gap {side}: named": shares,
        f"gap {side}: n": f"{np.median(needed):.0f}" if needed else "",
    }


def rows() -> dict[str, RowMaker]:
    labels = [label for label, system in SYSTEMS.items() if system.law != "none"]
    return {f"{label}, {n}": partial(law_row, label, n) for label in labels for n in SIZES}
