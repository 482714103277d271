"""Which conversations verify a schedule, and nothing else."""

from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.quantities import random_stream

__all__ = ["is_held_out"]


def is_held_out(config: DriftConfig, number: int) -> bool:
    """Draw whether a conversation is held out: the same in every arm, whatever others there are."""
    return bool(random_stream(config.seed, "held out", number).random() < config.held_out)
