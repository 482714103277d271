"""Instructions that conversations are held under, and the probes that ask whether they hold."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alignthermo.errors import InputError, PromptError
from alignthermo.experiments.drift.probes import GENERAL_PROBES, Probe, distinct_probes, probes_of
from alignthermo.prompts import PromptSet, RowProblem, load_prompt_set, public_sets, read_prompts
from alignthermo.prompts.read import shown_problems
from alignthermo.prompts.rows import prompt_from_row
from alignthermo.quantities import Prompt
from alignthermo.transcripts import rephrased_of

__all__ = [
    "GENERAL_PROBES",
    "Instruction",
    "InstructionSet",
    "Probe",
    "instructions_of",
    "probes_of",
    "read_instruction_prompts",
]

_OWN = ("system_prompt", "probe")


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """A system text.

    Attributes
    ----------
    name : str
        Category and id of the first row that has it: unique within its set.
    text, category : str
    probes : tuple of Probe
        At least one; those asked under this very text first.
    rephrased : tuple of str
        The same in other words.
    """

    name: str
    text: str
    category: str
    probes: tuple[Probe, ...]
    rephrased: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InstructionSet:
    """Instructions from one source.

    Attributes
    ----------
    instructions : tuple of Instruction
        In file order.
    problems : tuple of RowProblem
        Rows that could not be used, each with its line (its number for rows that were not read from a file of
        the user's).
    without_system : int
        Prompts that were left out because they have no system text, hence no instruction.
    sha256, source : str
        Of the prompts they were made of.
    """

    instructions: tuple[Instruction, ...]
    problems: tuple[RowProblem, ...] = ()
    without_system: int = 0
    sha256: str
    source: str


def read_instruction_prompts(
    source: str, *, shipped: Mapping[str, Path] | None = None, instructing: bool = True
) -> PromptSet:
    """Read prompts of which instructions, probes or user turns are made.

    As `alignthermo.prompts.load_prompt_set`; rows of a file may also have the columns `system_prompt` and
    `probe` in place of `messages`.

    Parameters
    ----------
    source : str
        A name in `shipped`, the name of a public set, or a path.
    shipped : mapping, optional
        Names the caller provides a file for.
    instructing : bool
        A row of a file that has a system text and more than one question after it is a problem, too. False
        for probes and user turns alone.

    Raises
    ------
    InputError
        No such set or file, or not one of its rows can be used.
    """
    adapt = _checked if instructing else _adapted
    if shipped and source in shipped:
        return read_prompts(Path(shipped[source]), name=source, adapt=adapt)
    if source in {one.name for one in public_sets()} or not os.path.lexists(source):
        return load_prompt_set(source, shipped=shipped)
    return read_prompts(Path(source), adapt=adapt)


def instructions_of(
    prompts: PromptSet, *, compliant: Sequence[str] = (), defiant: Sequence[str] = ()
) -> InstructionSet:
    """Make instructions of prompts that begin with a system message.

    Every system text of a category is an instruction of its own, and the last user messages under it are its
    probes. Prompts may carry a `rule`: all system texts of one category and rule ask for the same thing in
    other words, so they share their probes and rephrase each other; a column `rephrased` gives more.

    Parameters
    ----------
    prompts : PromptSet
    compliant, defiant : sequence of str
        Reference answers of probes that have none of that side.

    Raises
    ------
    InputError
        No prompt has an instruction and a single question.
    """
    problems = list(prompts.problems)
    usable: list[Prompt] = []
    without = 0
    for number, prompt in enumerate(prompts.prompts, start=1):
        problem = _problem_of(prompt)
        if not _system_text(prompt):
            without += 1
        elif problem:
            problems.append(RowProblem(line=_line(prompt, number), reason=problem))
        else:
            usable.append(prompt)
    if not usable:
        raise InputError(
            f"{prompts.source} holds no instruction: {without} of {len(prompts)} prompts have no system text"
            f"{shown_problems(tuple(problems)) if problems else ''}"
        )
    probes = {one.id: Probe.of(one).completed(compliant=compliant, defiant=defiant) for one in usable}
    return InstructionSet(
        instructions=tuple(_instructions(usable, probes)),
        problems=tuple(problems),
        without_system=without,
        sha256=prompts.sha256,
        source=prompts.source,
    )


def _adapted(row: Mapping[str, object]) -> Mapping[str, object]:
    """Take `system_prompt` and `probe` for the two messages they are; check rows that have messages."""
    if "system_prompt" not in row:
        return row
    for name in _OWN:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            raise PromptError(f"`{name}` must be text, and not empty: a row has `system_prompt` and `probe`")
    rest = {name: value for name, value in row.items() if name not in (*_OWN, "messages", "prompt")}
    asked = [
        {"role": role, "content": row[name]} for role, name in zip(("system", "user"), _OWN, strict=True)
    ]
    return {**rest, "messages": asked}


def _checked(row: Mapping[str, object]) -> Mapping[str, object]:
    """Refuse here, where the line is known, what `instructions_of` would leave out."""
    adapted = _adapted(row)
    prompt = prompt_from_row(adapted, fallback_id="row")
    rephrased_of(prompt.meta)
    problem = _problem_of(prompt) if _system_text(prompt) else ""
    if problem:
        raise PromptError(problem)
    return adapted


def _problem_of(prompt: Prompt) -> str:
    if prompt.messages[-1].role != "user":
        return "the last message must be the user's: it is the probe"
    between = [message for message in prompt.messages[:-1] if message.role != "system"]
    if between:
        return (
            f"{len(between)} message(s) stand between the system text and the question; a probe stands alone"
        )
    return ""


def _line(prompt: Prompt, number: int) -> int:
    """Line of a row without an id, which is called after it; otherwise its number in the set."""
    before, _, line = prompt.id.partition("row-")
    return int(line) if line.isdecimal() and not before else number


def _system_text(prompt: Prompt) -> str:
    texts: list[str] = []
    for message in prompt.messages:
        if message.role != "system":
            break
        texts.append(message.content.strip())
    return "\n\n".join(text for text in texts if text)


def _instructions(prompts: Sequence[Prompt], probes: Mapping[str, Probe]) -> list[Instruction]:
    own: dict[tuple[str, str | None, str], list[Prompt]] = {}
    shared: dict[tuple[str, str | None], list[Prompt]] = {}
    for prompt in prompts:
        rule = _rule(prompt)
        own.setdefault((prompt.category, rule, _system_text(prompt)), []).append(prompt)
        if rule is not None:
            shared.setdefault((prompt.category, rule), []).append(prompt)
    return [
        Instruction(
            name=_name(rows[0]),
            text=text,
            category=category,
            probes=distinct_probes([probes[one.id] for one in (*rows, *shared.get((category, rule), ()))]),
            rephrased=_other_words(text, rows, shared.get((category, rule), ())),
        )
        for (category, rule, text), rows in own.items()
    ]


def _other_words(text: str, rows: Sequence[Prompt], alike: Sequence[Prompt]) -> tuple[str, ...]:
    """Collect what rows give as `rephrased`, then the other texts that share their rule."""
    given = [words for one in rows for words in rephrased_of(one.meta)]
    return tuple(dict.fromkeys(words for words in (*given, *map(_system_text, alike)) if words != text))


def _rule(prompt: Prompt) -> str | None:
    rule = prompt.meta.get("rule")
    return None if rule is None else str(rule)


def _name(prompt: Prompt) -> str:
    return prompt.id if prompt.id.startswith(prompt.category) else f"{prompt.category}-{prompt.id}"
