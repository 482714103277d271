"""The settings of a drift run as options."""

from typing import Annotated

import typer

__all__ = [
    "AnswerTokens",
    "Answers",
    "Attention",
    "Bound",
    "BoundOn",
    "Controls",
    "Conversations",
    "ConversationsPerShard",
    "DryRun",
    "Every",
    "FailIf",
    "HeldOut",
    "Horizon",
    "Instructions",
    "Limit",
    "Literal",
    "Mode",
    "NeutralText",
    "Probes",
    "Reference",
    "ReminderRole",
    "ReminderTexts",
    "Reminders",
    "ReplyTokens",
    "Tokens",
    "Transcripts",
    "Turns",
    "UserPrompt",
    "UserTurns",
    "Windows",
    "Wish",
]

Text = str | None
Whole = int | None
Real = float | None
Switch = bool | None
Texts = list[str] | None

Transcripts = Annotated[
    Text,
    typer.Argument(
        metavar="[TRANSCRIPTS]",
        help="Recorded conversations: JSONL with OpenAI-style messages (tool calls too), or an Inspect log. "
        "Left out with --mode self_chat or monologue.",
    ),
]
Reference = Annotated[
    Text, typer.Option("--base", help="Its base, for the relaxation: does it fall back? [default: none].")
]
Limit = Annotated[
    Whole,
    typer.Option(help="Most recorded conversations to use, or instructions to talk under [default: all]."),
]
FailIf = Annotated[
    Texts,
    typer.Option(
        metavar="GATE",
        help="End with code 10 if QUANTITY[slice=value].low|value|high OP NUMBER holds on any slice, is "
        "unknown, or matches nothing: 'compliance_end[arm=plain,category=all].low < 0.8'. Repeatable.",
    ),
]
Mode = Annotated[
    Text,
    typer.Option(
        help="transcripts: recorded conversations; self_chat: the model talks; monologue: one long reply "
        "[default: transcripts]."
    ),
]
Instructions = Annotated[
    Text,
    typer.Option(
        "--prompts",
        help="Instructions with their probes (rows of system_prompt and probe, or messages that begin with a "
        "system message), a public set, or 'shipped'; for transcripts: probes asked of every conversation.",
    ),
]
UserTurns = Annotated[
    Text,
    typer.Option(
        metavar="FILE",
        help="Prompts whose user messages are the other side of a self-chat [default: a copy of the model "
        "speaks it].",
    ),
]
UserPrompt = Annotated[Text, typer.Option(metavar="TEXT", help="System text of that copy.")]
Wish = Annotated[Text, typer.Option(metavar="TEXT", help="What an adversary would have as the instruction.")]
Conversations = Annotated[Whole, typer.Option(help="Conversations to hold [default: 30].")]
Turns = Annotated[Whole, typer.Option(help="Replies in each [default: 8].")]
Tokens = Annotated[Whole, typer.Option(help="Most tokens of a context with its answer [default: 4096].")]
ReplyTokens = Annotated[Whole, typer.Option(help="Budget of a reply in a conversation [default: 128].")]
Every = Annotated[
    Whole,
    typer.Option(
        help="A measuring point every so many tokens of history, the last one at the end [default: 128]."
    ),
]
Probes = Annotated[Whole, typer.Option(help="Probes at each point [default: 1].")]
Answers = Annotated[Whole, typer.Option(help="Answers drawn for each probe [default: 2].")]
AnswerTokens = Annotated[Whole, typer.Option(help="Budget of an answer to a probe [default: 64].")]
Literal = Annotated[
    Switch,
    typer.Option("--literal/--no-literal", help="Measure each reply as it was given [default: literal]."),
]
Attention = Annotated[
    Switch,
    typer.Option("--attention/--no-attention", help="Attention on the instruction, by layer [default: no]."),
]
Reminders = Annotated[
    Texts,
    typer.Option(
        "--reminders",
        metavar="FORM@WHERE",
        help="Arm with reminders: repeat@start, repeat@end, remember@256 (every 256 tokens) …; forms repeat, "
        "remember, short, firm, rephrase (other words, from a column `rephrased` or from prompts that share "
        "a `rule`), summary (the sentences that bind), own. Repeatable, or with commas.",
    ),
]
ReminderTexts = Annotated[
    Texts,
    typer.Option(
        "--reminder-text",
        metavar="TEXT",
        help="Phrasing of the form 'own'; {rule} is the instruction's text, {summary} its gist. Repeatable.",
    ),
]
ReminderRole = Annotated[Text, typer.Option(help="Of reminders: user or system [default: user].")]
Windows = Annotated[
    Texts,
    typer.Option(
        "--windows",
        metavar="POLICY:TOKENS",
        help="Arm with a context window: truncate:512, sliding:512, compaction:512. Repeatable, or with "
        "commas.",
    ),
]
Controls = Annotated[
    Texts,
    typer.Option(
        "--controls",
        metavar="NAME",
        help="neutral (history of equal length), shuffled (another instruction), no_instruction; 'none' for "
        "none. Repeatable, or with commas [default: neutral].",
    ),
]
NeutralText = Annotated[Text, typer.Option(metavar="TEXT", help="Neutral text [default: small talk].")]
Bound = Annotated[
    Real, typer.Option(help="Find the cheapest schedule that keeps drift under this many nat per answer.")
]
BoundOn = Annotated[
    Text, typer.Option(help="What the bound is on: drift or non_compliance [default: drift].")
]
Horizon = Annotated[
    Whole, typer.Option(help="Tokens over which the bound must be kept [default: the longest conversation].")
]
HeldOut = Annotated[
    Real, typer.Option(help="Share of conversations on which the schedule is verified [default: 0.4].")
]
ConversationsPerShard = Annotated[Whole, typer.Option(help="Conversations committed together [default: 4].")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print conversations, points, tokens and bytes; run nothing.")
]
