"""Stretches of tokens in which courses are averaged: the same ones for every arm of a run."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from alignthermo.experiments.drift.arms import CONTROLS
from alignthermo.experiments.drift.cuts import DriftCut
from alignthermo.experiments.drift.series import Points

__all__ = ["BEGINNING", "Stretches", "stretches_of"]

BEGINNING = "0"
"""Name of the stretch in which nothing has been said yet."""

MOST = 7
"""Stretches after the beginning."""


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Stretches after the beginning, which is one of its own.

    Attributes
    ----------
    edges : array, shape (stretch,)
        Last tokens of each, ascending.
    tokens : array, shape (stretch,)
        Mean tokens of the points of all arms in it: where the stretch is drawn, in every arm.
    """

    edges: Float[np.ndarray, " stretch"]
    tokens: Float[np.ndarray, " stretch"]

    @property
    def names(self) -> tuple[str, ...]:
        """Tokens of each stretch as text; different ones, because tokens are whole."""
        return tuple(f"{tokens:.0f}" for tokens in self.tokens)

    def of(self, points: Points) -> Iterator[tuple[str, Bool[np.ndarray, " point"]]]:
        """Yield the name and the points of each stretch that holds a measured value."""
        known = np.isfinite(points.value)
        place = np.minimum(np.searchsorted(self.edges, points.tokens), self.edges.size - 1)
        later = points.point > 0
        stretches = [(BEGINNING, known & ~later)]
        stretches += [(name, known & later & (place == i)) for i, name in enumerate(self.names)]
        yield from ((name, inside) for name, inside in stretches if inside.any())


def stretches_of(run: DriftCut) -> Stretches:
    """Cut the tokens of a run into up to 7 stretches of equally many points of all its treatments.

    There are no more of them than a usual conversation has points, so that most conversations are in each.
    """
    probed = run.of(kind="probe")
    rows = probed if probed.rows.num_rows else run
    arms = rows.texts("arm")
    at = np.stack([rows.integers(name) for name in ("number", "point", "tokens")])
    later = (at[1] > 0) & ~np.isin(arms, list(CONTROLS))
    if not later.any():
        return Stretches(edges=np.empty(0), tokens=np.empty(0))
    _, arm = np.unique(arms[later], return_inverse=True)
    points = np.unique(np.stack([arm, *at[:, later]]), axis=1)
    each = np.unique(points[0] * (points[1].max() + 1) + points[1], return_counts=True)[1]
    count = int(np.clip(np.median(each), 1, MOST))
    tokens = points[3].astype(np.float64)
    edges = np.unique(np.quantile(tokens, np.linspace(0.0, 1.0, count + 1)[1:], method="higher"))
    place = np.searchsorted(edges, tokens)
    total = np.bincount(place, weights=tokens, minlength=edges.size)
    return Stretches(edges=edges, tokens=np.asarray(total / np.bincount(place, minlength=edges.size)))
