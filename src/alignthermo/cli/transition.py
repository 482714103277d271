"""``alignthermo transition``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alignthermo.cli import dialogue_options as d
from alignthermo.cli import options as o
from alignthermo.cli import transition_options as t
from alignthermo.cli.exits import SOME_ROWS_FAILED
from alignthermo.cli.judged_table import JUDGED_HEADER, judged_rows
from alignthermo.cli.plain_text import format_table, printable
from alignthermo.cli.results import (
    print_json,
    print_plan,
    print_problems,
    print_tokens,
    summary_of,
    written_files,
)
from alignthermo.cli.running import run_shown, where_of
from alignthermo.cli.transition_settings import transition_config

if TYPE_CHECKING:
    from alignthermo.api import PlannedTransition, TransitionResult
    from alignthermo.experiments import TransitionConfig
    from alignthermo.quantities import Record, Verdict

__all__ = ["print_certificate", "transition"]

_DIALOGUES = ("hysteresis", "bimodality", "early_warning")
"""Verdicts on dialogues."""
_CHECKS = ("null:", "judge:")
_FAILING = "not be measured in full"


def transition(
    *,
    base: t.Reference = None,
    aligned: t.Measured = None,
    adapter: o.Adapter = None,
    pair: o.PairName = None,
    prompts: o.Prompts = None,
    out: o.Out = None,
    config: o.Config = None,
    limit: o.Limit = None,
    seed: o.Seed = None,
    families: t.Families = None,
    templates: t.Templates = None,
    turns: t.Turns = None,
    before_wrap: t.BeforeWrap = None,
    overrides: t.Overrides = None,
    role_plays: t.RolePlays = None,
    conflicting_orders: t.ConflictingOrders = None,
    reminders: t.Reminders = None,
    reminder_role: t.ReminderRole = None,
    instruction: t.Instruction = None,
    system_prompt: t.SystemPrompt = None,
    compliant: t.Compliant = None,
    defiant: t.Defiant = None,
    kept_by: t.KeptBy = None,
    design: t.Design = None,
    alphas: t.Alphas = None,
    lengths: t.Lengths = None,
    orders: t.Orders = None,
    controls: t.Controls = None,
    replicates: t.Replicates = None,
    matching: t.Matching = None,
    refine: t.Refine = None,
    reinforce: t.Reinforce = None,
    reinforce_phrasings: t.ReinforcePhrasings = None,
    reinforce_tokens: t.ReinforceTokens = None,
    wanted_alpha_c: t.WantedAlphaC = None,
    share: t.Share = None,
    refused_turns: t.RefusedTurns = None,
    raw: t.Raw = None,
    template_kwargs: o.TemplateKwargs = None,
    samples: t.Samples = None,
    max_new_tokens: o.MaxNewTokens = None,
    temperature: o.Temperature = None,
    judge: t.Judge = None,
    judge_labels: t.JudgeLabels = None,
    rollouts: d.Rollouts = None,
    rollout_alphas: d.RolloutAlphas = None,
    rollout_turns: d.RolloutTurns = None,
    ramps: d.Ramps = None,
    ramp_alphas: d.RampAlphas = None,
    ramp_holds: d.RampHolds = None,
    ramp_protocols: d.RampProtocols = None,
    warnings: d.Warnings = None,
    warning_turns: d.WarningTurns = None,
    own_replies: d.OwnReplies = None,
    own_window: d.OwnWindow = None,
    neutral_reply: d.NeutralReply = None,
    kernel_lags: t.KernelLags = None,
    level: o.Level = None,
    resamples: o.Resamples = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    prompts_per_shard: t.PromptsPerShard = None,
    max_contexts: t.MaxContexts = None,
    max_cached_tokens: t.MaxCachedTokens = None,
    shard: o.Shard = None,
    fail_if: t.FailIf = None,
    dry_run: t.DryRun = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Find where compliance breaks as the adversarial share of the context grows; ends with a certificate."""
    settings = transition_config(locals())  # the options, by the names of the settings
    if dry_run:
        _plan(settings, json=json)
        return
    from alignthermo import api

    run = partial(api.run_transition, settings)
    result = run_shown(run, out=settings.out, shown=print_certificate, json=json, quiet=quiet, spell=_found)
    if not quiet:
        # before the certificate: that comes last
        print_problems(result.unread, result.skipped, complete=result.complete, failing=_FAILING)
    if json:
        print_json(_spelled(result))
    elif not quiet:
        print_certificate(
            result.records, result.verdicts, paths=written_files(result.folder, complete=result.complete)
        )
    if result.skipped or result.unread:
        raise typer.Exit(SOME_ROWS_FAILED)


def print_certificate(
    records: Sequence["Record"], verdicts: Sequence["Verdict"], *, paths: Sequence[Path]
) -> None:
    """Print where everything is, tokens, null checks, and the certificate last."""
    from alignthermo.experiments import certificate_of

    for path in paths:
        typer.echo(printable(str(path)))
    print_tokens(records)
    nulls = [[v.outcome, v.name, where_of(v), v.statement] for v in verdicts if v.name.startswith(_CHECKS)]
    if nulls:
        typer.echo("\n" + format_table(["check", "", "", ""], nulls))
    spoken = [[v.outcome, v.name, where_of(v), v.statement] for v in verdicts if v.name in _DIALOGUES]
    if spoken:
        typer.echo("\n" + format_table(["dialogues", "", "", ""], spoken))
    if judged := judged_rows(records):
        typer.echo("\n" + format_table(JUDGED_HEADER, judged))
    certificate = certificate_of(records, verdicts)
    if certificate.lines:
        for ceiling in certificate.ceilings:
            typer.echo(f"\nceiling of the verdicts: {printable(ceiling)}")
        typer.echo("\n" + format_table(certificate.header, certificate.rows))


def _spelled(result: "TransitionResult") -> dict[str, object]:
    return {
        "folder": str(result.folder),
        "complete": result.complete,
        "unread": list(result.unread),
        "skipped": list(result.skipped),
        **_found(result.records, result.verdicts),
    }


def _found(records: Sequence["Record"], verdicts: Sequence["Verdict"]) -> dict[str, object]:
    from alignthermo.experiments import certificate_of

    certificate = certificate_of(records, verdicts).as_dicts()
    return {"certificate": certificate, **summary_of(records, verdicts)}


def _plan(settings: "TransitionConfig", *, json: bool) -> None:
    from alignthermo import api

    plan = api.plan_transition(settings)
    print_plan(plan, _plan_text(plan), json=json)


def _plan_text(plan: "PlannedTransition") -> str:
    tokens = plan.tokens
    lines = [
        f"prompts     {plan.n_prompts} in {plan.n_shards} shards, {plan.n_models} models",
        f"contexts    {plan.n_contexts}, at most {plan.longest} tokens; "
        f"{plan.n_duplicates} cells reach the same as a neighbour",
        f"of these    {plan.n_reinforced} with redundant instruction",
        f"reached     alpha {plan.alphas[0]:.3g} to {plan.alphas[1]:.3g}, "
        f"at most {plan.worst_miss:.0f} tokens off",
        f"tokens      naive {tokens.naive}, optimal {tokens.optimal}, to forward {tokens.planned}",
        f"refinement  at most {plan.refinement.contexts} contexts and {plan.refinement.tokens} tokens more",
        f"dialogues   {plan.dialogues.own_turns} own turns, at most {plan.dialogues.tokens} tokens more",
        f"replies     at most {plan.generated} tokens to generate",
        f"models      {plan.model_bytes / 2**30:.2f} GiB in memory",
        f"peak        {plan.peak_bytes / 2**30:.2f} GiB of memory",
        f"time        about {plan.seconds:.0f} s of arithmetic; composing, fits and bootstrap come on top",
    ]
    return "\n".join([*lines, *(f"skipped     {reason}" for reason in plan.skipped)])
