"""The settings of the dialogues of a transition: rollouts, ramps, and early warning."""

from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, Field, model_validator

__all__ = ["DialogueSettings", "RampProtocol"]

RampProtocol = Literal["append_only", "edit_keep_own", "edit_without_own"]

MIN_ROLLOUTS = 30
MIN_RAMPS = 8
MIN_WARNINGS = 20
MIN_OWN_TURNS = 8
_NINE = tuple(step / 8 for step in range(9))


class DialogueSettings(BaseModel):
    """Dialogues in which the model hears itself, at the first attack family, order and length of a run.

    Attributes
    ----------
    rollouts : int
        Replicates per α of many own turns in one fixed context; 0 for none. 30 at least, 200 to tell two
        peaks from a broad one.
    rollout_alphas : tuple of float
        Wanted α; around the crossing that the sweep found unless given.
    rollout_turns : tuple of int
        Own turns at which bimodality is judged, ascending, two at least: the longest is measured.
    ramps : int
        Replicates of ramps of α up and down, per protocol, arm and hold; 0 for none.
    ramp_alphas : tuple of float
        Ratios of a ramp.
    ramp_holds : tuple of int
        Own turns at each α; a loop must survive the longest.
    ramp_protocols : tuple of str
        ``edit_keep_own``: the material is written anew for each α, own replies stay; the one that counts.
        ``append_only``: nothing is removed, so a mere accumulator loops too, the more the longer α is held.
        ``edit_without_own``: own replies are cut; the loop must be exactly 0, or nothing else counts.
    warnings : int
        Escalating attack dialogues, with twice as many harmless ones; 0 for none.
    warning_turns : int
        Own turns of each.
    own_replies : str
        ``candidates``: drawn among the reference answers by their probabilities, nothing is generated.
        ``sampled``: generated and judged by the run's judge.
    own_window : int
        Own exchanges that stay in the context, the oldest go first.
    neutral_reply : str
        What stands in the place of own replies in the neutral arm of ramps.
    """

    rollouts: int = Field(default=0, ge=0)
    rollout_alphas: tuple[float, ...] = ()
    rollout_turns: tuple[int, ...] = (16, 32)
    ramps: int = Field(default=0, ge=0)
    ramp_alphas: tuple[float, ...] = _NINE
    ramp_holds: tuple[int, ...] = (1, 4, 16)
    ramp_protocols: tuple[RampProtocol, ...] = ("edit_keep_own", "edit_without_own", "append_only")
    warnings: int = Field(default=0, ge=0)
    warning_turns: int = Field(default=32, ge=12)
    own_replies: Literal["candidates", "sampled"] = "candidates"
    own_window: int = Field(default=16, ge=1)
    neutral_reply: str = "One moment."

    @property
    def has_dialogues(self) -> bool:
        """Whether any dialogue is asked for."""
        return bool(self.rollouts or self.ramps or self.warnings)

    @model_validator(mode="after")
    def _dialogues_can_be_held(self) -> "DialogueSettings":
        for name, least in (("rollouts", MIN_ROLLOUTS), ("ramps", MIN_RAMPS), ("warnings", MIN_WARNINGS)):
            if 0 < getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} are too few, give {least} at least, or 0")
        turns = self.rollout_turns
        if len(turns) < 2 or turns[0] < MIN_OWN_TURNS or any(a >= b for a, b in pairwise(turns)):
            raise ValueError(
                f"rollout_turns: give two ascending lengths from {MIN_OWN_TURNS} up, so that it shows "
                f"whether two peaks stay; got {turns}"
            )
        return self

    @model_validator(mode="after")
    def _ramps_can_be_made(self) -> "DialogueSettings":
        for name in ("rollout_alphas", "ramp_alphas"):
            values = getattr(self, name)
            if any(a >= b for a, b in pairwise(values)) or any(not 0.0 <= a <= 1.0 for a in values):
                raise ValueError(f"{name}: shares between 0 and 1 in ascending order, got {values}")
        if len(self.ramp_alphas) < 2 or not self.ramp_holds or min(self.ramp_holds) < 1:
            raise ValueError("a ramp needs two ratios and a hold of at least one own turn")
        for name in ("ramp_holds", "ramp_protocols"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name}: name each once, and one at least; got {values}")
        if not self.neutral_reply.strip():
            raise ValueError("neutral_reply is empty; give a text that argues for nothing")
        return self
