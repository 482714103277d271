"""``alignthermo drift``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alignthermo.cli import drift_options as d
from alignthermo.cli import options as o
from alignthermo.cli import transition_options as t
from alignthermo.cli.drift_settings import drift_config
from alignthermo.cli.exits import SOME_ROWS_FAILED
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

if TYPE_CHECKING:
    from alignthermo.api import DriftResult, PlannedDrift
    from alignthermo.experiments.drift import DriftConfig
    from alignthermo.quantities import Record, Verdict

__all__ = ["drift", "print_drift"]

_TABLE = ("law", "growth", "forgetting")
"""Verdicts that stand in the table."""
_FAILING = "not be measured in full"
_CHECKS = ("finite", "start_is_zero", "identical_pair", "control_shuffled", "control_no_instruction")


def drift(
    transcripts: d.Transcripts = None,
    *,
    base: d.Reference = None,
    aligned: t.Measured = None,
    adapter: o.Adapter = None,
    pair: o.PairName = None,
    mode: d.Mode = None,
    prompts: d.Instructions = None,
    user_turns: d.UserTurns = None,
    user_prompt: d.UserPrompt = None,
    compliant: t.Compliant = None,
    defiant: t.Defiant = None,
    wish: d.Wish = None,
    out: o.Out = None,
    config: o.Config = None,
    limit: d.Limit = None,
    seed: o.Seed = None,
    conversations: d.Conversations = None,
    turns: d.Turns = None,
    tokens: d.Tokens = None,
    reply_tokens: d.ReplyTokens = None,
    temperature: o.Temperature = None,
    every: d.Every = None,
    probes: d.Probes = None,
    answers: d.Answers = None,
    answer_tokens: d.AnswerTokens = None,
    literal: d.Literal = None,
    attention: d.Attention = None,
    reminders: d.Reminders = None,
    reminder_texts: d.ReminderTexts = None,
    reminder_role: d.ReminderRole = None,
    windows: d.Windows = None,
    controls: d.Controls = None,
    neutral_text: d.NeutralText = None,
    bound: d.Bound = None,
    bound_on: d.BoundOn = None,
    horizon: d.Horizon = None,
    held_out: d.HeldOut = None,
    system_fallback: o.SystemFallback = None,
    template_kwargs: o.TemplateKwargs = None,
    level: o.Level = None,
    resamples: o.Resamples = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    conversations_per_shard: d.ConversationsPerShard = None,
    max_cached_tokens: t.MaxCachedTokens = None,
    shard: o.Shard = None,
    fail_if: d.FailIf = None,
    dry_run: d.DryRun = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Measure whether an instruction holds over long conversations, and what holds it; ends with a table."""
    settings = drift_config(locals())  # the options, by the names of the settings
    if dry_run:
        _plan(settings, json=json)
        return
    from alignthermo import api

    run = partial(api.run_drift, settings)
    result = run_shown(run, out=settings.out, shown=print_drift, json=json, quiet=quiet, spell=_found)
    if not quiet:
        # before the table: that comes last
        print_problems(result.unread, result.skipped, complete=result.complete, failing=_FAILING)
    if json:
        print_json(_spelled(result))
    elif not quiet:
        paths = written_files(result.folder, complete=result.complete)
        print_drift(result.records, result.verdicts, paths=paths)
    if result.skipped or result.unread:
        raise typer.Exit(SOME_ROWS_FAILED)


def print_drift(records: Sequence["Record"], verdicts: Sequence["Verdict"], *, paths: Sequence[Path]) -> None:
    """Print where everything is, checks, verdicts, and the table with what a schedule costs last."""
    from alignthermo.experiments.drift import drift_table

    for path in paths:
        typer.echo(printable(str(path)))
    print_tokens(records)
    checks = [[v.outcome, v.name, where_of(v), v.statement] for v in verdicts if v.name in _CHECKS]
    if checks:
        typer.echo("\n" + format_table(["check", "", "", ""], checks))
    spoken = [
        [v.outcome, v.name, where_of(v), v.statement]
        for v in verdicts
        if v.name not in (*_CHECKS, *_TABLE) and v.slice.get("category", "all") == "all"
    ]
    if spoken:
        typer.echo("\n" + format_table(["verdict", "", "", ""], spoken))
    table = drift_table(records, verdicts)
    if table.lines:
        typer.echo("\n" + format_table(table.header, table.rows))
    for note in table.notes:
        typer.echo(printable(note))


def _spelled(result: "DriftResult") -> dict[str, object]:
    return {
        "folder": str(result.folder),
        "complete": result.complete,
        "unread": list(result.unread),
        "skipped": list(result.skipped),
        **_found(result.records, result.verdicts),
    }


def _found(records: Sequence["Record"], verdicts: Sequence["Verdict"]) -> dict[str, object]:
    from alignthermo.experiments.drift import drift_table

    return {"table": drift_table(records, verdicts).as_dicts(), **summary_of(records, verdicts)}


def _plan(settings: "DriftConfig", *, json: bool) -> None:
    from alignthermo import api

    plan = api.plan_drift(settings)
    print_plan(plan, _plan_text(plan), json=json)


def _plan_text(plan: "PlannedDrift") -> str:
    lines = [
        f"conversations  {plan.n_conversations} in {plan.n_shards} shards, {plan.n_arms} arms, "
        f"{plan.n_models} models",
        f"probes         {plan.n_cases}{' at most' if plan.at_most else ''}, "
        f"contexts of at most {plan.longest} tokens",
        f"tokens         naive {plan.naive}, to forward about {plan.forwarded}",
        f"generated      at most {plan.generated} tokens",
        f"models         {plan.model_bytes / 2**30:.2f} GiB in memory",
        f"time           about {plan.seconds:.0f} s of arithmetic",
    ]
    return "\n".join([*lines, *(f"skipped        {reason}" for reason in plan.skipped)])
