"""The stages of a drift run: conversations are held, unless they were recorded, and then measured."""

from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.material import DriftMaterial
from alignthermo.experiments.drift.probe_stage import ProbeStage
from alignthermo.experiments.drift.talk_stage import TalkStage
from alignthermo.experiments.stage import Stage

__all__ = ["drift_stages"]


def drift_stages(config: DriftConfig, material: DriftMaterial) -> tuple[Stage, ...]:
    """Return the stages of a run in their order."""
    probing = ProbeStage(config=config, material=material)
    if config.mode == "transcripts":
        return (probing,)
    talking = TalkStage(config=config, instructions=material.instructions, user_turns=material.user_turns)
    return (talking, probing)
