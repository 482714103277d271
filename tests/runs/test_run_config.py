import pytest

from alignthermo.runs.config import NOT_IDENTITY, RunConfig, canonical_json, differences


def config(**resolved):
    return RunConfig(experiment="landscape", resolved={"seed": 0, "limit": None, **resolved})


def test_the_digest_does_not_depend_on_order_or_on_tuples():
    one = RunConfig(experiment="e", resolved={"a": 1, "grid": (1, 2)})
    other = RunConfig(experiment="e", resolved={"grid": [1, 2], "a": 1})
    assert one.digest == other.digest


@pytest.mark.parametrize("name", sorted(NOT_IDENTITY))
def test_where_and_how_fast_is_not_identity(name):
    assert config(**{name: "x"}).digest == config(**{name: "y"}).digest == config().digest


@pytest.mark.parametrize("name", ["seed", "limit", "dtype", "prompts_sha256", "context_policies", "samples"])
def test_what_is_measured_is_identity(name):
    assert config(**{name: "x"}).digest != config(**{name: "y"}).digest


def test_other_weights_or_another_experiment_are_another_run():
    base = RunConfig(experiment="e", weights={"base": "sha256:1"})
    assert base.digest != RunConfig(experiment="e", weights={"base": "sha256:2"}).digest
    assert base.digest != RunConfig(experiment="f", weights={"base": "sha256:1"}).digest


def test_what_was_given_is_recorded_but_not_identity():
    one = RunConfig(experiment="e", given={"seed": 0}, resolved={"seed": 0})
    assert one.digest == RunConfig(experiment="e", given={}, resolved={"seed": 0}).digest


def test_differences_name_settings_that_came_and_went():
    diff = differences({"a": {"x": 1, "y": [1]}, "c": 1}, {"a": {"x": 2, "y": [1]}, "d": "é"})
    assert diff == ("a.x: 1 -> 2", "c: 1 -> (not set)", 'd: (not set) -> "\\u00e9"')


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
