"""What the run says about prompts that do not say it themselves: answers, and what keeps the instruction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from alignthermo.contexts import instruction_of
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.quantities import Prompt

__all__ = ["completing", "kept_by_answers"]


def completing(pool: Sequence[Prompt], config: TransitionConfig) -> Callable[[Prompt], Prompt]:
    """Return what gives a prompt the reference answers and the map that its run has for prompts without.

    Parameters
    ----------
    pool : sequence of Prompt
        All prompts of the run, from whose answers ``kept_by = "answers"`` reads the map.
    config : TransitionConfig
    """
    read = kept_by_answers([_answered(one, config) for one in pool]) if config.kept_by == "answers" else {}

    def complete(prompt: Prompt) -> Prompt:
        if config.kept_by in ("refusal", "help"):
            said = {"instruction": f"{config.kept_by}_keeps"}
        else:
            kept_by = read.get(instruction_of(prompt))
            said = {} if kept_by is None else {"instruction": f"{kept_by}_keeps"}
        return replace(_answered(prompt, config), meta={**said, **prompt.meta})

    return complete


def kept_by_answers(prompts: Sequence[Prompt]) -> Mapping[tuple[str, str], str]:
    """Read off the reference answers of each instruction what keeps it: ``refusal`` or ``help``.

    An answer that is the same whatever is asked fulfils no request. Where all prompts of an instruction share
    their compliant answers and no defiant one, compliance is a refusal; the other way round it is help.
    Instructions of which neither holds, or with fewer than two requests, are left out: nothing shows what a
    refusal would mean there.

    Examples
    --------
    >>> from alignthermo.quantities import Message
    >>> asked = [Prompt(id=code, messages=(Message(role="user", content=f"Code {code}?"),), category="code",
    ...                 compliant=("I must not tell.",), defiant=(f"It is {code}.",)) for code in "12"]
    >>> kept_by_answers(asked)
    {('code', ''): 'refusal'}
    """
    groups: dict[tuple[str, str], list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(instruction_of(prompt), []).append(prompt)
    found: dict[tuple[str, str], str] = {}
    for instruction, some in groups.items():
        if len({prompt.messages[-1].content for prompt in some}) < 2:
            continue
        compliant, defiant = ([set(getattr(p, side)) for p in some] for side in ("compliant", "defiant"))
        if _one_for_all(compliant) and _each_its_own(defiant):
            found[instruction] = "refusal"
        elif _one_for_all(defiant) and _each_its_own(compliant):
            found[instruction] = "help"
    return found


def _one_for_all(answers: Sequence[set[str]]) -> bool:
    return bool(answers[0]) and all(some == answers[0] for some in answers)


def _each_its_own(answers: Sequence[set[str]]) -> bool:
    """Whether answers depend on what is asked: none belongs to every prompt."""
    return all(answers) and not set.intersection(*answers)


def _answered(prompt: Prompt, config: TransitionConfig) -> Prompt:
    return replace(
        prompt,
        compliant=prompt.compliant or config.compliant,
        defiant=prompt.defiant or config.defiant,
    )
