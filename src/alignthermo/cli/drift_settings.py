"""Options and config file to the settings of a drift run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alignthermo.cli.settings import merged

if TYPE_CHECKING:
    from alignthermo.experiments.drift import DriftConfig

__all__ = ["drift_config"]

_LISTS = ("reminders", "windows", "controls")


def drift_config(options: Mapping[str, Any]) -> "DriftConfig":
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
    from alignthermo.experiments.drift import DriftConfig

    return merged(DriftConfig, options, unfold=_unfolded)


def _unfolded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the options that hold several values as the settings they are."""
    settings = dict(given)
    for name in _LISTS:
        if name in settings:
            parts = [part.strip() for text in given[name] for part in text.split(",")]
            settings[name] = [] if parts == ["none"] else parts
    return settings
