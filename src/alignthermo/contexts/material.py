"""Everything a context may be made of, sorted by what it argues for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from alignthermo.contexts.fillers import filler_turns
from alignthermo.contexts.query import Query
from alignthermo.contexts.unit import Label, Unit
from alignthermo.errors import ConfigError

__all__ = ["Material", "Task"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Pools of whole turns.

    Attributes
    ----------
    family : str
        Name of the attack, for the record.
    system : tuple of Unit
        Instruction turns that open every context (the system prompt); they count as instruction tokens.
    instruction : tuple of Unit
        Pool of the instruction turns that make room as alpha grows: compliant exchanges, reminders.
    adversarial : tuple of Unit
        Pool of the attack.
    filler : tuple of Unit
        Neutral pool of the dilution control; small talk of our own unless given.
    wrap_alone : bool
        No adversarial turn stands before a request in a template: that template is the whole attack.
    reminders : tuple of Unit
        Redundant instruction for reinforcement, by phrasing (`reminder_turns`).

    Raises
    ------
    ConfigError
        A unit stands in a pool of another label, or two of one pool share an id.
    """

    family: str
    system: tuple[Unit, ...] = ()
    instruction: tuple[Unit, ...] = ()
    adversarial: tuple[Unit, ...] = ()
    filler: tuple[Unit, ...] = field(default_factory=filler_turns)
    reminders: tuple[Unit, ...] = ()
    wrap_alone: bool = False

    def __post_init__(self) -> None:
        _check(self.system, "instruction", "system")
        _check(self.instruction, "instruction", "instruction")
        _check(self.adversarial, "adversarial", "adversarial")
        _check(self.filler, "filler", "filler")
        _check(self.reminders, "instruction", "reminders")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One request and what its contexts are made of."""

    query: Query
    material: Material


def _check(units: Sequence[Unit], label: Label, pool: str) -> None:
    wrong = [unit.id for unit in units if unit.label != label]
    if wrong:
        raise ConfigError(f"material: turn {wrong[0]!r} is not {label}, but stands in the pool {pool!r}")
    twice = sorted(one for one, count in Counter(unit.id for unit in units).items() if count > 1)
    if twice:
        raise ConfigError(f"material: the pool {pool!r} has two turns with the id {twice[0]!r}")
