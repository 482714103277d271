import json

import pytest
import typer

from alignthermo.cli import app
from alignthermo.cli.settings import SHIPPED_PAIR, landscape_config, read_settings
from alignthermo.errors import ConfigError
from alignthermo.experiments import LandscapeConfig
from alignthermo.runs import RunConfig, RunFolder
from alignthermo.runs.config import NOT_IDENTITY

GIVEN = {"base": "a", "aligned": "b", "prompts": "p.jsonl"}


def test_every_setting_has_an_option_and_help():
    command = typer.main.get_command(app).commands["landscape"]
    options = {parameter.name: parameter for parameter in command.params}
    assert set(LandscapeConfig.model_fields) <= set(options)
    assert all(options[name].help for name in options if name != "help")


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ("128", "max_new_tokens"),
        ("1]", "samples"),
        ("0.95", "level"),
        ("2000", "resamples"),
        ("16", "prompts_per_shard"),
        ("0]", "seed"),
        ("on_policy", "context_policies"),
        ("same_ids", "template_policy"),
        ("float32", "precision"),
        ("exact", "head_precision"),
    ],
)
def test_defaults_in_the_help_are_the_defaults(option, field):
    command = typer.main.get_command(app).commands["landscape"]
    help_text = next(parameter.help for parameter in command.params if parameter.name == field)
    default = LandscapeConfig.model_fields[field].default
    shown = default[0] if isinstance(default, tuple) else default
    assert option.rstrip("]") == str(shown)
    assert f"[default: {shown}" in help_text


def test_what_may_differ_between_processes_is_known_to_the_run_folder():
    from alignthermo.experiments.config import DISPLAY_FIELDS

    assert DISPLAY_FIELDS <= NOT_IDENTITY
    assert not (set(LandscapeConfig.model_fields) & NOT_IDENTITY) - DISPLAY_FIELDS


def test_options_become_settings():
    config = landscape_config(
        {
            **GIVEN,
            "context_policies": ["on_policy,base_policy", "teacher_forced"],
            "temperatures": "0.5, 1,2",
            "template_kwargs": ["enable_thinking=false", "name=x=y", "depth=3"],
            "batch_size": "8",
            "fail_if": ["f_align.low < 0.4"],
            "prefill": False,
            "limit": None,
            "quiet": True,
        }
    )
    assert len(config.context_policies) == 3
    assert config.temperatures == (0.5, 1.0, 2.0)
    assert config.template_kwargs == {"enable_thinking": False, "name": "x=y", "depth": 3}
    assert (config.batch_size, config.prefill, config.limit) == (8, False, None)
    assert config.fail_if == ("f_align.low < 0.4",)


def test_options_go_before_the_file_and_the_file_before_defaults(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('base = "a"\naligned = "b"\nprompts = "p"\nseed = 3\nmax-new-tokens = 7\n')
    config = landscape_config({"config": path, "seed": 4, "context_policies": ()})
    assert (config.base, config.seed, config.max_new_tokens, config.samples) == ("a", 4, 7, 1)


def test_a_run_can_be_given_again_by_its_run_json(tmp_path):
    first = landscape_config({**GIVEN, "seed": 3, "context_policies": ["base_policy"]})
    given = first.model_dump(mode="json", exclude_defaults=True)
    RunFolder.open(tmp_path, config=RunConfig(experiment="landscape", given=given))
    assert landscape_config({"config": tmp_path / "run.json"}) == first


def test_the_shipped_pair():
    config = landscape_config({"pair": "shipped"})
    assert {"base": config.base, "aligned": config.aligned} == SHIPPED_PAIR
    assert config.prompts == "shipped"
    assert landscape_config({"pair": "shipped", "prompts": "p.csv"}).prompts == "p.csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"(?s)--base: is needed \(or give --pair shipped\).*--prompts: is needed"),
        ({"base": "a", "prompts": "p"}, "--adapter"),
        ({**GIVEN, "limit": 0}, "--limit: .*greater than or equal to 1.*given: 0"),
        ({**GIVEN, "dtype": "int8"}, "--dtype: .*'float32'"),
        ({**GIVEN, "shard": "x"}, "--shard"),
        ({**GIVEN, "context_policies": ["bogus"]}, "--context-policy: unknown context policy 'bogus'"),
        ({**GIVEN, "temperatures": "1,x"}, "--temperatures: .*valid number"),
        ({**GIVEN, "template_kwargs": ["x"]}, "write KEY=VALUE"),
        ({**GIVEN, "fail_if": ["f_align < 1"]}, "--fail-if .*QUANTITY"),
        ({**GIVEN, "pair": "shipped"}, "leave out --base and --aligned"),
        ({"pair": "llama"}, "'shipped' is"),
    ],
)
def test_what_cannot_be_honoured_is_named(options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        landscape_config(options)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.toml", "base = ", "not TOML"),
        ("run.toml", "bogus = 1", "--bogus: there is no such setting"),
        ("run.toml", "sead = 1", "--sead: there is no such setting; did you mean seed?"),
        ("run.json", "{", "not the run.json"),
        ("run.json", "{}", "not the run.json"),
        ("run.json", '{"given": 3}', "not the run.json"),
        ("absent.toml", None, "No such file"),
    ],
)
def test_a_config_file_that_cannot_be_used(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=message):
        landscape_config({**GIVEN, "config": tmp_path / name})


def test_a_byte_order_mark_in_a_config_file_is_no_matter(tmp_path):
    (tmp_path / "run.toml").write_bytes(b"\xef\xbb\xbfseed = 1\n")
    assert read_settings(tmp_path / "run.toml") == {"seed": 1}
    assert json.dumps(read_settings(tmp_path / "run.toml"))
