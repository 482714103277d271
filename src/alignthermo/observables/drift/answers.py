"""The answers on which distributions are compared: given, or drawn from the first argument."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.errors import ConfigError
from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.drift.readings import Counted, uncounted
from alignthermo.observables.forest import ForestSettings, Question, Sampling, read_forest
from alignthermo.quantities import Completion, LanguageModel

__all__ = ["Answers", "choose_answers"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers of one case: to (I, h_t, probe) and, as the control, to (I, n_t, probe)."""

    here: tuple[Ids, ...]
    control: tuple[Ids, ...] = ()
    truncated: int = 0
    control_truncated: int = 0


def choose_answers(
    model: LanguageModel,
    cases: Sequence[ProbeCase],
    *,
    sampling: Sampling | None,
    settings: ForestSettings | None,
    counted: Counted = uncounted,
) -> list[Answers]:
    """Take each case's own answers, or draw them.

    The answers of case k are drawn from the streams ``(seed, k/here, replicate)`` and, in the neutral
    history, ``(seed, k/neutral_history, replicate)``: no other case changes them.

    Raises
    ------
    ConfigError
        A case without answers and no sampling.
    """
    drawn: dict[str, tuple[Completion, ...]] = {}
    questions = [question for case in cases if not case.answers for question in _questions(case)]
    if questions and sampling is None:
        raise ConfigError(
            "measure_probes: a case has no answers of its own, so they have to be sampled; give sampling"
        )
    if questions and sampling is not None:
        run = read_forest(model, questions, settings=settings, sampling=sampling)
        drawn = {answer.key: answer.completions for answer in run}
        counted(run.counts)
    return [_answers(case, drawn) for case in cases]


def _questions(case: ProbeCase) -> list[Question]:
    arms = [("here", case.here), ("neutral_history", case.neutral_history)]
    return [
        Question(key=f"{case.key}/{name}", context=context) for name, context in arms if context is not None
    ]


def _answers(case: ProbeCase, drawn: dict[str, tuple[Completion, ...]]) -> Answers:
    if case.answers:
        return Answers(here=case.answers, control=case.answers if case.neutral_history is not None else ())
    here, control = drawn[f"{case.key}/here"], drawn.get(f"{case.key}/neutral_history", ())
    return Answers(
        here=tuple(one.ids for one in here),
        control=tuple(one.ids for one in control),
        truncated=_cut(here),
        control_truncated=_cut(control),
    )


def _cut(completions: Sequence[Completion]) -> int:
    return sum(one.finish == "length" for one in completions)
