"""Find the estimates of a quantity by arm and category, and its course over the tokens of a conversation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alignthermo.quantities import Estimate, Record
from alignthermo.report.escape import visible
from alignthermo.report.names import in_words
from alignthermo.report.record_index import ALL, CurvePoint

__all__ = ["CONTROLS", "PLAIN", "DriftIndex", "Place", "arm_name", "index_drift", "short_arm"]

PLAIN = "plain"
TOKENS_KEY = "tokens"
"""Key of a slice along which a course runs: mean tokens of a bin."""

CONTROLS = {
    "shuffled": "control: the instruction of another conversation",
    "no_instruction": "control: neutral text in the place of the instruction",
}
"""Arms that are read on the plain conversations, and what they are."""

_NAMES = {PLAIN: "plain conversations", **CONTROLS}
_SHORT = 18
_Rest = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One arm and one category of instructions."""

    arm: str = PLAIN
    category: str = ALL


@dataclass(frozen=True, kw_only=True)
class DriftIndex:
    """Records by quantity, arm and category.

    Attributes
    ----------
    arms : tuple of str
        Plain first, controls last.
    categories : tuple of str
        All first.
    quantities : frozenset of str
        Those with a known value anywhere.
    """

    arms: tuple[str, ...]
    categories: tuple[str, ...]
    quantities: frozenset[str]
    found: Mapping[tuple[str, Place], Mapping[_Rest, Estimate]]
    by_key: Mapping[tuple[str, Place, str], Mapping[_Rest, Mapping[str, Estimate]]]

    def get(self, quantity: str, place: Place, **more: str) -> Estimate | None:
        """Return the estimate on exactly this slice, None where the run holds none."""
        return self.found.get((quantity, place), {}).get(frozenset(more.items()))

    def named(self, quantity: str, place: Place, *, over: str, **more: str) -> Mapping[str, Estimate]:
        """Return the estimates by the values of one more key, in the order of the run."""
        return self.by_key.get((quantity, place, over), {}).get(frozenset(more.items()), {})

    def course(self, quantity: str, place: Place, **more: str) -> tuple[CurvePoint, ...]:
        """Return the estimates over the tokens of a conversation."""
        return self.curve(quantity, place, over=TOKENS_KEY, **more)

    def curve(self, quantity: str, place: Place, *, over: str, **more: str) -> tuple[CurvePoint, ...]:
        """Return the estimates over a numeric key of the slice."""
        found = self.named(quantity, place, over=over, **more)
        points = {_number(x): estimate for x, estimate in found.items()}
        return tuple(CurvePoint(x=x, estimate=points[x]) for x in sorted(filter(math.isfinite, points)))

    def reasons(self, *quantities: str) -> tuple[str, ...]:
        """Return why values of these quantities are unknown, each reason once."""
        found = (
            estimate.reason
            for (quantity, _), held in self.found.items()
            for estimate in held.values()
            if quantity in quantities and math.isnan(estimate.value)
        )
        return tuple(dict.fromkeys(reason for reason in found if reason))


def arm_name(arm: str) -> str:
    """Write an arm for the eye.

    >>> arm_name("plain"), arm_name("repeat@256")
    ('plain conversations', 'repeat@256')
    """
    return _NAMES.get(arm, arm)


def short_arm(arm: str) -> str:
    """Write an arm where there is little room, what cannot be seen made visible.

    >>> short_arm("conversation"), short_arm("sliding:512 and repeat@256")
    ('conversation', 'sliding:512 and r…')
    """
    shown = visible(in_words(arm))
    return shown if len(shown) <= _SHORT else f"{shown[: _SHORT - 1]}…"


def index_drift(records: Sequence[Record]) -> DriftIndex:
    """Index the records of a run once; of two on one slice the first counts."""
    found: dict[tuple[str, Place], dict[_Rest, Estimate]] = {}
    by_key: dict[tuple[str, Place, str], dict[_Rest, dict[str, Estimate]]] = {}
    arms: dict[str, None] = {}
    categories: dict[str, None] = {ALL: None}
    known = set()
    for record in records:
        rest = {str(key): str(value) for key, value in record.slice.items()}
        place = Place(arm=rest.pop("arm", ""), category=rest.pop("category", ALL))
        if place.arm:
            arms[place.arm] = None
            categories[place.category] = None
        held = frozenset(rest.items())
        found.setdefault((record.quantity, place), {}).setdefault(held, record.estimate)
        for key, value in held:
            lines = by_key.setdefault((record.quantity, place, key), {})
            lines.setdefault(held - {(key, value)}, {}).setdefault(value, record.estimate)
        if not math.isnan(record.estimate.value):
            known.add(record.quantity)
    ordered = sorted(arms, key=lambda arm: (arm != PLAIN, arm in CONTROLS))
    return DriftIndex(
        arms=tuple(ordered),
        categories=tuple(categories),
        quantities=frozenset(known),
        found=found,
        by_key=by_key,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
