"""The stages of a transition, and what each is planned from.

::

    sweep ──► refine1 … refineN ──► reinforce ──► reinforce1 … reinforceN ──► dialogues ──► summary
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from alignthermo.experiments.stage import StageShard
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_material import Sources

__all__ = ["REFINE", "REINFORCE", "SWEEP", "Grounded", "Grounds", "TransitionStage"]

SWEEP = "sweep"
REFINE = "refine"
"""Stages of refinement are ``refine1``, ``refine2`` …"""
REINFORCE = "reinforce"
"""Its stages of refinement are ``reinforce1``, ``reinforce2`` …"""


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a stage of a transition is planned from.

    Attributes
    ----------
    config : TransitionConfig
    sources : Sources
    stored : mapping of str to pyarrow.Table
        Rows of every stage before, by its name, in the order of their shards; one without rows is missing.
    """

    config: TransitionConfig
    sources: Sources
    stored: Mapping[str, pa.Table]


@runtime_checkable
class TransitionStage(Protocol):
    """A part of a transition, before it is known which one."""

    @property
    def name(self) -> str:
        """As of `alignthermo.experiments.stage.Stage`."""
        ...

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        """Return its shards, as `alignthermo.experiments.stage.Stage.plan` does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Grounded:
    """A stage of one transition: with its configuration and material it is a `Stage`."""

    stage: TransitionStage
    config: TransitionConfig
    sources: Sources

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.stage.name

    def plan(self, stored: Mapping[str, pa.Table]) -> Sequence[StageShard]:
        """Plan it from what is stored."""
        return self.stage.plan(Grounds(config=self.config, sources=self.sources, stored=stored))
