"""Which answers are wanted in which context, and one sweep that reads them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from jaxtyping import Float

from alignthermo.observables.drift.rows import rows_of
from alignthermo.observables.forest import ForestSettings, Question, TokenCounts, read_forest
from alignthermo.quantities import LanguageModel, Readout

__all__ = ["Counted", "Readings", "Wishes", "uncounted"]

Ids = tuple[int, ...]

Counted = Callable[[TokenCounts], None]
"""Is told what each sweep cost."""


def uncounted(_: TokenCounts) -> None:
    """Keep no count."""


class Wishes:
    """Contexts with the answers wanted in each; a context wanted twice is read once."""

    def __init__(self) -> None:
        self._unfolded: dict[Ids, dict[Ids, None]] = {}
        self._scored: dict[Ids, dict[Ids, None]] = {}

    def want(self, context: Ids, answers: Sequence[Ids]) -> None:
        """Ask for the distributions before every token of some answers."""
        self._unfolded.setdefault(context, {}).update(dict.fromkeys(answers))
        self._scored.setdefault(context, {})

    def score(self, context: Ids, answers: Sequence[Ids]) -> None:
        """Ask for the log-probabilities of some answers."""
        self._scored.setdefault(context, {}).update(dict.fromkeys(answers))
        self._unfolded.setdefault(context, {})

    def read(
        self,
        model: LanguageModel,
        *,
        settings: ForestSettings | None = None,
        counted: Counted = uncounted,
    ) -> "Readings":
        """Read everything in one sweep; `counted` is told what it cost.

        Raises
        ------
        InputError, ContextTooLong, NonFiniteLogits
            As `alignthermo.observables.forest.read_forest`.
        """
        contexts = list(self._unfolded)
        questions = [
            Question(
                key=str(number),
                context=context,
                candidates=(*self._unfolded[context], *self._scored[context]),
                unfolded=len(self._unfolded[context]),
                unscored=len(self._unfolded[context]),
            )
            for number, context in enumerate(contexts)
        ]
        run = read_forest(model, questions, settings=settings)
        found: dict[Ids, _Found] = {}
        for answer in run:
            question = questions[answer.index]
            found[question.context] = _found(question, answer.rows, answer.log_probs)
        counted(run.counts)
        return Readings(found)


class Readings:
    """What was read; made by `Wishes.read`."""

    def __init__(self, found: dict[Ids, "_Found"]) -> None:
        self._found = found

    def rows(self, context: Ids, answer: Ids) -> Readout:
        """Return the distributions before every token of an answer."""
        one = self._found[context]
        start, stop = one.places[answer]
        assert one.rows is not None
        return rows_of(one.rows, start, stop)

    def log_probs(self, context: Ids, answers: Sequence[Ids]) -> Float[np.ndarray, " answer"]:
        """Return ln q(answer | context) of each, in nat."""
        return np.array([self._found[context].log_probs[answer] for answer in answers], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class _Found:
    rows: Readout | None
    places: dict[Ids, tuple[int, int]]
    log_probs: dict[Ids, float]


def _found(question: Question, rows: Readout | None, log_probs: Float[np.ndarray, " candidate"]) -> _Found:
    unfolded = question.candidates[: question.unfolded]
    ends = list(accumulate(map(len, unfolded), initial=0))
    return _Found(
        rows=rows,
        places={a: (ends[n], ends[n + 1]) for n, a in enumerate(unfolded)},
        log_probs=dict(zip(question.candidates, log_probs.tolist(), strict=True)),
    )
