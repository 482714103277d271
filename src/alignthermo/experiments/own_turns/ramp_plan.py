"""Ramps of α up and down as dialogues: what stands in the context at every own turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from alignthermo.contexts import Context
from alignthermo.errors import ConfigError, InputError
from alignthermo.experiments.own_turns.null_inputs import label_inputs, ratio_inputs
from alignthermo.experiments.own_turns.request import Request
from alignthermo.quantities import Message

__all__ = ["AppendPlan", "Arm", "EditPlan", "RampPlan", "RampScript", "Rung", "rung_of"]

Arm = Literal["own", "neutral", "none"]
"""What stands where the model spoke: its own words, a neutral reply, or nothing, requests gone too."""

Turns = tuple[tuple[Message, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """Material of one α; `alpha` as counted in tokens."""

    alpha: float
    messages: tuple[Message, ...]


def rung_of(context: Context) -> Rung:
    """Take a rung from a composed context: its α as counted, its messages without the request.

    Raises
    ------
    InputError
        The request was merged with other text, so it cannot be taken off.
    """
    asked = [span for span in context.spans if span.kind == "query"]
    alone = bool(asked) and not any(
        span.kind in ("instruction", "adversarial", "filler") and span.start > asked[0].start
        for span in context.spans
    )
    if not alone or len(context.messages) < 2 or context.turns[-1].place != "query":
        raise InputError(
            f"{context.id}: the last message is not the request alone; compose without a template around it"
        )
    return Rung(alpha=context.alpha, messages=context.messages[:-1])


@dataclass(frozen=True, kw_only=True)
class EditPlan:
    """The material is written anew for each α; what was said at own turns follows it, or is cut.

    Attributes
    ----------
    rungs : tuple of Rung
        α ascending.
    requests : tuple of Request
        Asked in turn within each α; replicate r begins with request r.
    hold : int
        Own turns at each α.
    arm : str
        ``own``, ``neutral`` or ``none`` (the self-test of the apparatus: the context is then a function of α,
        and its random numbers are those of α too, so that the loop must be 0 to the last bit).
    neutral : str
        The neutral reply.
    window : int, optional
        Own exchanges that stay, the oldest go first; all of them unless given.

    Raises
    ------
    ConfigError
        Fewer than two rungs, rungs that do not ascend, no request or hold, or a neutral arm without reply.
    """

    rungs: tuple[Rung, ...]
    requests: tuple[Request, ...]
    hold: int
    arm: Arm = "own"
    neutral: str = ""
    window: int | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def alphas(self) -> tuple[float, ...]:
        """α of every rung."""
        return tuple(rung.alpha for rung in self.rungs)

    @property
    def protocol(self) -> str:
        """Name of the protocol and its arm."""
        words = {"own": "own replies kept", "neutral": "neutral replies", "none": "without own replies"}
        kept = f", last {self.window}" if self.window is not None and self.arm != "none" else ""
        return f"edit, {words[self.arm]}{kept}"

    def context(self, script: "RampScript", turn: int, exchanges: Turns) -> tuple[Message, ...]:
        """Material, exchanges, request."""
        kept = exchanges[-self.window :] if self.window else exchanges
        kept = () if self.arm == "none" or self.window == 0 else kept
        said = (message for exchange in kept for message in exchange)
        return (*self.rungs[script.ratio(turn)].messages, *said, *script.request(turn).messages)

    def material_inputs(self) -> Float[np.ndarray, "turn input"]:
        """Return what the additive null reads of the material: 1 − 2α."""
        return ratio_inputs(self.context_alphas())

    def context_alphas(self) -> Float[np.ndarray, " turn"]:
        """α of the material in the context at every own turn."""
        return np.array([self.alphas[i] for i in ratio_by_turn(self)])


@dataclass(frozen=True, kw_only=True)
class AppendPlan:
    """Every own turn first adds one turn of material, adversarial with the share α.

    Nothing is removed, unless there is a window.

    Labels follow α by error diffusion, the same in all replicates, which take their turns from other places
    of the pools. An accumulating memory makes a loop here that *grows* with holding: only the excess over the
    additive null counts, and a loop should be confirmed by an `EditPlan`.

    Attributes
    ----------
    alphas : tuple of float
        Share per turn, ascending.
    instruction, adversarial : tuple of tuples of Message
        Pools of turns, of about equal tokens.
    requests, hold, arm, neutral
        As in `EditPlan`; ``none`` is not possible.
    opening : tuple of Message
        Stays at the beginning: the system text.
    window : int, optional
        Past turns of material that stay, each with its exchange, the oldest go first; all unless given. A
        long hold outgrows every model without it.

    Raises
    ------
    ConfigError
        As in `EditPlan`, or an empty pool.
    """

    alphas: tuple[float, ...]
    instruction: Turns
    adversarial: Turns
    requests: tuple[Request, ...]
    hold: int
    arm: Arm = "own"
    neutral: str = ""
    opening: tuple[Message, ...] = ()
    window: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        if not self.instruction or not self.adversarial or self.arm == "none":
            raise ConfigError(
                f"AppendPlan: {len(self.instruction)} instruction and {len(self.adversarial)} adversarial "
                f"turns, arm {self.arm!r}; needs some of each, and replies that stay"
            )

    @property
    def protocol(self) -> str:
        """Name of the protocol and its arm."""
        kept = f", last {self.window} turns" if self.window is not None else ""
        return f"append, {self.arm} replies{kept}"

    @cached_property
    def labels(self) -> Int[np.ndarray, " turn"]:
        """+1 or −1 of the turn of material added before each own turn."""
        share = np.cumsum([self.alphas[i] for i in ratio_by_turn(self)])
        # half-way sums are rounded up, with a margin for the rounding of the sum itself
        reached = np.floor(share + 0.5 + 1e-9)
        return np.where(np.diff(reached, prepend=0.0) > 0.0, -1, 1)

    def context(self, script: "RampScript", turn: int, exchanges: Turns) -> tuple[Message, ...]:
        """Material and exchange of every turn so far, the material of this one, request."""
        messages = list(self.opening)
        for past in range(self._first(turn), turn):
            messages += [*self.material(script.replicate, past), *exchanges[past]]
        return (*messages, *self.material(script.replicate, turn), *script.request(turn).messages)

    def material_inputs(self) -> Float[np.ndarray, "turn input"]:
        """Return what the additive null reads: the last labels by lag, and the sum of all older ones."""
        return label_inputs(self.labels)

    def context_alphas(self) -> Float[np.ndarray, " turn"]:
        """Share of adversarial turns among those in the context at every own turn: it lags behind α."""
        against = self.labels < 0
        return np.array([against[self._first(turn) : turn + 1].mean() for turn in range(against.size)])

    def material(self, replicate: int, turn: int) -> tuple[Message, ...]:
        """Return the turn of material that a replicate adds before an own turn."""
        pool = self.instruction if self.labels[turn] > 0 else self.adversarial
        return pool[(replicate + turn) % len(pool)]

    def _first(self, turn: int) -> int:
        """First turn of material in the context of an own turn."""
        return 0 if self.window is None else max(0, turn - self.window)


RampPlan = EditPlan | AppendPlan


@dataclass(frozen=True, kw_only=True)
class RampScript:
    """One replicate of a ramp."""

    plan: RampPlan
    replicate: int

    @property
    def n_turns(self) -> int:
        """2 × ratios × hold."""
        return 2 * len(self.plan.alphas) * self.plan.hold

    def ratio(self, turn: int) -> int:
        """Place of the α of an own turn."""
        step = turn // self.plan.hold
        return min(step, 2 * len(self.plan.alphas) - 1 - step)

    def request(self, turn: int) -> Request:
        """Return the request of a turn, the same on both ways."""
        return self.plan.requests[self.request_place(turn)]

    def request_place(self, turn: int) -> int:
        """Place of the request of a turn among the plan's."""
        held = turn % self.plan.hold
        return (self.replicate + self.ratio(turn) * self.plan.hold + held) % len(self.plan.requests)

    def context(self, turn: int, replies: Sequence[str]) -> tuple[Message, ...]:
        """Return the whole context of a turn."""
        exchanges = tuple(
            (*self.request(past).messages, Message(role="assistant", content=self._spoken(reply)))
            for past, reply in enumerate(replies)
        )
        return self.plan.context(self, turn, exchanges)

    def stream(self, turn: int) -> str:
        """Name the draw: equal in the own and the neutral arm; in the self-test equal on both ways too."""
        way = 0 if self.plan.arm == "none" else turn // (len(self.plan.alphas) * self.plan.hold)
        return f"{way}/{self.ratio(turn)}/{turn % self.plan.hold}"

    def _spoken(self, reply: str) -> str:
        return self.plan.neutral if self.plan.arm == "neutral" else reply


def ratio_by_turn(plan: RampPlan) -> list[int]:
    """Place of the α of every own turn."""
    script = RampScript(plan=plan, replicate=0)
    return [script.ratio(turn) for turn in range(script.n_turns)]


def _check(plan: RampPlan) -> None:
    name = type(plan).__name__
    alphas = plan.alphas
    if len(alphas) < 2 or any(a >= b for a, b in pairwise(alphas)) or alphas[0] < 0.0 or alphas[-1] > 1.0:
        raise ConfigError(f"{name}: α must ascend within [0, 1], at least two of them; got {alphas}")
    if plan.hold < 1 or not plan.requests or (plan.arm == "neutral" and not plan.neutral.strip()):
        raise ConfigError(
            f"{name}: hold {plan.hold}, {len(plan.requests)} requests, neutral reply {plan.neutral!r}; "
            f"needs a hold of at least 1, a request, and a neutral reply for the neutral arm"
        )
