"""The drift meter, and the plain way: every context with its answer from scratch."""

from collections.abc import Sequence

import numpy as np
import torch

from alignthermo.observables.drift import ProbeCase, measure_probes
from alignthermo.observables.forest import Sampling
from benchmarks.drift.material import Ids, Readers

Distances = dict[str, np.ndarray]
NAMES = ("drift", "influence", "control", "relaxation")


def meter(readers: Readers, cases: Sequence[ProbeCase], *, base: bool) -> dict[str, Distances]:
    found = {}
    for one in measure_probes(readers.model, cases, base=readers.base if base else None):
        distances = {name: getattr(one, name).per_answer for name in NAMES if getattr(one, name).per_token}
        if one.compliance:
            distances["log_odds"] = np.array([one.compliance["here"].log_odds])
        found[one.key] = distances
    return found


def sampling_meter(readers: Readers, cases: Sequence[ProbeCase], sampling: Sampling) -> list[tuple[Ids, ...]]:
    return [one.answers for one in measure_probes(readers.model, cases, sampling=sampling)]


def from_scratch(
    readers: Readers, cases: Sequence[ProbeCase], *, base: bool, together: bool = False
) -> dict[str, Distances]:
    """One forward per context and answer, or per context with its answers `together` in a batch.

    Generous: each context of a point is read only once, whatever number of distances it is part of, and only
    the logits of the answers are made.
    """
    q, p = readers.native, readers.native_base
    found: dict[str, Distances] = {}
    with torch.inference_mode():
        for case in cases:
            answers = (*case.answers, *case.compliant, *case.defiant)

            def read(
                native: torch.nn.Module, context: Ids, answers: tuple[Ids, ...] = answers
            ) -> list[torch.Tensor]:
                return (
                    _rows_together(native, context, answers) if together else _rows(native, context, answers)
                )

            here, start = read(q, case.here), read(q, case.start)
            pairs = {"drift": (here, start)}
            if case.neutral_instruction is not None:
                pairs["influence"] = (here, read(q, case.neutral_instruction, case.answers))
            if case.neutral_history is not None:
                pairs["control"] = (read(q, case.neutral_history), start)
            if base:
                pairs["relaxation"] = (here, read(p, case.here))
            found[case.key] = {name: _sums(*pair, len(case.answers)) for name, pair in pairs.items()}
            if case.compliant:
                found[case.key]["log_odds"] = _log_odds(here, case)
    return found


def sampling_from_scratch(readers: Readers, cases: Sequence[ProbeCase], sampling: Sampling) -> None:
    """Answers drawn with a cache of their own for each, then scored from scratch."""
    with torch.inference_mode():
        for case in cases:
            for _ in range(sampling.n):
                answer = _draw(readers.native, case.here, sampling.max_new_tokens)
                _kl(
                    _log_rows(readers.native, case.here, answer),
                    _log_rows(readers.native, case.start, answer),
                )


def tokens_from_scratch(cases: Sequence[ProbeCase], *, base: bool) -> int:
    total = 0
    for case in cases:
        answers = (*case.answers, *case.compliant, *case.defiant)
        contexts = [case.here, case.start, case.neutral_history, *([case.here] if base else [])]
        total += sum(len(c) + len(a) - 1 for c in contexts if c is not None for a in answers)
        if case.neutral_instruction is not None:
            total += sum(len(case.neutral_instruction) + len(a) - 1 for a in case.answers)
    return total


def _draw(native: torch.nn.Module, context: Ids, length: int) -> Ids:
    output = native(torch.tensor([context]), use_cache=True, logits_to_keep=1)
    drawn = []
    for _ in range(length):
        token = int(torch.multinomial(output.logits[0, -1].softmax(-1), 1))
        drawn.append(token)
        if len(drawn) < length:
            output = native(torch.tensor([[token]]), past_key_values=output.past_key_values, use_cache=True)
    return tuple(drawn)


def _rows(native: torch.nn.Module, context: Ids, answers: Sequence[Ids]) -> list[torch.Tensor]:
    return [_log_rows(native, context, answer) for answer in answers]


def _rows_together(native: torch.nn.Module, context: Ids, answers: Sequence[Ids]) -> list[torch.Tensor]:
    longest = max(map(len, answers))
    read = [[*context, *answer[:-1], *([0] * (longest - len(answer)))] for answer in answers]
    logits = native(torch.tensor(read), use_cache=False, logits_to_keep=longest).logits
    return [row[: len(a)].double().log_softmax(-1) for row, a in zip(logits, answers, strict=True)]


def _log_rows(native: torch.nn.Module, context: Ids, answer: Ids) -> torch.Tensor:
    ids = torch.tensor([[*context, *answer[:-1]]])
    logits = native(ids, use_cache=False, logits_to_keep=len(answer)).logits[0]
    return logits.double().log_softmax(-1)


def _sums(first: Sequence[torch.Tensor], second: Sequence[torch.Tensor], n: int) -> np.ndarray:
    return np.array([_kl(a, b).sum() for a, b in zip(first[:n], second[:n], strict=True)])


def _log_odds(here: Sequence[torch.Tensor], case: ProbeCase) -> np.ndarray:
    references = (*case.compliant, *case.defiant)
    rows = here[len(case.answers) :]
    scores = [
        float(r[torch.arange(len(a)), torch.tensor(a)].sum()) for r, a in zip(rows, references, strict=True)
    ]
    kept, broken = np.split(np.array(scores), [len(case.compliant)])
    return np.array([np.logaddexp.reduce(kept) - np.logaddexp.reduce(broken)])


def _kl(log_q: torch.Tensor, log_p: torch.Tensor) -> np.ndarray:
    return (log_q.exp() * (log_q - log_p)).sum(-1).numpy()
