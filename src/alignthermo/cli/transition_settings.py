"""Options and config file to the settings of a transition."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alignthermo.cli.settings import in_words, keyword, named_pair, read_settings
from alignthermo.errors import ConfigError

if TYPE_CHECKING:
    from alignthermo.experiments import TransitionConfig

__all__ = ["transition_config"]

_LISTS = (
    *("alphas", "lengths", "orders", "controls", "instruction"),
    *("reinforce", "reinforce_phrasings", "reinforce_tokens"),
    *("rollout_alphas", "rollout_turns", "ramp_alphas", "ramp_holds", "ramp_protocols"),
)


def transition_config(options: Mapping[str, Any]) -> "TransitionConfig":
    """Merge options and config file; options go before the file.

    Parameters
    ----------
    options : mapping
        Every option by its parameter name; None, or an empty sequence, where it was not given.

    Raises
    ------
    ConfigError
        A setting is unknown, missing or impossible.
    """
    from pydantic import ValidationError

    from alignthermo.experiments import TransitionConfig
    from alignthermo.runs import parse_gate

    given = {name: value for name, value in options.items() if name in TransitionConfig.model_fields}
    given = {name: value for name, value in given.items() if value is not None and value not in ([], ())}
    settings = {**(read_settings(options["config"]) if options.get("config") else {}), **_unfolded(given)}
    if options.get("pair"):
        settings |= named_pair(options["pair"], settings)
    try:
        config = TransitionConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(in_words(error)) from None
    for gate in config.fail_if:
        parse_gate(gate)  # an hour's run should not end in a slip of the finger
    return config


def _unfolded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the options that hold several values as the settings they are."""
    settings = dict(given)
    for name in _LISTS:
        if name in settings:
            settings[name] = [part.strip() for part in given[name].split(",")]
    if "families" in settings:
        settings["families"] = [part for text in given["families"] for part in text.split(",")]
    if "template_kwargs" in settings:
        settings["template_kwargs"] = dict(keyword(text) for text in given["template_kwargs"])
    return settings
