"""Options and config file to the settings of a transition."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alignthermo.cli.settings import merged

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
    from alignthermo.experiments import TransitionConfig

    return merged(TransitionConfig, options, unfold=_unfolded)


def _unfolded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the options that hold several values as the settings they are."""
    settings = dict(given)
    for name in _LISTS:
        if name in settings:
            settings[name] = [part.strip() for part in given[name].split(",")]
    if "families" in settings:
        settings["families"] = [part for text in given["families"] for part in text.split(",")]
    return settings
