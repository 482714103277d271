"""``alignthermo landscape``."""

from functools import partial
from typing import TYPE_CHECKING

import typer

from alignthermo.cli import options as o
from alignthermo.cli.exits import SOME_ROWS_FAILED
from alignthermo.cli.results import (
    print_json,
    print_plan,
    print_problems,
    print_results,
    summary_of,
    written_files,
)
from alignthermo.cli.running import run_shown
from alignthermo.cli.settings import landscape_config

if TYPE_CHECKING:
    from alignthermo.api import LandscapeResult, Plan
    from alignthermo.experiments import LandscapeConfig

__all__ = ["landscape"]


def landscape(
    *,
    base: o.Base = None,
    aligned: o.Aligned = None,
    adapter: o.Adapter = None,
    pair: o.PairName = None,
    prompts: o.Prompts = None,
    out: o.Out = None,
    config: o.Config = None,
    limit: o.Limit = None,
    seed: o.Seed = None,
    context_policies: o.ContextPolicy = None,
    template_policy: o.TemplatePolicy = None,
    system_fallback: o.SystemFallback = None,
    template_kwargs: o.TemplateKwargs = None,
    max_new_tokens: o.MaxNewTokens = None,
    samples: o.Samples = None,
    temperature: o.Temperature = None,
    prefill: o.Prefill = None,
    temperatures: o.Temperatures = None,
    lambda_points: o.LambdaPoints = None,
    level: o.Level = None,
    resamples: o.Resamples = None,
    precision: o.Precision = None,
    head_precision: o.HeadPrecision = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    batch_size: o.BatchSize = None,
    prompts_per_shard: o.PromptsPerShard = None,
    shard: o.Shard = None,
    fail_if: o.FailIf = None,
    dry_run: o.DryRun = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Measure the alignment free energy of a pair of models, token by token and category by category."""
    settings = landscape_config(locals())  # the options, by the names of the settings
    if dry_run:
        _plan(settings, json=json)
        return
    from alignthermo import api

    run = partial(api.run_landscape, settings)
    result = run_shown(run, out=settings.out, shown=print_results, json=json, quiet=quiet)
    if json:
        print_json(_spelled(result))
    elif not quiet:
        print_results(
            result.records, result.verdicts, paths=written_files(result.folder, complete=result.complete)
        )
    _complain(result)


def _spelled(result: "LandscapeResult") -> dict[str, object]:
    return {
        "folder": str(result.folder),
        "complete": result.complete,
        "n_failed": result.n_failed,
        **summary_of(result.records, result.verdicts),
    }


def _plan(settings: "LandscapeConfig", *, json: bool) -> None:
    from alignthermo import api

    plan = api.plan_landscape(settings)
    print_plan(plan, _plan_text(plan), json=json)


def _plan_text(plan: "Plan") -> str:
    lines = [
        f"prompts     {plan.n_prompts} in {plan.n_shards} shards, {plan.n_responses} responses",
        f"rows        at most {plan.max_response_tokens}, one per response token",
        f"tokens      {plan.context_tokens} of context, at most {plan.max_response_tokens} of response",
        f"models      {plan.model_bytes / 2**30:.2f} GiB in memory",
        f"peak        {plan.peak_bytes / 2**30:.2f} GiB of memory",
        f"time        about {plan.seconds:.0f} s if every response takes its whole budget",
    ]
    return "\n".join([*lines, *(f"unusable    {reason}" for reason in plan.unusable)])


def _complain(result: "LandscapeResult") -> None:
    """Name rows that could not be read or measured, and end with their code."""
    failed = [
        f"{record.unit_id}: {record.estimate.reason}"
        for record in result.prompt_records
        if record.quantity == "row_failed"
    ]
    print_problems(result.unread, failed, complete=result.complete)
    if result.unread or failed:
        raise typer.Exit(SOME_ROWS_FAILED)
