"""Headlines and their spread: errors of known size, files that survive, lists that must agree."""

import json
import math

import numpy as np
import pytest

from alignthermo.errors import ConfigError
from alignthermo.reference.behaviour import Members, read_cases
from alignthermo.reference.export import load_member
from alignthermo.reference.headlines import Effort, measure_headlines
from alignthermo.reference.seed_spread import Headline, gather_spread, read_spread, spread_json
from alignthermo.reference.tokenizer import Encoder, load_tokenizer

pytestmark = pytest.mark.slow


def headline(name: str, value: float, stderr: float = 0.1) -> Headline:
    return Headline(name=name, unit="nat", value=value, stderr=stderr)


def spread_of(*values: float):
    rows = [[headline("a", v), headline("b", 2 * v, math.nan)] for v in values]
    return gather_spread(rows, seeds=range(len(values)), members=("base",), prompts_sha256="x")


def test_spread_is_mean_and_sample_deviation_over_seeds():
    row = spread_of(1.0, 2.0, 4.0).rows[0]
    assert row.mean == pytest.approx(7 / 3)
    assert row.deviation == pytest.approx(np.std([1.0, 2.0, 4.0], ddof=1))
    assert row.within == pytest.approx(0.1)
    assert row.values == (1.0, 2.0, 4.0)


def test_one_seed_has_no_spread():
    assert math.isnan(spread_of(1.0).rows[0].deviation)


def test_the_file_is_read_back_as_written(tmp_path):
    spread, path = spread_of(1.0, 2.0, 4.0), tmp_path / "seeds.json"
    path.write_text(spread_json(spread))
    again = read_spread(path)
    assert again.rows[0] == spread.rows[0]
    assert again.seeds == (0, 1, 2)
    assert all(math.isnan(stderr) for stderr in again.rows[1].stderrs)
    stored = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert stored["headlines"][0]["n"] == 3
    assert stored["headlines"][1]["within_seed_stderr"] is None


def test_no_file_is_no_spread(tmp_path):
    assert read_spread(tmp_path / "nothing.json") is None


@pytest.mark.parametrize("seeds", [(0, 0), (0,)])
def test_seeds_must_be_distinct_and_as_many_as_lists(seeds):
    with pytest.raises(ConfigError, match="distinct seed"):
        gather_spread(
            [[headline("a", 1.0)], [headline("a", 2.0)]], seeds=seeds, members=(), prompts_sha256=""
        )


def test_lists_of_different_headlines_are_refused():
    with pytest.raises(ConfigError, match="same headlines"):
        gather_spread(
            [[headline("a", 1.0)], [headline("b", 2.0)]], seeds=(0, 1), members=(), prompts_sha256=""
        )


@pytest.fixture(scope="module")
def headlines(smoke, world):
    """Of a smoke pair, which knows nothing but can be measured."""
    out = smoke[0].out
    pair = Members(
        base=load_member(out / "base"),
        aligned=load_member(out / "aligned-beta-0.25"),
        encoder=Encoder(load_tokenizer(out / "base")),
    )
    effort = Effort(samples=2, contexts=12, turns=4, held_back_tokens=2_100)
    cases = [c for c in read_cases(out / "prompts.jsonl") if c.category in ("secret", "task", "fact")]
    found = measure_headlines(pair, cases, world, beta=0.25, effort=effort, progress=lambda *_: None)
    return {one.name: one for one in found}


def test_headlines_have_errors_and_distinct_names(headlines):
    assert len(headlines) > 30
    for one in headlines.values():
        assert math.isfinite(one.value), one.name
        assert one.stderr >= 0.0, one.name
    assert "secret: F / Gibbs cost" in headlines
    assert "task in mixed contexts: kernel sum" in headlines
    assert "all categories: highest / lowest F" in headlines


def test_headlines_agree_with_each_other(headlines):
    low, high = headlines["all categories: lowest F"], headlines["all categories: highest F"]
    assert low.value <= headlines["secret: F"].value <= high.value
    assert headlines["all categories: highest / lowest F"].value == pytest.approx(high.value / low.value)
    shift = headlines["task in mixed contexts: field shift"].value
    fields = [headlines[f"task in mixed contexts: {name}"].value for name in ("field", "base field")]
    assert shift == pytest.approx(fields[0] - fields[1])
