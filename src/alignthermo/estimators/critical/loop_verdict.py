"""What a set of held loops may be called."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alignthermo.errors import InputError
from alignthermo.estimators.laws.hysteresis import SHRINK, Hysteresis, survives_holding

__all__ = ["LoopLabel", "LoopVerdict", "loop_verdict"]

LoopLabel = Literal["hysteresis", "memory", "none", "inconclusive"]

BISTABLE = 2.0


@dataclass(frozen=True, kw_only=True)
class LoopVerdict:
    """A word for the loops of one protocol, and the numbers it rests on."""

    label: LoopLabel
    line: str


def loop_verdict(loops: tuple[Hysteresis, ...], *, resolution: float = 0.05) -> LoopVerdict:
    """Name the loops of one protocol over its holds.

    - *hysteresis*: at least two holds; at the longest the excess over the additive null is above 0 with its
      interval, and not below half of any shorter one's.
    - *none*: every interval of the area lies within ± `resolution`.
    - *memory*: some loop is there, and at the longest hold the part beyond the null is shown to be less than
      half of the largest loop (upper end of the interval).
    - *inconclusive*: anything else; a single hold and ramps that never crossed 1/2 included, since a system
      that never leaves one state shows no loop whatever it is.

    A null with Σw above 2 has two states of its own and holds a loop for ever; its loop is memory all the
    same, of an additive kind, and the line says so.

    Parameters
    ----------
    loops : tuple of Hysteresis
        One protocol, one per hold.
    resolution : float
        Largest area that passes for none, in α.

    Raises
    ------
    InputError
        No loop, or loops of several protocols.

    References
    ----------
    Formula F-176 in docs/formulas.md.
    """
    if not loops or len({loop.protocol for loop in loops}) > 1:
        raise InputError(f"loop_verdict: {len(loops)} loops; needs those of one protocol")
    held = sorted(loops, key=lambda loop: loop.hold)
    label = _label(held, resolution)
    shown = "; ".join(_shown(loop) for loop in held)
    words = {
        "hysteresis": "hysteresis beyond the additive null that survives holding",
        "memory": "memory: the loop is additive, or fades with holding",
        "none": f"none: no loop above {resolution:g}",
        "inconclusive": _why_inconclusive(held),
    }
    return LoopVerdict(label=label, line=f"{held[0].protocol}: {words[label]} ({shown})")


def _why_inconclusive(held: list[Hysteresis]) -> str:
    if len(held) < 2:
        return "inconclusive: a single hold"
    if any(loop.crossed for loop in held):
        return "inconclusive"
    ends = min(loop.lowest for loop in held), max(loop.highest for loop in held)
    return f"inconclusive: the ramps never crossed 1/2, P(kept) was {ends[0]:.2f} to {ends[1]:.2f} all along"


def _label(held: list[Hysteresis], resolution: float) -> LoopLabel:
    if len(held) < 2 or not any(loop.crossed for loop in held):
        return "inconclusive"
    if survives_holding(tuple(held)):
        return "hysteresis"
    areas = [loop.area for loop in held]
    if all(_high(loop) < resolution and _low(loop) > -resolution for loop in held):
        return "none"
    largest = max(area.value for area in areas)
    there = any(_low(loop) > 0.0 for loop in held)
    fades = held[-1].excess.high < SHRINK * largest
    return "memory" if there and fades else "inconclusive"


def _low(loop: Hysteresis) -> float:
    return loop.area.value if loop.area.stderr == 0.0 else loop.area.low


def _high(loop: Hysteresis) -> float:
    return loop.area.value if loop.area.stderr == 0.0 else loop.area.high


def _shown(loop: Hysteresis) -> str:
    bistable = ", null bistable" if loop.feedback > BISTABLE else ""
    text = f"hold {loop.hold}: area {loop.area.value:.3f}, null {loop.null:.3f}"
    ends = "" if np.isnan(loop.excess.low) else f" [{loop.excess.low:.3f}, {loop.excess.high:.3f}]"
    return f"{text}, excess {loop.excess.value:.3f}{ends}, Σw {loop.feedback:.2f}{bistable}"
