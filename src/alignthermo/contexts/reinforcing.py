"""Redundant instruction: which reminders make up the wanted tokens; or filler of that length, the control."""

from collections.abc import Callable, Sequence
from itertools import cycle, islice

from alignthermo.contexts.deck import Drawn
from alignthermo.contexts.design import Reinforcement
from alignthermo.contexts.matching import nearest_prefix
from alignthermo.contexts.unit import Unit
from alignthermo.errors import ConfigError

__all__ = ["FILLER", "redundant_turns"]

FILLER = "filler"
"""Phrasing of the control: neutral turns of the same length in the place of reminders."""


def redundant_turns(
    reminders: Sequence[Unit],
    wanted: Reinforcement,
    *,
    costs: Callable[[Unit], int],
    filler: Sequence[Unit] = (),
) -> tuple[Drawn, ...]:
    """Return reminders of the wanted phrasing, over and over, with about the wanted tokens.

    More tokens always continue fewer: the sequence is the same. The phrasing ``filler`` takes neutral turns
    instead, which count as filler.

    Raises
    ------
    ConfigError
        The material has no reminder of that phrasing.
    """
    chosen = [unit for unit in reminders if unit.family == f"reminder:{wanted.phrasing}"]
    if wanted.phrasing == FILLER:
        chosen = list(filler)
    if not chosen:
        known = sorted({unit.family.removeprefix("reminder:") for unit in reminders})
        raise ConfigError(
            f"reinforcement {wanted.name!r}: the material has no reminder of that phrasing; it has "
            f"{', '.join(known) or 'none (give Material.reminders)'}"
        )
    prices = [costs(unit) for unit in chosen]
    most = wanted.tokens // min(prices) + 1
    sequence = list(islice(cycle(zip(chosen, prices, strict=True)), most))
    count = nearest_prefix([price for _, price in sequence], float(wanted.tokens))
    return tuple(
        Drawn(unit=unit, cost=price, place=0.0, copy=index // len(chosen))
        for index, (unit, price) in enumerate(sequence[:count])
    )
