"""Find the estimates of a quantity by what was held fixed, and list the curves of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alignthermo.quantities import Estimate, Record
from alignthermo.report.names import in_words
from alignthermo.report.record_index import ALL, CurvePoint

__all__ = ["PARAMETERS", "SIZE_NAMES", "CurveKey", "Slices", "index_slices"]

SIZE_NAMES = {"length": "L", "n_instr": "N_instr"}
"""How the size of a context is called in records and on the page."""

PARAMETERS = frozenset(
    {"wanted_alpha", "turn_alpha", "alpha", "lag", "law", "hold", "tokens", "false_alarms"}
)
"""Keys of a slice along which a curve may run."""

ADDED_BY = "stage"
"""Key that names the refinement which wanted a point; the point stands on the same curve."""

_Held = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class CurveKey:
    """One curve of a run: instruction × attack family × order × size."""

    category: str
    family: str
    order: str
    size_name: str
    size: str

    @property
    def where(self) -> dict[str, str]:
        """The slice of its records."""
        return {**self.scene, "order": self.order, self.size_name: self.size}

    @property
    def scene(self) -> dict[str, str]:
        """What all orders and sizes share."""
        return {"category": self.category, "family": self.family}

    @property
    def title(self) -> str:
        """Name of the curve among those of its scene."""
        return f"{in_words(self.order)}, {SIZE_NAMES[self.size_name]} = {self.size}"


@dataclass(frozen=True, kw_only=True)
class Slices:
    """Records by quantity and slice.

    Attributes
    ----------
    curves : tuple of CurveKey
        In the order of the run, pooled prompts first.
    """

    curves: tuple[CurveKey, ...]
    by_quantity: Mapping[str, Mapping[_Held, Estimate]]
    by_parameter: Mapping[tuple[str, str], Mapping[_Held, Mapping[str, Estimate]]]

    def get(self, quantity: str, where: Mapping[str, str]) -> Estimate | None:
        """Return the estimate on exactly this slice, None where the run did not measure it."""
        return self.by_quantity.get(quantity, {}).get(frozenset(where.items()))

    def curve(self, quantity: str, where: Mapping[str, str], *, over: str) -> tuple[CurvePoint, ...]:
        """Return the estimates over a numeric key of the slice, in its order; empty where not measured."""
        found = ((_number(x), e) for x, e in self.named(quantity, where, over=over).items())
        points = [CurvePoint(x=x, estimate=e) for x, e in found if not math.isnan(x)]
        return tuple(sorted(points, key=lambda point: point.x))

    def named(self, quantity: str, where: Mapping[str, str], *, over: str) -> Mapping[str, Estimate]:
        """Return the estimates by the values of one more key, in the order of the run."""
        return self.by_parameter.get((quantity, over), {}).get(frozenset(where.items()), {})

    def within(self, quantity: str, where: Mapping[str, str]) -> tuple[tuple[dict[str, str], Estimate], ...]:
        """Return every estimate on a part of this slice, with what else was held fixed there."""
        held = where.items()
        return tuple(
            (dict(sorted(slice_ - held)), estimate)
            for slice_, estimate in self.by_quantity.get(quantity, {}).items()
            if slice_ >= held
        )

    def slices(self, quantity: str) -> tuple[dict[str, str], ...]:
        """Return every slice of a quantity, in the order of the run."""
        return tuple(dict(sorted(held)) for held in self.by_quantity.get(quantity, {}))

    def reasons(self, *quantities: str) -> tuple[str, ...]:
        """Return why estimates of these quantities are unknown, each reason once."""
        found = (e.reason for q in quantities for e in self.by_quantity.get(q, {}).values())
        return tuple(dict.fromkeys(reason for reason in found if reason))

    @property
    def scenes(self) -> tuple[dict[str, str], ...]:
        """Category and family of the curves, pooled prompts first."""
        seen: dict[tuple[str, str], dict[str, str]] = {}
        for key in self.curves:
            seen.setdefault((key.category, key.family), key.scene)
        return tuple(seen.values())

    @property
    def pooled_scenes(self) -> tuple[dict[str, str], ...]:
        """Those of all prompts together."""
        return tuple(scene for scene in self.scenes if scene["category"] == ALL)

    def of(self, scene: Mapping[str, str]) -> tuple[CurveKey, ...]:
        """Return the curves of a scene."""
        return tuple(key for key in self.curves if key.scene == scene)


def index_slices(records: Sequence[Record]) -> Slices:
    """Index the records of a run once."""
    by_quantity: dict[str, dict[_Held, Estimate]] = {}
    by_parameter: dict[tuple[str, str], dict[_Held, dict[str, Estimate]]] = {}
    for record in records:
        held = frozenset((str(k), str(v)) for k, v in record.slice.items() if k != ADDED_BY)
        by_quantity.setdefault(record.quantity, {}).setdefault(held, record.estimate)
        for pair in held:
            if pair[0] in PARAMETERS:
                curves = by_parameter.setdefault((record.quantity, pair[0]), {})
                curves.setdefault(held - {pair}, {}).setdefault(pair[1], record.estimate)
    keys = [key for key in map(_curve_key, by_quantity.get("alpha_c", {})) if key is not None]
    keys.sort(key=lambda key: key.category != ALL)  # stable: the order of the run otherwise
    return Slices(curves=tuple(keys), by_quantity=by_quantity, by_parameter=by_parameter)


def _curve_key(held: _Held) -> CurveKey | None:
    where = dict(held)
    sizes = [name for name in SIZE_NAMES if name in where]
    if len(sizes) != 1 or set(where) != {"category", "family", "order", sizes[0]}:
        return None
    fixed = {name: where[name] for name in ("category", "family", "order")}
    return CurveKey(**fixed, size_name=sizes[0], size=where[sizes[0]])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
