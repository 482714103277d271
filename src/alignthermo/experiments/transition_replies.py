"""Sampled replies in the rows of a transition: as they were, and what a judge says of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from alignthermo.errors import InputError
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.judges import ReplyJudge, ReplyVerdict, checks_of, instruction_map, parse_judge
from alignthermo.quantities import Completion, Prompt, Tokenizer

__all__ = ["JUDGED_FIELDS", "REPLY_FIELDS", "judge_rows", "reply_columns", "require_judgeable"]

REPLY_FIELDS = (
    pa.field("n_samples", pa.int64()),
    pa.field("n_unfinished", pa.int64()),
    pa.field("replies", pa.list_(pa.string())),
)
"""What was sampled: how many replies, how many the budget cut off, and their text."""

JUDGED_FIELDS = (
    *(pa.field(f"n_{verdict}", pa.int64()) for verdict in ("kept", "broken", "undetermined")),
    pa.field("verdicts", pa.list_(pa.string())),
    pa.field("outcomes", pa.list_(pa.string())),
    pa.field("kept_by", pa.string()),
    pa.field("judge", pa.string()),
)
"""What the judge said. `verdicts` are of the instruction, `outcomes` of the request (null from a judge that
needs none), `kept_by` names the outcomes that keep the prompt's instruction."""


def require_judgeable(prompt: Prompt, config: TransitionConfig) -> None:
    """Refuse a prompt that the judge of its replies could make nothing of, before anything is read.

    Raises
    ------
    PromptError
        The judge is one of requests and the prompt has no map to its instruction, or the judge checks and
        the prompt has no check.
    """
    kind = parse_judge(config.judge).kind if config.samples else "reference"
    if kind == "checked":
        checks_of(prompt)
    elif kind != "reference":
        instruction_map(prompt)


def reply_columns(completions: Sequence[Completion], tokenizer: Tokenizer) -> dict[str, object]:
    """Return the columns of `REPLY_FIELDS` for one context."""
    texts = [tokenizer.decode(list(one.ids), skip_special_tokens=True) for one in completions]
    return {
        "n_samples": len(texts),
        "n_unfinished": sum(one.finish == "length" for one in completions),
        # a lone surrogate cannot be stored
        "replies": [text.encode("utf-8", "replace").decode("utf-8") for text in texts],
    }


def judge_rows(rows: pa.Table, prompts: Mapping[str, Prompt], judge: ReplyJudge) -> pa.Table:
    """Judge the stored replies of a table and return it with the columns of `JUDGED_FIELDS` (re)written.

    Needs no model but the judge's own. Rows without replies keep nulls.

    Parameters
    ----------
    rows : pyarrow.Table
        With `prompt_id` and `replies`.
    prompts : mapping of str to Prompt
    judge : ReplyJudge

    Raises
    ------
    InputError
        A prompt of the rows is not among `prompts`, or the judge returns another number of verdicts.
    PromptError
        A prompt lacks what the judge needs.
    """
    replies: list[list[str] | None] = rows["replies"].to_pylist()
    owners = [_prompt(prompts, id_) for id_ in rows["prompt_id"].to_pylist()]
    asked = [(owner, text) for owner, texts in zip(owners, replies, strict=True) for text in texts or ()]
    said = judge.judge([owner for owner, _ in asked], [text for _, text in asked])
    if len(said) != len(asked):
        raise InputError(f"{judge.name} gave {len(said)} verdicts for {len(asked)} replies")
    ends = np.cumsum([0, *(len(texts or ()) for texts in replies)]).tolist()
    columns = [
        _judged(said[start:stop], owner, judge) if texts is not None else {}
        for (start, stop), owner, texts in zip(pairwise(ends), owners, replies, strict=True)
    ]
    judged = pa.Table.from_pylist(columns, schema=pa.schema(JUDGED_FIELDS))
    for field in JUDGED_FIELDS:
        place = rows.schema.get_field_index(field.name)
        rows = (
            rows.append_column(field, judged[field.name])
            if place < 0
            else rows.set_column(place, field, judged[field.name])
        )
    return rows


def _judged(said: Sequence[ReplyVerdict], prompt: Prompt, judge: ReplyJudge) -> dict[str, object]:
    verdicts = [verdict.instruction for verdict in said]
    kept_by = judge.kept_by(prompt)
    return {
        **{f"n_{name}": verdicts.count(name) for name in ("kept", "broken", "undetermined")},
        "verdicts": verdicts,
        "outcomes": [verdict.request for verdict in said],
        "kept_by": None if kept_by is None else ",".join(kept_by),
        "judge": judge.name,
    }


def _prompt(prompts: Mapping[str, Prompt], id_: str) -> Prompt:
    if id_ not in prompts:
        raise InputError(
            f"prompt {id_!r} of the run is not in the prompt file; give the file the run was made with"
        )
    return prompts[id_]
