"""Which conversations are held: instruction, user turns, arms."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.held_out import is_held_out
from alignthermo.experiments.drift.instructions import Instruction
from alignthermo.experiments.drift.user_turns import UserTurns
from alignthermo.quantities import random_stream

__all__ = ["PlannedTalk", "planned_talks", "talk_arms"]


@dataclass(frozen=True, kw_only=True)
class PlannedTalk:
    """A conversation before it is held, the same one in every arm.

    Attributes
    ----------
    number : int
    id : str
    instruction : Instruction
    held_out : bool
    user_turns : tuple of str
        What the user says; empty where another copy of the model speaks, or nobody.
    """

    number: int
    id: str
    instruction: Instruction
    held_out: bool
    user_turns: tuple[str, ...] = ()


def planned_talks(
    config: DriftConfig, instructions: Sequence[Instruction], user_turns: UserTurns | None
) -> tuple[PlannedTalk, ...]:
    """Deal the instructions, shuffled once by the seed, to the conversations in turn.

    Raises
    ------
    InputError
        Too few user turns.
    """
    order = random_stream(config.seed, "instructions").permutation(len(instructions)).tolist()
    talks = []
    for number in range(config.conversations):
        instruction = instructions[order[number % len(order)]]
        name = f"talk-{number:04d}"
        said: tuple[str, ...] = ()
        if user_turns is not None and config.mode == "self_chat":
            rng = random_stream(config.seed, name, "user turns")
            said = user_turns.drawn(instruction, n=config.turns, rng=rng)
        talks.append(
            PlannedTalk(
                number=number,
                id=name,
                instruction=instruction,
                held_out=is_held_out(config, number),
                user_turns=said,
            )
        )
    return tuple(talks)


def talk_arms(config: DriftConfig) -> tuple[DriftArm, ...]:
    """Return the arms in which conversations are held: the plain one, then each reminder, then each window.

    Examples
    --------
    >>> config = DriftConfig(aligned="m", transcripts="t", reminders=("repeat@end",), windows=("sliding:64",))
    >>> [arm.name for arm in talk_arms(config)]
    ['plain', 'repeat@end', 'sliding:64']
    """
    return tuple(arm for arm in config.arms if not arm.is_control)
