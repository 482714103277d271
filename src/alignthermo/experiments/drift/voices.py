"""What a model says next in many conversations at once, each with random numbers of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alignthermo.models.decoding import Stopping
from alignthermo.observables.forest import ForestSettings, Question, Sampling, read_forest
from alignthermo.quantities import Completion, LanguageModel

__all__ = ["Said", "Voice", "Waiting"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A context that waits for the model to speak.

    Attributes
    ----------
    key : str
        Selects the random numbers. Contexts of one key, those of several arms, use equal ones.
    ids : tuple of int
    budget : int
        Tokens it may say.
    """

    key: str
    ids: Ids
    budget: int


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said.

    Attributes
    ----------
    text : str
        Without stop tokens and blanks around it; a control token in it is spelt out, and text from then on.
    cut : bool
        It ran into its budget.
    forwarded : int
        Tokens read for it, its share of a sweep over many.
    """

    text: str
    cut: bool
    forwarded: int


class Voice:
    """A model that speaks.

    Parameters
    ----------
    model : LanguageModel
    seed : int
    temperature : float
    forest : ForestSettings
    """

    def __init__(
        self, model: LanguageModel, *, seed: int, temperature: float, forest: ForestSettings
    ) -> None:
        self._model, self._seed, self._temperature, self._forest = model, seed, temperature, forest
        self._stop_ids = model.stop_ids if isinstance(model, Stopping) else frozenset[int]()

    def speak(self, waiting: Sequence[Waiting]) -> list[Said]:
        """Say something in every context.

        One sweep reads contexts of different keys, so that what they share is read once; contexts of one key
        take turns, unless they are equal: these hear the same words.
        """
        said: list[Said | None] = [None] * len(waiting)
        for wave in _waves(waiting):
            asked = [places[0] for places in wave]
            completions, forwarded = self._sweep([waiting[place] for place in asked])
            n = sum(map(len, wave))
            shares = iter([forwarded // n + (rank < forwarded % n) for rank in range(n)])
            for places, completion in zip(wave, completions, strict=True):
                for place in places:
                    said[place] = self._heard(completion, waiting[place].budget, next(shares))
        return [one for one in said if one is not None]

    def _sweep(self, waiting: Sequence[Waiting]) -> tuple[list[Completion], int]:
        questions = [Question(key=one.key, context=one.ids) for one in waiting]
        sampling = Sampling(
            n=1,
            seed=self._seed,
            max_new_tokens=max(one.budget for one in waiting),
            temperature=self._temperature,
        )
        run = read_forest(self._model, questions, settings=self._forest, sampling=sampling)
        found = {answer.index: answer.completions[0] for answer in run}
        return [found[number] for number in range(len(questions))], run.counts.forwarded

    def _heard(self, completion: Completion, budget: int, forwarded: int) -> Said:
        # the sweep has one budget, and what goes beyond one's own was not said
        ids = completion.ids[:budget]
        spoken = [token for token in ids if token not in self._stop_ids]
        text = self._model.tokenizer.decode(spoken).strip()
        cut = completion.finish == "length" or len(completion.ids) > budget
        return Said(text=text, cut=cut, forwarded=forwarded)


def _waves(waiting: Sequence[Waiting]) -> Iterator[list[list[int]]]:
    """Give, sweep by sweep, places in groups of equal context, every key once in a sweep."""
    groups: dict[tuple[str, Ids], list[int]] = {}
    for place, one in enumerate(waiting):
        groups.setdefault((one.key, one.ids), []).append(place)
    by_key: dict[str, list[list[int]]] = {}
    for (key, _), places in groups.items():
        by_key.setdefault(key, []).append(places)
    rounds = max(map(len, by_key.values()), default=0)
    for number in range(rounds):
        yield [groups_of_key[number] for groups_of_key in by_key.values() if number < len(groups_of_key)]
