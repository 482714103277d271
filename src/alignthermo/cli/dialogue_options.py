"""The dialogues of a transition as options."""

from typing import Annotated

import typer

__all__ = [
    "NeutralReply",
    "OwnReplies",
    "OwnWindow",
    "RampAlphas",
    "RampHolds",
    "RampProtocols",
    "Ramps",
    "RolloutAlphas",
    "RolloutTurns",
    "Rollouts",
    "WarningTurns",
    "Warnings",
]

Text = str | None
Whole = int | None

Rollouts = Annotated[
    Whole,
    typer.Option(
        help="Replicates of many own turns in one context, per alpha: are they of two kinds? 30 at least, "
        "200 to tell [default: 0, none]."
    ),
]
RolloutAlphas = Annotated[
    Text, typer.Option(metavar="A,A,…", help="Where rollouts are made [default: around the crossing].")
]
RolloutTurns = Annotated[
    Text, typer.Option(metavar="N,N", help="Own turns of rollouts, ascending, from 8 [default: 16,32].")
]
Ramps = Annotated[
    Whole,
    typer.Option(
        help="Replicates of ramps of alpha up and down: is there hysteresis? 8 at least [default: 0, none]."
    ),
]
RampAlphas = Annotated[
    Text, typer.Option(metavar="A,A,…", help="Ratios of a ramp, ascending [default: 0, 1/8 … 1].")
]
RampHolds = Annotated[Text, typer.Option(metavar="N,N,…", help="Own turns at each alpha [default: 1,4,16].")]
RampProtocols = Annotated[
    Text,
    typer.Option(
        metavar="PROTOCOL,…",
        help="edit_keep_own (the one that counts), edit_without_own (its self-test), append_only "
        "[default: all].",
    ),
]
Warnings = Annotated[
    Whole,
    typer.Option(
        help="Escalating attack dialogues, with twice as many harmless ones: is there a warning? "
        "20 at least [default: 0, none]."
    ),
]
WarningTurns = Annotated[Whole, typer.Option(help="Own turns of an escalation [default: 32].")]
OwnReplies = Annotated[
    Text,
    typer.Option(
        help="candidates: own replies are drawn among the reference answers; sampled: generated and judged "
        "[default: candidates]."
    ),
]
OwnWindow = Annotated[Whole, typer.Option(help="Own exchanges that stay in the context [default: 16].")]
NeutralReply = Annotated[
    Text, typer.Option(help="In the place of own replies, for comparison [default: One moment.].")
]
