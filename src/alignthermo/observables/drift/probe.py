"""Probes along conversations: every distance exact at every token, every shared token read once."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from alignthermo.errors import ConfigError, InputError
from alignthermo.observables.drift.answers import Answers, choose_answers
from alignthermo.observables.drift.base_reading import SpelledCase, read_base, spell_cases
from alignthermo.observables.drift.base_side import BaseSide
from alignthermo.observables.drift.compliance import Compliance
from alignthermo.observables.drift.distances import Distances, queue_case
from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.drift.probe_drift import AnswerKL, ProbeDrift
from alignthermo.observables.drift.readings import Counted, Readings, Wishes, uncounted
from alignthermo.observables.forest import ForestSettings, Sampling
from alignthermo.quantities import LanguageModel

__all__ = ["measure_probes"]

Ids = tuple[int, ...]

_ARMS = {
    "influence": "no neutral instruction was given",
    "to_wish": "no adversary's wish was given",
    "control": "no neutral history was given",
}


def measure_probes(
    model: LanguageModel,
    cases: Sequence[ProbeCase],
    *,
    base: BaseSide | None = None,
    sampling: Sampling | None = None,
    settings: ForestSettings | None = None,
    counted: Counted = uncounted,
) -> tuple[ProbeDrift, ...]:
    r"""Measure drift, influence, relaxation and their controls of many probes at many points.

    .. math:: D_{probe}(t) = \mathrm{KL}\big(q(\cdot|I, h_t, probe) \,\|\, q(\cdot|I, probe)\big)

    and likewise for the other contexts of each case. q(·|…) is the distribution over the whole answer:
    answers are drawn from the first argument, and the KL of the next token is summed over them, exact over
    the full vocabulary. All contexts and answers are read in one sweep (two where answers are sampled, one
    more for the base) in which every distinct token goes through the model once: give all points of a
    conversation at once and the cost is linear in its length.

    Parameters
    ----------
    model : LanguageModel
        The aligned model.
    cases : sequence of ProbeCase
        Keys unique.
    base : BaseSide, optional
        Read in the same contexts, for the relaxation.
    sampling : Sampling, optional
        How answers are drawn where a case gives none; temperature 1.
    settings : ForestSettings, optional
        Bounds of memory and batches.
    counted : callable
        Called with the `TokenCounts` of every sweep.

    Returns
    -------
    tuple of ProbeDrift
        In the order of the cases.

    Raises
    ------
    InputError
        Two cases of one key.
    ConfigError
        A case without answers and no sampling, or a temperature other than 1.
    ContextTooLong
        A context with its answers exceeds the model's length.
    NonFiniteLogits
        NaN or +inf came out of a model.

    References
    ----------
    Formulas F-230 to F-234 in docs/formulas.md.
    """
    _require_askable(cases, sampling)
    chosen = choose_answers(model, cases, sampling=sampling, settings=settings, counted=counted)
    wishes = Wishes()
    for case, answers in zip(cases, chosen, strict=True):
        _wish(wishes, case, answers)
    readings = wishes.read(model, settings=settings, counted=counted)
    spelled, reasons = spell_cases(cases, chosen, base)
    base_readings = read_base(spelled, base, settings, counted=counted)
    distances = Distances(readings, base_readings, base)
    places = [queue_case(*one, distances) for one in zip(cases, chosen, spelled, strict=True)]
    distances.compute()
    found = []
    for case, answers, at, where, reason in zip(cases, chosen, spelled, places, reasons, strict=True):
        compliance = _compliances(case, (readings, base_readings), at)
        beside = (distances.entropies(where), compliance, reason)
        found.append(_found(case, answers, distances.take(where), beside))
    return tuple(found)


def _require_askable(cases: Sequence[ProbeCase], sampling: Sampling | None) -> None:
    if sampling is not None and sampling.temperature != 1.0:
        raise ConfigError(
            f"measure_probes: answers are drawn at temperature {sampling.temperature}; only at 1 are they "
            "drawn from the distribution whose KL is summed"
        )
    seen: set[str] = set()
    for case in cases:
        if case.key in seen:
            raise InputError(f"measure_probes: two cases have the key {case.key!r}; it names random streams")
        seen.add(case.key)


def _wish(wishes: Wishes, case: ProbeCase, answers: Answers) -> None:
    references = (*case.compliant, *case.defiant)
    wishes.want(case.here, answers.here)
    wishes.want(case.start, answers.here)
    wishes.score(case.here, references)
    wishes.score(case.start, references)
    for context in (case.neutral_instruction, case.wish):
        if context is not None:
            wishes.want(context, answers.here)
    if case.neutral_history is not None:
        wishes.want(case.neutral_history, answers.control)
        wishes.want(case.start, answers.control)
        wishes.score(case.neutral_history, references)


def _found(
    case: ProbeCase,
    answers: Answers,
    distances: dict[str, AnswerKL],
    beside: tuple[tuple[Float[np.ndarray, " _"], ...], dict[str, Compliance], str],
) -> ProbeDrift:
    entropy, compliance, reason = beside
    missing = {name: why for name, why in _ARMS.items() if name not in distances}
    return ProbeDrift(
        key=case.key,
        answers=answers.here,
        control_answers=answers.control,
        truncated=answers.truncated,
        control_truncated=answers.control_truncated,
        **distances,
        entropy=entropy,
        compliance=compliance,
        reasons=missing | ({"relaxation": reason} if reason else {}),
    )


def _compliances(
    case: ProbeCase, read: tuple[Readings, Readings | None], spelled: SpelledCase | None
) -> dict[str, Compliance]:
    readings, base_readings = read
    if not case.compliant or not case.defiant:
        return {}
    contexts = {"here": case.here, "start": case.start, "neutral_history": case.neutral_history}
    found = {
        name: _compliance(readings, context, case.compliant, case.defiant)
        for name, context in contexts.items()
        if context is not None
    }
    if base_readings is not None and spelled is not None and spelled.compliant and spelled.defiant:
        found["base"] = _compliance(base_readings, spelled.here, spelled.compliant, spelled.defiant)
    return found


def _compliance(
    readings: Readings, context: Ids, compliant: Sequence[Ids], defiant: Sequence[Ids]
) -> Compliance:
    return Compliance.of(readings.log_probs(context, compliant), readings.log_probs(context, defiant))
