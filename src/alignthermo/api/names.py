"""Names a user may give: shipped models and prompt sets beside hub ids, folders and files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from alignthermo.errors import ConfigError
from alignthermo.prompts import PromptSet, load_prompt_set, prompt_set_of
from alignthermo.quantities import Prompt
from alignthermo.reference.shipped import shipped_members, shipped_path, shipped_prompts_path

__all__ = ["SHIPPED", "given_prompts", "load_prompts", "model_source"]

SHIPPED = "shipped"


def model_source(name: str) -> str:
    """Turn ``shipped:MEMBER`` into the member's folder; leave every other name as it is.

    Raises
    ------
    ConfigError
        The reference family has no such member.
    """
    prefix, _, member = name.partition(":")
    if prefix != SHIPPED or not member:
        return name
    if member not in shipped_members():
        known = ", ".join(f"{SHIPPED}:{m}" for m in shipped_members())
        raise ConfigError(f"{name!r} is not a shipped model; shipped are {known}")
    return str(shipped_path(member))


def load_prompts(source: str | Path) -> PromptSet:
    """Read a prompt set: a JSONL, CSV or Parquet file, a public set by name, or ``shipped``.

    Raises
    ------
    InputError
        The file cannot be read, or the set is neither on this machine nor to be had.
    """
    return load_prompt_set(str(source), shipped={SHIPPED: shipped_prompts_path()})


def given_prompts(
    prompts: str | Path | PromptSet | Sequence[Prompt | str | Mapping[str, object]],
) -> PromptSet:
    """Return the prompts a caller gives in Python: a set as it is, a name or file read, a list made a set.

    Raises
    ------
    InputError
        As `load_prompts`, or a row of the list cannot be used.
    """
    if isinstance(prompts, PromptSet):
        return prompts
    return load_prompts(prompts) if isinstance(prompts, str | Path) else prompt_set_of(prompts)
