"""Measure how firmly a language model's alignment holds.

>>> import alignthermo as at
>>> pair = at.load_pair("shipped:base", "shipped:aligned-beta-0.25")    # doctest: +SKIP
>>> result = at.landscape(pair, "shipped")                               # doctest: +SKIP

Names are loaded on first use, so that importing the package, or asking the command line for help, is light.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignthermo.api import (
        DriftConfig,
        DriftResult,
        LandscapeConfig,
        LandscapeResult,
        TransitionConfig,
        TransitionResult,
        diagnose,
        drift,
        landscape,
        load_pair,
        load_prompts,
        plan_drift,
        plan_landscape,
        plan_transition,
        run_drift,
        run_landscape,
        run_transition,
        show,
        transition,
    )

__version__ = "0.1.0"

__all__ = [
    "DriftConfig",
    "DriftResult",
    "LandscapeConfig",
    "LandscapeResult",
    "TransitionConfig",
    "TransitionResult",
    "__version__",
    "diagnose",
    "drift",
    "landscape",
    "load_pair",
    "load_prompts",
    "plan_drift",
    "plan_landscape",
    "plan_transition",
    "run_drift",
    "run_landscape",
    "run_transition",
    "show",
    "transition",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(importlib.import_module("alignthermo.api"), name)
    raise AttributeError(f"module 'alignthermo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
