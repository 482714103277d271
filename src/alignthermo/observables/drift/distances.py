"""All distances of a measurement: pairs of rows, queued case by case and computed together."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from alignthermo.observables.drift.answers import Answers
from alignthermo.observables.drift.base_reading import SpelledCase
from alignthermo.observables.drift.base_side import BaseSide
from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.drift.probe_drift import AnswerKL
from alignthermo.observables.drift.readings import Readings
from alignthermo.observables.drift.row_table import ComparedRows, compare_rows
from alignthermo.quantities import Readout

__all__ = ["Distances", "Places", "queue_case"]

Ids = tuple[int, ...]
Places = dict[str, slice]
"""Where the distances of one case stand in the queue, by name."""


class Distances:
    """All pairs of rows of a measurement, computed together."""

    def __init__(self, readings: Readings, base_readings: Readings | None, base: BaseSide | None) -> None:
        self.readings, self.base_readings, self._base = readings, base_readings, base
        self._pairs: dict[bool, list[tuple[Readout, Readout]]] = {False: [], True: []}
        self._found: dict[bool, list[ComparedRows]] = {}

    def add(self, pairs: Sequence[tuple[Readout, Readout]], *, to_base: bool = False) -> slice:
        """Put pairs in the queue and return where they stand in it."""
        queue = self._pairs[to_base]
        queue.extend(pairs)
        return slice(len(queue) - len(pairs), len(queue))

    def compute(self) -> None:
        """Compute every KL that was asked for."""
        vocabulary = None if self._base is None else self._base.vocabulary
        self._found = {
            to_base: compare_rows(pairs, vocabulary=vocabulary if to_base else None)
            for to_base, pairs in self._pairs.items()
        }

    def take(self, part: Places) -> dict[str, AnswerKL]:
        """Hand out the distances of one case by name."""
        return {
            name: AnswerKL(per_token=tuple(one.kl for one in self._found[name == "relaxation"][where]))
            for name, where in part.items()
        }

    def entropies(self, part: Places) -> tuple[Float[np.ndarray, " _"], ...]:
        """Hand out the entropies before every token of every answer of one case."""
        return tuple(one.entropy for one in self._found[False][part["drift"]])


def queue_case(
    case: ProbeCase, answers: Answers, spelled: SpelledCase | None, distances: Distances
) -> Places:
    """Queue every distance that a case has contexts for."""
    read = distances.readings

    def between(first: Ids, second: Ids, given: Sequence[Ids]) -> slice:
        return distances.add([(read.rows(first, answer), read.rows(second, answer)) for answer in given])

    part = {"drift": between(case.here, case.start, answers.here)}
    if case.neutral_instruction is not None:
        part["influence"] = between(case.here, case.neutral_instruction, answers.here)
    if case.wish is not None:
        part["to_wish"] = between(case.here, case.wish, answers.here)
    if case.neutral_history is not None:
        part["control"] = between(case.neutral_history, case.start, answers.control)
    if spelled is not None and distances.base_readings is not None:
        p = distances.base_readings
        pairs = [
            (read.rows(case.here, mine), p.rows(spelled.here, theirs))
            for mine, theirs in zip(answers.here, spelled.answers, strict=True)
        ]
        part["relaxation"] = distances.add(pairs, to_base=True)
    return part
