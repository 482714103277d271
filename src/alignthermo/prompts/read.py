"""A prompt file to a prompt set: bad rows are reported by line, good rows are kept."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from alignthermo.errors import InputError, PromptError
from alignthermo.prompts.files import RawRow, read_rows
from alignthermo.prompts.prompt_set import PromptSet, RowProblem, content_digest
from alignthermo.prompts.rows import prompt_from_row
from alignthermo.quantities import Prompt

__all__ = ["RowAdapter", "prompt_set_of", "read_prompts", "shown_problems"]

RowAdapter = Callable[[Mapping[str, object]], Mapping[str, object] | None]
"""Turns a row of somebody else's columns into one of ours; None where the row is, by the design of the set,
not a prompt; raises PromptError or KeyError where it should be one and is not."""

_PROBLEMS_SHOWN = 3


def read_prompts(path: Path, *, name: str | None = None, adapt: RowAdapter | None = None) -> PromptSet:
    """Read a JSONL, CSV or Parquet file (``.gz`` and ``.xz`` too).

    Columns: `prompt` or `messages` (a list of role and content, or such a list as JSON text); optional
    `id`, `category`, `response`, `compliant`, `defiant`, `checker`; all others go to `meta`. A row
    without an id is called ``row-LINE``. Of rows that share an id the first counts.

    Parameters
    ----------
    path : Path
    name : str, optional
        Name of the set; the file's name by default.
    adapt : RowAdapter, optional
        Applied to each row first.

    Raises
    ------
    InputError
        The file cannot be read as a whole, or not one of its rows can be used.
    """
    prompts, problems = _collect(read_rows(path), adapt=adapt)
    if not prompts:
        raise InputError(f"{path} holds no usable prompt{shown_problems(problems)}")
    return PromptSet(
        name=name or path.name,
        prompts=prompts,
        problems=problems,
        sha256=content_digest(prompts),
        source=str(path),
    )


def shown_problems(problems: tuple[RowProblem, ...]) -> str:
    """End a sentence on a file without a usable row: its first rows and what is wrong with them."""
    if not problems:
        return ": it has no rows"
    more = len(problems) - _PROBLEMS_SHOWN
    tail = f"\n  … and {more} more" if more > 0 else ""
    return ":" + "".join(f"\n  {problem}" for problem in problems[:_PROBLEMS_SHOWN]) + tail


def _collect(
    rows: Iterable[RawRow], *, adapt: RowAdapter | None = None
) -> tuple[tuple[Prompt, ...], tuple[RowProblem, ...]]:
    """Turn rows into prompts with unique ids, and problems for the rest."""
    prompts: dict[str, tuple[int, Prompt]] = {}
    problems: list[RowProblem] = []
    for row in rows:
        try:
            prompt = _prompt(row, adapt)
            if prompt is None:
                continue
            if prompt.id in prompts:
                raise PromptError(f"the id {prompt.id!r} was used on line {prompts[prompt.id][0]} already")
        except PromptError as error:
            problems.append(RowProblem(line=row.line, reason=str(error)))
        else:
            prompts[prompt.id] = (row.line, prompt)
    return tuple(prompt for _, prompt in prompts.values()), tuple(problems)


def _prompt(row: RawRow, adapt: RowAdapter | None) -> Prompt | None:
    if row.values is None:
        raise PromptError(row.problem or "unreadable")
    try:
        values = adapt(row.values) if adapt else row.values
    except KeyError as error:
        raise PromptError(f"no column {error}") from error
    return None if values is None else prompt_from_row(values, fallback_id=f"row-{row.line}")


def prompt_set_of(
    items: Iterable[Prompt | str | Mapping[str, object]], *, name: str = "prompts"
) -> PromptSet:
    """Make a prompt set of things in memory: prompts, bare texts, or rows as in a prompt file.

    Raises
    ------
    InputError
        There is nothing in it.
    PromptError
        An item cannot be used, or two share an id: unlike a file, a list is the caller's own to mend.

    Examples
    --------
    >>> prompt_set_of(["Tell me a joke."]).prompts[0].id
    'row-1'
    """
    prompts: dict[str, Prompt] = {}
    for number, item in enumerate(items, start=1):
        row = {"prompt": item} if isinstance(item, str) else item
        try:
            prompt = row if isinstance(row, Prompt) else prompt_from_row(row, fallback_id=f"row-{number}")
        except PromptError as error:
            raise PromptError(f"item {number} of {name}: {error}") from error
        if prompt.id in prompts:
            raise PromptError(
                f"item {number} of {name}: the id {prompt.id!r} was used already; ids must differ"
            )
        prompts[prompt.id] = prompt
    if not prompts:
        raise InputError(f"{name} holds no prompt")
    kept = tuple(prompts.values())
    return PromptSet(name=name, prompts=kept, sha256=content_digest(kept), source="memory")
