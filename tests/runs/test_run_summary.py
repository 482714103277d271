import json
import math

import pytest

from alignthermo.errors import RunFolderError
from alignthermo.quantities import Estimate, Record, Verdict
from alignthermo.runs import parse_summary, summary_json
from tests.runs.test_run_schema import bits


def record(value, **numbers):
    reason = "no data" if math.isnan(value) else None
    estimate = Estimate(value=value, n=3, unit="nat", method="m", caveats=("c",), reason=reason, **numbers)
    return Record(experiment="e", unit_id="all", slice={"b": "1", "a": "2"}, quantity="q", estimate=estimate)


RECORDS = [record(math.nan), record(math.inf, low=-math.inf, high=math.inf), record(0.1 + 0.2, low=0.0)]
VERDICTS = [Verdict(name="v", outcome="pass", statement="s", tests=("t", "u"), slice={"a": "b"})]


def refuse(name):
    raise AssertionError(f"{name} is not strict JSON")


def test_the_summary_is_strict_json_with_null_and_spelled_infinities():
    summary = json.loads(summary_json(estimates=RECORDS, verdicts=VERDICTS), parse_constant=refuse)
    unknown, infinite, known = summary["estimates"]
    assert summary["schema"] == "alignthermo.summary/1"
    assert (unknown["value"], unknown["reason"]) == (None, "no data")
    assert (infinite["value"], infinite["low"], infinite["high"]) == ("inf", "-inf", "inf")
    assert known["value"] == 0.1 + 0.2
    assert summary["verdicts"][0]["tests"] == ["t", "u"]


def test_the_summary_comes_back_whole():
    estimates, verdicts = parse_summary(summary_json(estimates=RECORDS, verdicts=VERDICTS))
    assert [bits(one) for one in estimates] == [bits(one) for one in RECORDS]
    assert verdicts == tuple(VERDICTS)


def test_lone_surrogates_do_not_break_the_file():
    odd = [Verdict(name="v", outcome="pass", statement="half\ud800")]
    text = summary_json(estimates=[], verdicts=odd)
    assert "half\\\\ud800" in text
    text.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "alignthermo.summary/9"}', '{"schema": "alignthermo.summary/1"}'],
)
def test_another_file_is_refused(text):
    with pytest.raises(RunFolderError, match="summary"):
        parse_summary(text)
