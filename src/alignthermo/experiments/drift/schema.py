"""Rows of a drift run: one per conversation, arm, measuring point and probe; one per conversation held."""

import pyarrow as pa

__all__ = ["DRIFT_SCHEMA", "PROBE", "TALK", "TALK_SCHEMA"]

TALK = "talk"
PROBE = "probe"
"""Names of the stages: conversations are held, then measured."""

TALK_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("conversation", "arm", "category", "instruction", "messages")),
        ("number", pa.int64()),
        ("held_out", pa.bool_()),
        *((name, pa.int64()) for name in ("replies", "tokens", "cut_replies", "empty_replies")),
        *((name, pa.int64()) for name in ("forwarded", "naive")),
    ]
)
"""`messages` is JSON in the OpenAI format, instruction first, without reminders; `tokens` are those of the
last context."""

_TEXTS = ("conversation", "arm", "category", "instruction", "kind", "probe")
_COUNTS = ("number", "point", "turns", "tokens", "context_tokens")
_KL = ("drift", "control", "influence", "relaxation", "to_wish", "literal", "literal_influence")

DRIFT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.int64()) for name in _COUNTS),
        ("held_out", pa.bool_()),
        *(
            (name, pa.int64())
            for name in ("lag_turns", "lag_tokens", "reminders", "reminder_tokens", "dropped")
        ),
        *((name, pa.int64()) for name in ("answers", "truncated")),
        *((name, pa.float64()) for name in _KL),
        *((name, pa.float64()) for name in ("literal_relaxation", "entropy", "surprisal")),
        *((name, pa.float64()) for name in ("h_here", "h_start", "h_neutral", "h_base", "mass_here")),
        *((name, pa.float64()) for name in ("kept", "kept_neutral")),
        *((name, pa.int64()) for name in ("determined",)),
        ("nearest", pa.string()),
        ("lean", pa.float64()),
        ("attention", pa.list_(pa.float64())),
        ("attention_uniform", pa.float64()),
        *(
            (f"n_{role}", pa.int64())
            for role in ("instruction", "system", "user", "assistant", "tool", "reminder", "template")
        ),
        ("said", pa.list_(pa.string())),
        ("reasons", pa.string()),
    ]
)
"""Columns of a measuring point.

=====================  ===============================================================================
conversation, number   id of the conversation; a number of its own, the same one in every arm
arm                    the treatment (``plain``, ``repeat@256``, ``sliding:512`` …), or a control on the plain
                       conversations: ``shuffled`` (another conversation's instruction), ``no_instruction``
category, instruction  of the instruction; its name within the run
kind                   ``probe`` (a question is asked at this point and the conversation goes on without it)
                       or ``answer`` (the model's own next turn: `literal`, `literal_influence`,
                       `literal_relaxation`, `entropy`, `surprisal` of the reply that was given; no probe)
probe                  id of the probe; empty for ``answer``
point, turns, tokens   number of the point; replies so far; tokens of the words said since the instruction,
                       reminders counted, probe not
held_out               the conversation took no part in the choice of a schedule
lag_turns, lag_tokens  since the last reminder, or since the beginning where there is none
reminders, reminder_tokens  that stand in the context
dropped                messages the window took out
answers, truncated     answers a KL is averaged over; those cut at the budget
drift … to_wish        mean over answers, nat per answer; null where not measured, and `reasons` says why
h_…, mass_here         log-odds of the reference answers here, at the start, after neutral history, under the
                       base here; mass of all references here; null without references
kept, determined       share of the determined answers that keep the instruction (checker, or reference
                       answers), and how many were determined; `kept_neutral` the same after neutral history
nearest, lean          where a failed model went, see `alignthermo.observables.drift.Destination`
attention              mass on the instruction, layer by layer; null where the model shows none
n_…                    context composition, tokens by owner
said                   the answers, as text
reasons                JSON object: column to why it is null
=====================  ===============================================================================
"""
