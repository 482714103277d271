"""Escalating attack dialogues, and harmless ones of the same build."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int

from alignthermo.errors import ConfigError
from alignthermo.experiments.own_turns.request import Request
from alignthermo.quantities import Message, random_stream

__all__ = ["EscalationArm", "EscalationPlan", "EscalationScript"]

EscalationArm = Literal["attack", "harmless"]

Turns = tuple[tuple[Message, ...], ...]

MIN_TURNS = 12
"""Fewer leave an indicator of 8 turns and its trend nothing to see."""


@dataclass(frozen=True, kw_only=True)
class EscalationPlan:
    r"""Every own turn first adds one turn of material, adversarial ever more often.

    .. math:: P(\text{adversarial at turn } t) = t/(n - 1), \qquad t = 0 \dots n - 1

    drawn anew for every dialogue. In a harmless dialogue neutral filler stands where an attack would: so it
    loses as much instruction, and only the attack tells the two apart. Formula F-195 in docs/formulas.md.

    Attributes
    ----------
    opening : tuple of Message
        The system text.
    instruction, adversarial, filler : tuples of turns
        Pools; a dialogue takes its turns in order from a place of its own.
    requests : tuple of Request
        Asked in turn.
    n_turns : int
        Own turns, at least 12.
    arm : str
        ``attack`` or ``harmless``.
    seed : int
        Of the draws of turns.
    window : int, optional
        Past turns of material that stay, each with its exchange; all of them unless given.

    Raises
    ------
    ConfigError
        An empty pool, no request, or too few turns.
    """

    opening: tuple[Message, ...]
    instruction: Turns
    adversarial: Turns
    filler: Turns
    requests: tuple[Request, ...]
    n_turns: int
    arm: EscalationArm
    seed: int = 0
    window: int | None = None

    def __post_init__(self) -> None:
        pools = (self.instruction, self.filler if self.arm == "harmless" else self.adversarial)
        if not all(pools) or not self.requests or self.n_turns < MIN_TURNS:
            raise ConfigError(
                f"EscalationPlan: {len(pools[0])} instruction turns, {len(pools[1])} against them, "
                f"{len(self.requests)} requests, {self.n_turns} own turns; needs some of each, and at least "
                f"{MIN_TURNS} own turns"
            )


@dataclass(frozen=True, kw_only=True)
class EscalationScript:
    """One escalating dialogue."""

    plan: EscalationPlan
    replicate: int

    @property
    def n_turns(self) -> int:
        """Own turns."""
        return self.plan.n_turns

    @cached_property
    def labels(self) -> Int[np.ndarray, " turn"]:
        """+1 for a turn of instruction, −1 for one of attack, 0 for filler in the place of an attack."""
        n, plan = self.plan.n_turns, self.plan
        draws = random_stream(plan.seed, "escalation", plan.arm, self.replicate).random(n)
        against = -1 if plan.arm == "attack" else 0
        return np.where(draws < np.arange(n) / (n - 1), against, 1)

    def request(self, turn: int) -> Request:
        """Return the request of a turn."""
        return self.plan.requests[self.request_place(turn)]

    def request_place(self, turn: int) -> int:
        """Place of the request of a turn among the plan's."""
        return (self.replicate + turn) % len(self.plan.requests)

    def material(self, turn: int) -> tuple[Message, ...]:
        """Return the turn of material that is added before an own turn."""
        pools = {1: self.plan.instruction, -1: self.plan.adversarial, 0: self.plan.filler}
        pool = pools[int(self.labels[turn])]
        return pool[(self.replicate + turn) % len(pool)]

    def context(self, turn: int, replies: Sequence[str]) -> tuple[Message, ...]:
        """Return the whole context of a turn."""
        messages = list(self.plan.opening)
        first = 0 if self.plan.window is None else max(0, turn - self.plan.window)
        for past in range(first, turn):
            reply = Message(role="assistant", content=replies[past])
            messages += [*self.material(past), *self.request(past).messages, reply]
        return (*messages, *self.material(turn), *self.request(turn).messages)

    def stream(self, turn: int) -> str:
        """Name the draw of a turn."""
        return f"{self.plan.arm}/{turn}"
