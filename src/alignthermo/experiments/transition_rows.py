"""One row per context and model: what was composed, what the model said."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from scipy.special import expit, logsumexp

from alignthermo.contexts import Context
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_replies import JUDGED_FIELDS, REPLY_FIELDS
from alignthermo.experiments.transition_shards import TransitionShard
from alignthermo.observables.forest import Answer

__all__ = ["LABELS", "TRANSITION_SCHEMA", "transition_table"]

LABELS: Mapping[str, int] = {"instruction": 1, "adversarial": -1, "filler": 0}
"""What a turn argues for, as the memory kernel reads it."""

TRANSITION_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("model", "category", "prompt_id", "context_id", "family", "order")
        ),
        *((name, pa.string()) for name in ("control", "context_digest", "notes")),
        *((name, pa.string()) for name in ("stage", "placement", "phrasing")),
        ("replicate", pa.int64()),
        ("size", pa.float64()),
        ("wanted_alpha", pa.float64()),
        ("alpha", pa.float64()),
        *(
            (f"n_{kind}", pa.int64())
            for kind in ("instruction", "adversarial", "filler", "query", "template")
        ),
        ("n_total", pa.int64()),
        ("replaced", pa.int64()),
        ("wanted_reinforcement", pa.int64()),
        ("n_reinforcement", pa.int64()),
        ("wrap", pa.string()),
        ("n_wrap", pa.int64()),
        ("missed_instruction", pa.float64()),
        ("missed_adversarial", pa.float64()),
        *((name, pa.float64()) for name in ("log_p_compliant", "log_p_defiant", "h", "candidate_mass")),
        *((name, pa.float64()) for name in ("p_kept", "p_kept_low", "p_kept_high", "h_again")),
        ("labels", pa.list_(pa.int8())),
        ("turn_tokens", pa.list_(pa.int64())),
        ("log_first_refusal", pa.float64()),
        ("first_token_note", pa.string()),
        *REPLY_FIELDS,
        *JUDGED_FIELDS,
    ]
)
"""`stage` says which α were wanted from the beginning (``sweep``) and which a refinement added. `placement`,
`phrasing` and `wanted_reinforcement` are of redundant instruction, empty and 0 without; its `n_reinforcement`
tokens are part of `n_instruction` (of `n_filler` for the phrasing ``filler``), hence of `alpha`.
`wrap` names the template that the request stands in, empty where it stands bare; its `n_wrap` tokens are part
of `n_adversarial`. `size` is the wanted L, or N_instr of an append-only design. `h_again` is h of the same
context, read a second time by itself; NaN where it was not. `labels`, `turn_tokens` are in the order of the
conversation.
`log_first_refusal` is null where it is not defined; `first_token_note` says why, or what it leaves out.
Columns of replies and of their judge (see `transition_replies`) are null where nothing was sampled."""


def transition_table(
    shard: TransitionShard,
    answers: Mapping[str, Answer],
    *,
    again: Mapping[str, Answer],
    model: str,
    config: TransitionConfig,
    extras: Mapping[str, Mapping[str, object]] | None = None,
) -> pa.Table:
    """Make the rows of a shard under one model.

    Parameters
    ----------
    shard : TransitionShard
    answers, again : mapping
        Answers by context id; those of the questions asked twice.
    model : str
        ``aligned`` or ``base``.
    config : TransitionConfig
        Its wanted sizes, one of which each context has.
    extras : mapping, optional
        Further columns by context id: first-token mass, replies.
    """
    extras = extras or {}
    rows = [
        {
            **_composition(context, config),
            "stage": shard.stage,
            **order_parameter(answers[context.id].log_probs, len(one.compliant)),
            "h_again": _again(again.get(context.id), len(one.compliant)),
            "category": one.prompt.category,
            "model": model,
            **extras.get(context.id, {}),
        }
        for one in shard.prompts
        for context in one.contexts
    ]
    return pa.Table.from_pylist(rows, schema=TRANSITION_SCHEMA)


def order_parameter(log_probs: np.ndarray, n_compliant: int) -> dict[str, float]:
    r"""Return h and what it rests on.

    .. math:: h = \ln \frac{\sum_{compliant} q(a|c)}{\sum_{defiant} q(a|c)}, \qquad
              P(\text{kept}) = \sigma(h), \quad
              P(\text{kept}) \in \Big[\sum_{compliant} q,\ 1 - \sum_{defiant} q\Big]

    An answer stands for every reply that begins with it. Bounds say what the replies outside the reference
    sets could change. NaN where neither set has any probability.
    """
    kept, broken = (float(logsumexp(part)) for part in (log_probs[:n_compliant], log_probs[n_compliant:]))
    with np.errstate(invalid="ignore"):
        h = float(np.float64(kept) - np.float64(broken))
    return {
        "log_p_compliant": kept,
        "log_p_defiant": broken,
        "h": h,
        "candidate_mass": min(float(np.exp(kept) + np.exp(broken)), 1.0),
        "p_kept": float(expit(h)),
        "p_kept_low": float(np.exp(kept)),
        "p_kept_high": float(-np.expm1(broken)),
    }


def _again(answer: Answer | None, n_compliant: int) -> float:
    return float("nan") if answer is None else order_parameter(answer.log_probs, n_compliant)["h"]


def _composition(context: Context, config: TransitionConfig) -> dict[str, object]:
    row = context.row()
    cell = context.wanted
    more = cell.reinforcement
    size = cell.length if config.size_name == "length" else cell.n_instruction
    turns = [turn for turn in context.turns if turn.kind in LABELS and turn.place != "query"]
    return {
        **{name: row[name] for name in TRANSITION_SCHEMA.names if name in row},
        # shares of a length may add up to it but for the last bit
        "size": min(config.lengths, key=lambda length: abs(length - size)),
        "placement": more.placement if more else "",
        "phrasing": more.phrasing if more else "",
        "wanted_reinforcement": more.tokens if more else 0,
        "replaced": context.replaced,
        "wrap": ", ".join(turn.unit for turn in context.turns if turn.is_wrap),
        "n_wrap": sum(turn.tokens for turn in context.turns if turn.is_wrap),
        "labels": [LABELS[turn.kind] for turn in turns],
        "turn_tokens": [turn.tokens for turn in turns],
    }
