"""Puts what was read together again, question by question."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from alignthermo.observables.forest.demand import Demand
from alignthermo.observables.forest.kept_rows import KeptRows, spread
from alignthermo.observables.forest.log_probs import readout_row, token_log_probs
from alignthermo.observables.forest.questions import Answer, Question
from alignthermo.quantities import Completion, Readout

__all__ = ["Collector"]


class Collector:
    """Answers in the making.

    Parameters
    ----------
    questions : sequence of Question
    demand : Demand
    readouts, samples : bool
        Whether each answer waits for the distribution after its context, and for its continuations.
    """

    def __init__(
        self, questions: Sequence[Question], demand: Demand, *, readouts: bool, samples: bool
    ) -> None:
        self._questions, self._demand = questions, demand
        self._found = np.full(demand.starts[-1][-1] if demand.starts else 0, np.nan)
        waits = np.bincount(demand.question, minlength=len(questions))
        self._waits_for = waits + int(readouts) + int(samples) + demand.n_rows
        self._rows = KeptRows(demand)
        self._readouts: dict[int, Readout] = {}
        self._completions: dict[int, tuple[Completion, ...]] = {}
        self._asking: dict[int, list[int]] = {}  # questions that want the readout at a place
        if readouts:
            for question, place in enumerate(demand.context_place.tolist()):
                self._asking.setdefault(place, []).append(question)
        self._ready = np.flatnonzero(self._waits_for == 0).tolist()

    def take(self, places: Int[np.ndarray, " row"], readout: Readout) -> None:
        """Take in what the model predicts after some tokens of the tree.

        Raises
        ------
        NonFiniteLogits
            NaN or +inf among the logits.
        """
        rows, wanted = spread(self._demand.place, places)
        tokens = self._demand.token[wanted]
        self._found[self._demand.slot[wanted]] = token_log_probs(readout, rows=rows, tokens=tokens)
        self._fulfil(self._demand.question[wanted])
        self._fulfil(self._rows.take(places, readout))
        for row, place in enumerate(places.tolist()):
            for question in self._asking.pop(place, ()):
                self._readouts[question] = readout_row(readout, row)
                self._fulfil(np.array([question]))

    def complete(self, question: int, completions: tuple[Completion, ...]) -> None:
        """Take in the continuations of one context."""
        self._completions[question] = completions
        self._fulfil(np.array([question]))

    def answers(self) -> Iterator[Answer]:
        """Hand out the answers that have become complete."""
        ready, self._ready = sorted(self._ready), []
        for question in ready:
            starts = self._demand.starts[question]
            sums = [self._found[a:b].sum() for a, b in pairwise(starts)]
            yield Answer(
                key=self._questions[question].key,
                index=question,
                log_probs=np.array(sums, dtype=np.float64),
                readout=self._readouts.pop(question, None),
                completions=self._completions.pop(question, ()),
                rows=self._rows.pop(question),
            )

    def _fulfil(self, questions: Int[np.ndarray, " fulfilled"]) -> None:
        np.subtract.at(self._waits_for, questions, 1)
        touched = np.unique(questions)
        self._ready += touched[self._waits_for[touched] == 0].tolist()
