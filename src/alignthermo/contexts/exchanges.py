"""Exchanges made of other prompts of the same instruction: compliant ones, and many-shot non-compliance."""

from collections.abc import Sequence

from alignthermo.contexts.leaks import LeakTest
from alignthermo.contexts.unit import Label, Unit
from alignthermo.errors import InputError
from alignthermo.quantities import Message, Prompt

__all__ = ["compliant_exchanges", "instruction_of", "many_shot_turns"]


def instruction_of(prompt: Prompt) -> tuple[str, str]:
    """Return what two prompts share if an answer to one keeps, or breaks, the instruction of the other.

    The category, and within it the field ``rule`` of `Prompt.meta`: a pirate's answer keeps no butler's
    instruction. Prompts without a rule share that of their category.
    """
    return prompt.category, str(prompt.meta.get("rule", ""))


def compliant_exchanges(
    prompts: Sequence[Prompt], *, queries: Sequence[Prompt], reference: int | None = 0
) -> tuple[Unit, ...]:
    """Return exchanges in which other prompts of the queries' instruction were answered compliantly.

    Parameters
    ----------
    prompts : sequence of Prompt
        Where exchanges are taken from; their own system texts and histories are left out.
    queries : sequence of Prompt
        Requests that the exchanges may stand before, of one instruction (`instruction_of`). Give all of a
        sweep to get one pool that every one of them may use: contexts then share prefixes across prompts.
    reference : int, optional
        Which of a prompt's reference answers; None makes one exchange of each.

    Raises
    ------
    InputError
        Nothing is left after leaving out what would give a query's own answer away.
    """
    return _exchanges(prompts, queries, reference, label="instruction", family="compliant")


def many_shot_turns(
    prompts: Sequence[Prompt], *, queries: Sequence[Prompt], reference: int | None = 0
) -> tuple[Unit, ...]:
    """Return exchanges in which other prompts of the queries' instruction were answered defiantly.

    Parameters as in `compliant_exchanges`; the answers are the prompts' `defiant` references.

    Raises
    ------
    InputError
        Nothing is left after leaving out what would give a query's own answer away.
    """
    return _exchanges(prompts, queries, reference, label="adversarial", family="many_shot")


def _exchanges(
    prompts: Sequence[Prompt],
    queries: Sequence[Prompt],
    reference: int | None,
    *,
    label: Label,
    family: str,
) -> tuple[Unit, ...]:
    test = LeakTest.of(queries, prompts)
    asked = {instruction_of(query) for query in queries}
    units = tuple(
        _exchange(source, number, answer, label=label, family=family)
        for source in prompts
        if instruction_of(source) in asked
        for number, answer in enumerate(source.compliant if label == "instruction" else source.defiant)
        if reference in (None, number) and answer.strip() and not test.leaks(source, answer)
    )
    if not units:
        column = "compliant" if label == "instruction" else "defiant"
        wanted = ", ".join(sorted(f"{category} {rule}".strip() for category, rule in asked))
        raise InputError(
            f"no {family} exchange can be made for {wanted}: "
            f"of the other prompts of that instruction (same category, same `rule`) none has a {column!r} "
            f"reference answer that does not give the query's own answer away; add prompts with that column, "
            f"or choose other material"
        )
    return units


def _exchange(source: Prompt, number: int, answer: str, *, label: Label, family: str) -> Unit:
    asked = Message(role="user", content=source.messages[-1].content)
    return Unit(
        id=f"{family}-{source.id}-{number}",
        label=label,
        family=family,
        messages=(asked, Message(role="assistant", content=answer)),
    )
