"""Cases in the ids of the base model, and what the base says in them."""

from collections.abc import Sequence

from alignthermo.errors import AlignthermoError
from alignthermo.observables.drift.answers import Answers
from alignthermo.observables.drift.base_side import BaseSide
from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.drift.readings import Counted, Readings, Wishes, uncounted
from alignthermo.observables.forest import ForestSettings

__all__ = ["SpelledCase", "read_base", "spell_cases"]

Ids = tuple[int, ...]


class SpelledCase:
    """A case in the base's ids: context, answers, and the references as far as they can be spelled."""

    def __init__(self, case: ProbeCase, answers: Answers, base: BaseSide) -> None:
        self.here = case.base_here or base.spell(case.here)
        self.answers = tuple(base.spell_answer(answer) for answer in answers.here)
        self.compliant, self.defiant = (
            _known(base, references) for references in (case.compliant, case.defiant)
        )


def _known(base: BaseSide, references: Sequence[Ids]) -> tuple[Ids, ...]:
    """Spell reference answers; none where one of them cannot be."""
    try:
        return tuple(base.spell(one) for one in references)
    except AlignthermoError:
        return ()


def spell_cases(
    cases: Sequence[ProbeCase], chosen: Sequence[Answers], base: BaseSide | None
) -> tuple[list[SpelledCase | None], list[str]]:
    """Spell every case, or say why it cannot be."""
    spelled: list[SpelledCase | None] = []
    reasons: list[str] = []
    for case, answers in zip(cases, chosen, strict=True):
        try:
            spelled.append(None if base is None else SpelledCase(case, answers, base))
            reasons.append("no base model was given" if base is None else "")
        except AlignthermoError as error:
            spelled.append(None)
            reasons.append(str(error))
    return spelled, reasons


def read_base(
    spelled: Sequence[SpelledCase | None],
    base: BaseSide | None,
    settings: ForestSettings | None,
    *,
    counted: Counted = uncounted,
) -> Readings | None:
    """Read all that was spelled in one sweep of the base."""
    wishes = Wishes()
    known = [one for one in spelled if one is not None]
    for one in known:
        wishes.want(one.here, one.answers)
        wishes.score(one.here, (*one.compliant, *one.defiant))
    if base is None or not known:
        return None
    return wishes.read(base.model, settings=settings, counted=counted)
