"""Gates for continuous integration: ``--fail-if 'alpha_c.low < 0.4'``.

::

    QUANTITY[slice=value,slice=value].low|value|high  < | <= | > | >= | == | !=  NUMBER

The condition describes failure. It is judged for every estimate of that name whose slice has the values
given: all of them must be free of it. An unknown number fails, and so does a gate that matches nothing.
A quantity that is only bounded has the end that was measured: α_c of a model that keeps its instruction at
every α has no value, but a `low`, the largest α tried, and ``alpha_c.low < 0.4`` is judged on that.
A value that holds ``,`` or ``]`` stands in double quotes.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from alignthermo.errors import ConfigError, GateFailed
from alignthermo.quantities import Record, Verdict

__all__ = ["Gate", "judge_gates", "parse_gate", "require_gates"]

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_GATE = re.compile(
    r"\s*(?P<quantity>\w+)\s*"
    r"(?:\[(?P<slice>(?:\"[^\"]*\"|[^\]\"])*)\])?"
    r"\s*\.\s*(?P<bound>low|value|high)"
    r"\s*(?P<op><=|>=|==|!=|<|>)\s*(?P<number>\S+)\s*"
)
_CONDITION = re.compile(
    r"\s*(?P<key>\w+)\s*=\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>[^,\"]*[^,\"\s]))\s*(?:,|$)"
)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A condition that must not hold; `text` is how the user wrote it."""

    text: str
    quantity: str
    slice: Mapping[str, str]
    bound: str
    op: str
    number: float

    def matches(self, record: Record) -> bool:
        """Whether the gate speaks about this estimate."""
        same = all(record.slice.get(key) == value for key, value in self.slice.items())
        return same and record.quantity == self.quantity

    def fails(self, record: Record) -> bool:
        """Whether the condition holds for this estimate, or its number is unknown."""
        number = float(getattr(record.estimate, self.bound))
        return math.isnan(number) or _OPERATORS[self.op](number, self.number)


def parse_gate(text: str) -> Gate:
    """Read one gate.

    Raises
    ------
    ConfigError
        The text does not follow the grammar.

    Examples
    --------
    >>> gate = parse_gate("f_align[category=secret].low < 0.4")
    >>> gate.quantity, dict(gate.slice), gate.bound, gate.op, gate.number
    ('f_align', {'category': 'secret'}, 'low', '<', 0.4)
    """
    found = _GATE.fullmatch(text)
    wanted = _conditions(found["slice"]) if found else None
    number = _number(found["number"]) if found else math.nan
    if found is None or wanted is None or math.isnan(number):
        raise ConfigError(
            f"--fail-if {text!r} cannot be read: write QUANTITY[slice=value].low|value|high OP NUMBER, "
            "for example 'f_align[category=secret].low < 0.4'"
        )
    return Gate(
        text=text,
        quantity=found["quantity"],
        slice=wanted,
        bound=found["bound"],
        op=found["op"],
        number=number,
    )


def _conditions(text: str | None) -> dict[str, str] | None:
    wanted: dict[str, str] = {}
    start = 0
    while text is not None and start < len(text):
        one = _CONDITION.match(text, start)
        if one is None:
            return None
        wanted[one["key"]] = one["plain"] if one["quoted"] is None else one["quoted"]
        start = one.end()
    return None if text is not None and not wanted else wanted


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _evidence(gate: Gate, record: Record) -> str:
    number = float(getattr(record.estimate, gate.bound))
    where = ", ".join(f"{key}={value}" for key, value in sorted(record.slice.items())) or record.unit_id
    why = f" ({record.estimate.reason})" if math.isnan(number) and record.estimate.reason else ""
    unit = "" if record.estimate.unit == "1" else f" {record.estimate.unit}"
    spelled = "unknown" if math.isnan(number) else f"{number:.6g}{unit}"
    return f"{gate.quantity}[{where}].{gate.bound} = {spelled}{why}"


def _judge(gate: Gate, estimates: Sequence[Record]) -> Verdict:
    matching = [record for record in estimates if gate.matches(record)]
    failing = [record for record in matching if gate.fails(record)]
    if not matching:
        known = ", ".join(sorted({record.quantity for record in estimates})) or "nothing"
        statement = f"gate '{gate.text}' matches no estimate; the run has {known}"
    elif failing:
        unknown = sum(math.isnan(float(getattr(record.estimate, gate.bound))) for record in failing)
        why = f", on {unknown} because {gate.bound} is unknown" if unknown else ""
        statement = f"gate '{gate.text}' fails on {len(failing)} of {len(matching)} slices{why}"
    else:
        statement = f"gate '{gate.text}' passes on {len(matching)} slices"
    return Verdict(
        name=f"gate: {gate.text}",
        outcome="fail" if failing or not matching else "pass",
        statement=statement,
        tests=tuple(_evidence(gate, record) for record in failing or matching),
        slice=gate.slice,
    )


def judge_gates(gates: Sequence[Gate], estimates: Sequence[Record]) -> tuple[Verdict, ...]:
    """Return one verdict per gate, ``pass`` or ``fail``, with the numbers it rests on."""
    return tuple(_judge(gate, estimates) for gate in gates)


def require_gates(gates: Sequence[str], estimates: Sequence[Record]) -> tuple[Verdict, ...]:
    """Judge gates as the user wrote them and return their verdicts if all pass.

    Raises
    ------
    ConfigError
        A gate cannot be read.
    GateFailed
        With the statement and the numbers of every gate that failed.
    """
    verdicts = judge_gates([parse_gate(text) for text in gates], estimates)
    failed = [verdict for verdict in verdicts if verdict.outcome != "pass"]
    if failed:
        raise GateFailed(
            "\n  ".join(line for verdict in failed for line in (verdict.statement, *verdict.tests))
        )
    return verdicts
