"""Next-token distances at every wanted place of a text, from one forward per context."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from alignthermo.errors import AlignthermoError, InputError
from alignthermo.observables.drift.base_side import BaseSide
from alignthermo.observables.drift.readings import Counted, uncounted
from alignthermo.observables.drift.rows import row_divergences, row_entropies, rows_of
from alignthermo.observables.drift.trace_case import Trace, TraceCase
from alignthermo.observables.forest import ForestSettings, Question, read_forest
from alignthermo.observables.forest.log_probs import token_log_probs
from alignthermo.quantities import HeadReadout, LanguageModel, LogitReadout, Progress, Readout, silent

__all__ = ["trace_histories"]

Ids = tuple[int, ...]
_Column = Float[np.ndarray, " position"]


def trace_histories(
    model: LanguageModel,
    cases: Sequence[TraceCase],
    *,
    base: BaseSide | None = None,
    settings: ForestSettings | None = None,
    progress: Progress = silent,
    counted: Counted = uncounted,
) -> tuple[Trace, ...]:
    """Follow texts token by token: one forward with the instruction, one without, one of the base.

    Parameters
    ----------
    model : LanguageModel
        The aligned model.
    cases : sequence of TraceCase
        Keys unique. Distributions are kept as hidden states until a case is done; a model that gives only
        logits keeps positions x vocabulary numbers.
    base : BaseSide, optional
    settings : ForestSettings, optional
        Bounds of memory and batches.
    progress : Progress
    counted : callable
        Told what each sweep cost.

    Raises
    ------
    InputError
        Two cases of one key.
    ContextTooLong
        Instruction and text exceed a model's length.
    NonFiniteLogits
        NaN or +inf came out of a model.
    """
    if len({case.key for case in cases}) < len(cases):
        raise InputError("trace_histories: two cases share a key")
    own = [_question(case.key, case.instruction, case) for case in cases]
    neutral = [_question(_neutral(case), case.neutral, case) for case in cases if case.neutral is not None]
    rows = _read(model, [*own, *neutral], settings=settings, progress=progress, counted=counted)
    contexts, reasons = _base_contexts(cases, base)
    asked = [
        _question(c.key, contexts[c.key][0], c, history=contexts[c.key][1])
        for c in cases
        if c.key in contexts
    ]
    base_rows = {}
    if base and asked:
        base_rows = _read(base.model, asked, settings=settings, progress=silent, counted=counted)
    traces = []
    for case in cases:
        columns = _own_columns(case, rows[case.key], rows.get(_neutral(case)))
        if base is not None and case.key in base_rows:
            history = contexts[case.key][1]
            columns |= _base_columns(case, history, (rows[case.key], base_rows[case.key]), base)
        traces.append(_trace(case, columns, reasons.get(case.key, "")))
    return tuple(traces)


def _neutral(case: TraceCase) -> str:
    return f"{case.key}/neutral"


def _question(key: str, instruction: Ids, case: TraceCase, *, history: Ids | None = None) -> Question:
    """Ask for the row after the instruction, then for those at the positions."""
    before = len(instruction) - 1
    places = (before, *(before + position for position in case.positions))
    text = case.history if history is None else history
    return Question(key=key, context=(*instruction, *text), positions=places)


def _read(
    model: LanguageModel,
    questions: Sequence[Question],
    *,
    settings: ForestSettings | None,
    progress: Progress,
    counted: Counted,
) -> dict[str, Readout]:
    run = read_forest(model, questions, settings=settings, progress=progress)
    found = {answer.key: answer.rows for answer in run if answer.rows is not None}
    counted(run.counts)
    return found


def _base_contexts(
    cases: Sequence[TraceCase], base: BaseSide | None
) -> tuple[dict[str, tuple[Ids, Ids]], dict[str, str]]:
    """Instruction and text of each case as the base reads them, or why it cannot."""
    contexts: dict[str, tuple[Ids, Ids]] = {}
    reasons: dict[str, str] = {}
    for case in cases:
        if base is None:
            reasons[case.key] = "no base model was given"
            continue
        try:
            spelled = base.spell(case.instruction), base.spell(case.history)
            contexts[case.key] = case.base_context or spelled
        except AlignthermoError as error:
            reasons[case.key] = str(error)
    return contexts, reasons


def _own_columns(case: TraceCase, rows: Readout, neutral: Readout | None) -> dict[str, _Column]:
    here = rows_of(rows, 1, rows.n_tokens)
    columns = {
        "literal": row_divergences(here, _repeated(rows, here.n_tokens)),
        "entropy": row_entropies(here),
        "surprisal": _surprisal(case, here, case.history),
    }
    if neutral is not None:
        columns["influence"] = row_divergences(here, rows_of(neutral, 1, neutral.n_tokens))
    return columns


def _base_columns(
    case: TraceCase, history: Ids, rows: tuple[Readout, Readout], base: BaseSide
) -> dict[str, _Column]:
    here, there = (rows_of(side, 1, side.n_tokens) for side in rows)
    return {
        "relaxation": row_divergences(here, there, vocabulary=base.vocabulary),
        "base_surprisal": _surprisal(case, there, history),
    }


def _surprisal(case: TraceCase, rows: Readout, history: Ids) -> _Column:
    known = [n for n, position in enumerate(case.positions) if position < len(history)]
    found = np.full(rows.n_tokens, math.nan)
    tokens = np.array([history[case.positions[n]] for n in known], dtype=np.int64)
    found[known] = -token_log_probs(rows, rows=np.array(known, dtype=np.int64), tokens=tokens)
    return found


def _repeated(rows: Readout, times: int) -> Readout:
    """Return the first row as often as asked, as a view."""
    if isinstance(rows, HeadReadout):
        return HeadReadout(hidden=rows.hidden[:1].expand(times, -1), head=rows.head)
    return LogitReadout(logits=rows.logits[:1].expand(times, -1))


def _trace(case: TraceCase, columns: Mapping[str, _Column], reason: str) -> Trace:
    unknown = np.full(len(case.positions), math.nan)
    reasons = {} if "influence" in columns else {"influence": "no neutral text was given"}
    if reason:
        reasons |= {"relaxation": reason, "base_surprisal": reason}
    return Trace(
        key=case.key,
        positions=np.array(case.positions, dtype=np.int64),
        literal=columns["literal"],
        influence=columns.get("influence", unknown),
        relaxation=columns.get("relaxation", unknown),
        entropy=columns["entropy"],
        surprisal=columns["surprisal"],
        base_surprisal=columns.get("base_surprisal", unknown),
        reasons=reasons,
    )
