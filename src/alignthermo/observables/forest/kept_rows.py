"""Whole distributions that questions asked for, kept as hidden states where the model has a head."""

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from alignthermo.observables.forest.demand import Demand
from alignthermo.quantities import HeadReadout, LogitReadout, OutputHead, Readout

__all__ = ["KeptRows", "spread"]


def spread(
    sorted_places: Int[np.ndarray, " wanted"], places: Int[np.ndarray, " row"]
) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
    """Pair every row that was read with every wish for its place: indices of rows, and of wishes.

    Examples
    --------
    >>> rows, wishes = spread(np.array([3, 5, 5]), np.array([5, 7]))
    >>> rows.tolist(), wishes.tolist()
    ([0, 0], [1, 2])
    """
    low, high = (np.searchsorted(sorted_places, places, side=side) for side in ("left", "right"))
    counts = high - low
    rows = np.repeat(np.arange(len(places)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, np.repeat(low, counts) + within


class KeptRows:
    """Rows by question, each question's in the order it asked for.

    Parameters
    ----------
    demand : Demand
    """

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._held: dict[int, Tensor] = {}
        self._head: OutputHead | None = None

    def take(self, places: Int[np.ndarray, " row"], readout: Readout) -> Int[np.ndarray, " fulfilled"]:
        """Keep what is wanted of a readout; return the question of every row kept."""
        rows, wanted = spread(self._demand.row_place, places)
        questions: Int[np.ndarray, " fulfilled"] = self._demand.row_question[wanted]
        if isinstance(readout, HeadReadout):
            features, self._head = readout.hidden, readout.head
        else:
            features = readout.logits
        for question in np.unique(questions).tolist():
            own = questions == question
            if question not in self._held:
                shape = (int(self._demand.n_rows[question]), features.shape[1])
                self._held[question] = torch.empty(shape, dtype=features.dtype, device=features.device)
            slots = torch.from_numpy(self._demand.row_slot[wanted[own]]).to(features.device)
            self._held[question][slots] = features[torch.from_numpy(rows[own]).to(features.device)]
        return questions

    def pop(self, question: int) -> Readout | None:
        """Hand out the rows of a question that has them all; None where it wanted none."""
        held = self._held.pop(question, None)
        if held is None:
            return None
        if self._head is None:
            return LogitReadout(logits=held)
        return HeadReadout(hidden=held, head=self._head)
