import math

import pytest

from alignthermo.errors import ConfigError, GateFailed
from alignthermo.quantities import Estimate, Record
from alignthermo.runs import judge_gates, parse_gate, require_gates


def record(quantity, value, *, low=math.nan, high=math.nan, **where):
    reason = "too few prompts" if math.isnan(value) else None
    estimate = Estimate(value=value, low=low, high=high, n=9, unit="nat", method="m", reason=reason)
    return Record(experiment="e", unit_id="all", slice=where, quantity=quantity, estimate=estimate)


SECRET = record("f_align", 0.5, low=0.3, high=0.7, category="secret")
TASK = record("f_align", 0.9, low=0.8, high=1.0, category="task, easy")
UNKNOWN = record("alpha_c", math.nan, category="secret")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("f_align.low < 0.2", "pass"),
        ("f_align.low < 0.4", "fail"),  # one slice of two is enough
        ("f_align[category=secret].low < 0.4", "fail"),
        ('f_align[category="task, easy"].low < 0.4', "pass"),
        ("f_align[ category = secret ] . value<=0.5", "fail"),
        ("f_align.high > 1", "pass"),
        ("f_align.high >= 1e0", "fail"),
        ("f_align.value == 0.9", "fail"),
        ("f_align.value != 0.9", "fail"),
        ("f_align.value > inf", "pass"),
        ("f_align[category=other].low < 0", "fail"),  # matches nothing
        ("f_align[category=secret,policy=x].low < 0", "fail"),
        ("nothing.low < 0", "fail"),
        ("alpha_c.value < 0", "fail"),  # unknown
        ("alpha_c.low < 0", "fail"),
    ],
)
def test_gates(text, outcome):
    (verdict,) = judge_gates([parse_gate(text)], [SECRET, TASK, UNKNOWN])
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f_align < 1",
        "f_align.mean < 1",
        "f_align.low = 1",
        "f_align.low < x",
        "f_align.low < nan",
        "f_align[].low < 1",
        "f_align[category].low < 1",
        "f_align[category=secret.low < 1",
        "f_align[category=a b c=d].low < 1; rm",
        'f_align[category="x" y].low < 1',
    ],
)
def test_a_gate_that_cannot_be_read_says_how_to_write_one(text):
    with pytest.raises(ConfigError, match="QUANTITY"):
        parse_gate(text)


def test_failed_gates_raise_with_their_numbers():
    with pytest.raises(GateFailed, match=r"category=secret.*0\.3") as caught:
        require_gates(["f_align.low < 0.4", "f_align.low < 0"], [SECRET, TASK])
    assert caught.value.exit_code == 10
    assert "easy" not in str(caught.value)


def test_passing_gates_return_their_verdicts():
    (verdict,) = require_gates(["f_align.low < 0.2"], [SECRET, TASK])
    assert verdict.outcome == "pass"
    assert len(verdict.tests) == 2


def test_an_empty_result_fails():
    with pytest.raises(GateFailed, match="matches no estimate"):
        require_gates(["f_align.low < 0.2"], [])
