"""Settings from a file and from options: options go before the file, the file before the defaults."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from alignthermo.errors import ConfigError

if TYPE_CHECKING:
    from alignthermo.experiments import LandscapeConfig

__all__ = ["in_words", "keyword", "landscape_config", "merged", "named_pair", "read_settings"]

_Config = TypeVar("_Config")  # a pydantic model; no bound, so that pydantic is imported when a verb runs

_REPEATED = {
    "context_policies": "context_policy",
    "families": "family",
    "overrides": "override",
    "role_plays": "role_play",
    "conflicting_orders": "conflicting_order",
    "reminders": "reminder",
}
"""Settings whose option is named after one of their values."""

SHIPPED_PAIR = {"base": "shipped:base", "aligned": "shipped:aligned-beta-0.25"}


def read_settings(path: Path) -> dict[str, Any]:
    """Read a TOML file of settings, or what was given to an earlier run from its run.json.

    Dashes in names count as underscores, as in options.

    Raises
    ------
    ConfigError
        The file is missing, not TOML, or not the run.json of a run.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        settings = dict(json.loads(text)["given"]) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"--config {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        kind = "the run.json of a run" if path.suffix == ".json" else "TOML"
        raise ConfigError(f"--config {path} is not {kind}: {error}") from error
    return {name.replace("-", "_"): value for name, value in settings.items()}


def named_pair(name: str, given: Mapping[str, object]) -> dict[str, str]:
    """Return the settings that ``--pair`` stands for.

    Raises
    ------
    ConfigError
        An unknown name, or models named beside it.
    """
    if name != "shipped":
        raise ConfigError(f"--pair {name!r} is not known; 'shipped' is. Name others by --base and --aligned")
    named = [f"--{side}" for side in ("base", "aligned", "adapter") if side in given]
    if named:
        raise ConfigError(f"--pair already names both models; leave out {' and '.join(named)}")
    return SHIPPED_PAIR if "prompts" in given else {**SHIPPED_PAIR, "prompts": "shipped"}


def landscape_config(options: Mapping[str, Any]) -> "LandscapeConfig":
    """Merge options and config file into the settings of a landscape.

    Parameters
    ----------
    options : mapping
        Every option by its parameter name; None, or an empty sequence, where it was not given.

    Raises
    ------
    ConfigError
        A setting is unknown, missing or impossible.
    """
    from alignthermo.experiments import LandscapeConfig

    return merged(LandscapeConfig, options, unfold=_unfolded)


def merged(
    kind: type[_Config], options: Mapping[str, Any], *, unfold: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> _Config:
    """Merge options and config file into settings of a kind; `unfold` spells options with several values.

    Raises
    ------
    ConfigError
        A setting is unknown, missing or impossible.
    """
    from pydantic import ValidationError

    from alignthermo.runs import parse_gate

    model: Any = kind
    given = {name: value for name, value in options.items() if name in model.model_fields}
    given = {name: value for name, value in given.items() if value is not None and value not in ([], ())}
    if "template_kwargs" in given:
        given["template_kwargs"] = dict(keyword(text) for text in given["template_kwargs"])
    settings = {**(read_settings(options["config"]) if options.get("config") else {}), **unfold(given)}
    if options.get("pair"):
        settings |= named_pair(options["pair"], settings)
    try:
        config = model.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(in_words(error, known=tuple(model.model_fields))) from None
    for gate in config.fail_if:
        parse_gate(gate)  # an hour's run should not end in a slip of the finger
    return cast("_Config", config)


def _unfolded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the options that hold several values as the settings they are."""
    settings = dict(given)
    if "context_policies" in settings:
        settings["context_policies"] = [p for text in given["context_policies"] for p in text.split(",")]
    if "temperatures" in settings:
        settings["temperatures"] = given["temperatures"].split(",")
    return settings


def keyword(text: str) -> tuple[str, object]:
    """Read ``KEY=VALUE``; a value that is JSON counts as such.

    Raises
    ------
    ConfigError
        There is no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--template-kwargs {text!r} cannot be read: write KEY=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def in_words(error: Any, *, known: Sequence[str] = ()) -> str:  # noqa: ANN401 pydantic's error, imported late
    """Say in the words of the command line what pydantic found; `known` settings are what a slip may mean."""
    lines = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"][:1])
        option = f"--{_REPEATED.get(name, name).replace('_', '-')}"
        reason = _reason(one)
        if one["type"] == "extra_forbidden" and (meant := get_close_matches(name, known, n=1)):
            reason += f"; did you mean {meant[0]}?"
        lines.append(f"{option}: {reason}" if name else reason)
    return "\n       ".join(dict.fromkeys(lines))


def _reason(one: Mapping[str, Any]) -> str:
    if one["type"] == "missing":
        return "is needed (or give --pair shipped)" if one["loc"] == ("base",) else "is needed"
    if one["type"] == "extra_forbidden":
        return "there is no such setting"
    said = str(one["msg"]).removeprefix("Value error, ")
    # what concerns several settings was given all of them: they would bury what is said
    return f"{said} (given: {one['input']!r})" if one["loc"] else said
