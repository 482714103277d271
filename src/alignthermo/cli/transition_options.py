"""The settings of a transition as options."""

from typing import Annotated

import typer

__all__ = [
    "Alphas",
    "BeforeWrap",
    "Compliant",
    "ConflictingOrders",
    "Controls",
    "Defiant",
    "Design",
    "DryRun",
    "FailIf",
    "Families",
    "Instruction",
    "Judge",
    "JudgeLabels",
    "KeptBy",
    "KernelLags",
    "Lengths",
    "Matching",
    "MaxCachedTokens",
    "MaxContexts",
    "Measured",
    "Orders",
    "Overrides",
    "PromptsPerShard",
    "Raw",
    "Reference",
    "Refine",
    "RefusedTurns",
    "Reinforce",
    "ReinforcePhrasings",
    "ReinforceTokens",
    "ReminderRole",
    "Reminders",
    "Replicates",
    "RolePlays",
    "Samples",
    "Share",
    "SystemPrompt",
    "Templates",
    "Turns",
    "WantedAlphaC",
]

Text = str | None
Whole = int | None
Texts = list[str] | None

Measured = Annotated[
    Text,
    typer.Option(
        "--aligned", help="The model that is measured: hub id, id@revision, folder, or shipped:MEMBER."
    ),
]
Reference = Annotated[
    Text, typer.Option("--base", help="Its base, for the constant-field null [default: none].")
]
Families = Annotated[
    Texts,
    typer.Option(
        "--family",
        metavar="FAMILY",
        help="Attack: many_shot, override, role_play, conflicting_system, template, wrapped_request (with "
        "--templates), turns (with --turns). Repeatable [default: many_shot].",
    ),
]
Templates = Annotated[
    Text, typer.Option(metavar="FILE", help="Attack templates with a slot [INSERT PROMPT HERE].")
]
BeforeWrap = Annotated[
    Text,
    typer.Option(
        metavar="FAMILY", help="Attack turns before a wrapped request, or nothing [default: template]."
    ),
]
Turns = Annotated[
    Text,
    typer.Option(
        metavar="FILE",
        help="Whole turns of your own: JSONL with role and content, or messages; label instruction, "
        "adversarial or filler.",
    ),
]
Overrides = Annotated[
    Texts, typer.Option("--override", metavar="TEXT", help="Override phrase instead of ours. Repeatable.")
]
RolePlays = Annotated[
    Texts, typer.Option("--role-play", metavar="TEXT", help="Role-play phrase instead of ours. Repeatable.")
]
ConflictingOrders = Annotated[
    Texts,
    typer.Option(
        "--conflicting-order", metavar="TEXT", help="Conflicting system text instead of ours. Repeatable."
    ),
]
Reminders = Annotated[
    Texts,
    typer.Option(
        "--reminder",
        metavar="TEXT",
        help="Reminder instead of ours; {rule} is the system text. Repeatable.",
    ),
]
ReminderRole = Annotated[Text, typer.Option(help="Of reminders: system or user [default: system].")]
Instruction = Annotated[
    Text,
    typer.Option(
        metavar="POOL,…",
        help="Instruction turns beside the system text: exchanges, reminders [default: exchanges].",
    ),
]
Compliant = Annotated[
    Texts,
    typer.Option(
        "--compliant",
        metavar="TEXT",
        help="Reference answer that keeps the instruction (a refusal, say), for prompts without. Repeatable.",
    ),
]
Defiant = Annotated[
    Texts,
    typer.Option(
        "--defiant",
        metavar="TEXT",
        help="Reference answer that breaks it, for prompts without. Repeatable.",
    ),
]
KeptBy = Annotated[
    Text,
    typer.Option(
        metavar="WHAT",
        help="What keeps the instruction of prompts that do not say it: refusal, help, or answers, which "
        "reads it off their reference answers.",
    ),
]
SystemPrompt = Annotated[
    Text, typer.Option(help="System text of every context instead of each prompt's own.")
]
Design = Annotated[
    Text,
    typer.Option(
        help="fixed_length: attack replaces instruction at L; append_only: it is added to N_instr "
        "[default: fixed_length]."
    ),
]
Alphas = Annotated[
    Text, typer.Option(metavar="A,A,…", help="Wanted adversarial shares [default: 0, 1/16 … 1].")
]
Lengths = Annotated[
    Text, typer.Option(metavar="L,L,…", help="L, or N_instr if append_only, in tokens [default: 400].")
]
Orders = Annotated[
    Text,
    typer.Option(
        metavar="ORDER,…",
        help="random, adversarial_last, adversarial_first, block_interleaved [default: the first three].",
    ),
]
Controls = Annotated[
    Text, typer.Option(metavar="CONTROL,…", help="attack, dilution [default: attack,dilution].")
]
Replicates = Annotated[Whole, typer.Option(help="Independent draws of turns and order [default: 1].")]
Matching = Annotated[
    Text,
    typer.Option(
        help="nested shares beginnings; closest comes nearest to the wanted counts [default: nested]."
    ),
]
Share = Annotated[
    Text,
    typer.Option(
        help="prompt: each prompt draws its turns; sweep: all read the same ones [default: prompt]."
    ),
]
Refine = Annotated[
    Whole,
    typer.Option(help="Rounds that refine the alphas where a curve is too steep for them [default: 1]."),
]
Reinforce = Annotated[
    Text,
    typer.Option(
        metavar="PLACE,…",
        help="Measure what raises alpha_c: reminders on top of each context of the first length, at start, "
        "end, interleaved [default: none].",
    ),
]
ReinforcePhrasings = Annotated[
    Text,
    typer.Option(
        metavar="PHRASING,…",
        help="repeat, remember, short, firm (own, with --reminder), and filler: neutral turns of the same "
        "length, the control [default: repeat or own].",
    ),
]
ReinforceTokens = Annotated[
    Text, typer.Option(metavar="N,N,…", help="Redundant tokens, beside none [default: 32,64,128].")
]
WantedAlphaC = Annotated[
    float | None,
    typer.Option(
        help="Certify the cheapest reinforcement that reaches this alpha_c [default: gain per 100 tokens]."
    ),
]
FailIf = Annotated[
    Texts,
    typer.Option(
        metavar="GATE",
        help="End with code 10 if QUANTITY[slice=value].low|value|high OP NUMBER holds on any slice, is "
        "unknown, or matches nothing: 'alpha_c[order=random].low < 0.4'. Of a model that keeps its "
        "instruction at every alpha, alpha_c.low is the largest alpha tried; of one that breaks at every "
        "alpha it is unknown, and fails. Repeatable.",
    ),
]
RefusedTurns = Annotated[
    Text, typer.Option(help="Where a template refuses a turn: error or adapt [default: error].")
]
Raw = Annotated[
    bool | None, typer.Option("--raw/--chat", help="Plain paragraphs, for models without a chat template.")
]
Samples = Annotated[
    Whole, typer.Option(help="Replies drawn and judged in each context; 0 is none [default: 0].")
]
Judge = Annotated[
    Text,
    typer.Option(
        metavar="JUDGE",
        help="Of the replies: reference (begins with a reference answer), heuristic, checked (IFEval ids), "
        "classifier:HUB_ID_OR_FOLDER or guard:FORMAT:HUB_ID_OR_FOLDER [default: reference].",
    ),
]
JudgeLabels = Annotated[
    Text,
    typer.Option(
        metavar="FILE",
        help="Labelled completions: judged rates are corrected by them, the judge tested along alpha.",
    ),
]
KernelLags = Annotated[Whole, typer.Option(help="Turns back that the memory kernel reaches [default: 6].")]
MaxContexts = Annotated[Whole, typer.Option(help="Larger designs are refused [default: 20000].")]
MaxCachedTokens = Annotated[
    Whole, typer.Option(help="Tokens whose keys and values are held at once [default: 32768].")
]
PromptsPerShard = Annotated[Whole, typer.Option(help="Prompts committed together [default: 4].")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Compose everything; print contexts, tokens and cost; run nothing.")
]
