"""The certificate: instruction, attack, order and size to α_c with its interval, slope, law, verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from alignthermo.quantities import Estimate, Record, Verdict

__all__ = ["Certificate", "CertificateLine", "certificate_of", "threshold_text"]

_SIZES = ("length", "n_instr")
_NAMED = 4
"""Lines that are named before the others are counted."""


@dataclass(frozen=True, kw_only=True)
class CertificateLine:
    """One curve.

    Attributes
    ----------
    instruction : str
        Category of the prompts, or ``all``.
    family, order : str
    size_name : str
        ``length`` (L) or ``n_instr`` (append-only designs).
    size : float
    alpha_c, slope : Estimate
        Slope within prompt.
    law, verdict : str
    ceiling : str
        Why nothing higher on the verdict scale could be said.
    tokens_to_raise : Estimate or None
        Cheapest redundant instruction that reaches the wanted α_c; None where none is wanted.
    gain_per_token : Estimate or None
        Largest gain in α_c per redundant token; None where it was not measured.
    reinforcement : str
        Phrasing and placement it was reached with.
    """

    instruction: str
    family: str
    order: str
    size_name: str
    size: float
    alpha_c: Estimate
    slope: Estimate
    law: str
    verdict: str
    ceiling: str
    tokens_to_raise: Estimate | None = None
    gain_per_token: Estimate | None = None
    reinforcement: str = ""

    @property
    def name(self) -> str:
        """Tells the line from the others of its certificate."""
        category = f"{self.instruction} " if self.instruction != "all" else ""
        return f"{category}{self.family} {self.order} {self.size:g}"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """All lines, in the order of the run."""

    lines: tuple[CertificateLine, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Column names of `rows`."""
        size = "N_instr" if any(line.size_name == "n_instr" for line in self.lines) else "L"
        curve = ("alpha_c", "slope", "law", "verdict")
        return ("instruction", "attack", "order", size, *curve, "tokens to raise")

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The table as text."""
        return tuple(
            (
                line.instruction,
                line.family,
                line.order,
                f"{line.size:g}",
                threshold_text(line.alpha_c),
                _text(line.slope),
                line.law,
                line.verdict,
                _raising_text(line),
            )
            for line in self.lines
        )

    @property
    def ceilings(self) -> tuple[str, ...]:
        """Each reason why a verdict could not be higher, once, with the lines it holds for if not for all."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            found.setdefault(line.ceiling, []).append(line.name)
        return tuple(
            ceiling if len(names) == len(self.lines) else f"{ceiling} ({_listed(names)})"
            for ceiling, names in found.items()
            if ceiling
        )

    def as_dicts(self) -> list[dict[str, object]]:
        """Return plain values for JSON; unknown numbers are None."""
        return [{key: _plain(value) for key, value in asdict(line).items()} for line in self.lines]


def certificate_of(records: Sequence[Record], verdicts: Sequence[Verdict]) -> Certificate:
    """Read the certificate out of the records and verdicts of a run (those of summary.json)."""
    slopes = {_key(r.slice): r.estimate for r in records if r.quantity == "slope_within"}
    laws = {_key(v.slice): v for v in verdicts if v.name == "law"}
    places = {_key(v.slice): v for v in verdicts if v.name == "transition"}
    costs = {_key(r.slice): r for r in records if r.quantity == "tokens_to_raise"}
    gains = {_key(r.slice): r for r in records if r.quantity == "reinforcement_gain_best"}
    nothing = Estimate.unknown("not measured", n=0, unit="per α", method="not measured")
    lines = []
    for record in records:
        key = _key(record.slice)
        if record.quantity != "alpha_c" or key not in places:
            continue
        size_name = next(name for name in _SIZES if name in record.slice)
        place = places[key]
        cost, gain = costs.get(key), gains.get(key)
        best = cost or gain
        lines.append(
            CertificateLine(
                instruction=record.slice["category"],
                family=record.slice["family"],
                order=record.slice["order"],
                size_name=size_name,
                size=float(record.slice[size_name]),
                alpha_c=record.estimate,
                slope=slopes.get(key, nothing),
                law=laws[key].outcome,
                verdict=place.outcome,
                ceiling="" if place.statement == "no ceiling" else place.statement,
                tokens_to_raise=cost.estimate if cost else None,
                gain_per_token=gain.estimate if gain else None,
                reinforcement=best.policies.get("reinforcement", "") if best else "",
            )
        )
    return Certificate(lines=tuple(lines))


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return "; ".join([*names[:_NAMED], *([f"{rest} more"] if rest > 0 else [])])


def _key(where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(where.items()))


def threshold_text(alpha_c: Estimate) -> str:
    """Spell α_c with its interval; where it is not bracketed, the bound that was measured."""
    if not math.isnan(alpha_c.value):
        return _text(alpha_c)
    if not math.isnan(alpha_c.low):
        above = f"> {alpha_c.low:.3g}" if alpha_c.low < 1.0 else "kept at 1 still"
        return f"not bracketed, {above}"
    if not math.isnan(alpha_c.high):
        below = f"< {alpha_c.high:.3g}" if alpha_c.high > 0.0 else "broken at 0 already"
        return f"not bracketed, {below}"
    return "not bracketed" if (alpha_c.reason or "").startswith("not bracketed") else "unknown"


def _raising_text(line: CertificateLine) -> str:
    """Spell the cheapest reinforcement to the wanted α_c; without one, the gain of 100 tokens."""
    kind = f", {line.reinforcement}" if line.reinforcement else ""
    cost, gain = line.tokens_to_raise, line.gain_per_token
    if cost is not None:
        known = not math.isnan(cost.value)
        return f"{_text(cost)}{kind}" if known else (cost.reason or "unknown")
    if gain is None:
        return "not measured"
    if math.isnan(gain.value):
        word = "α_c not bracketed" if (gain.reason or "").startswith("not bracketed") else "unknown"
        least = f", > {100.0 * gain.low:+.2g} per 100 tokens" if not math.isnan(gain.low) else ""
        return f"{word}{least}"
    value, low, high = (100.0 * x for x in (gain.value, gain.low, gain.high))
    ends = ("?" if math.isnan(end) else f"{end:+.2g}" for end in (low, high))
    return f"α_c {value:+.2g} [{', '.join(ends)}] per 100 tokens{kind}"


def _text(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "unknown"
    if math.isnan(estimate.low) and math.isnan(estimate.high):
        return f"{estimate.value:.3g} (no interval)"
    ends = ("?" if math.isnan(end) else f"{end:.3g}" for end in (estimate.low, estimate.high))
    return f"{estimate.value:.3g} [{', '.join(ends)}]"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
