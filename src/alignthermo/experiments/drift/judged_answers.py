"""Whether an answer to a probe keeps the instruction: by a checker, or by the reference answers."""

import math
from collections.abc import Sequence

from alignthermo.experiments.drift.instructions import Probe
from alignthermo.experiments.own_turns import Request, by_candidates
from alignthermo.judges import CheckedJudge
from alignthermo.quantities import Message, Prompt

__all__ = ["kept_share"]


def kept_share(probe: Probe, answers: Sequence[str]) -> tuple[float, int]:
    """Return the share of determined answers that keep the instruction, and how many are determined.

    A verifiable instruction is checked; otherwise an answer counts where it is one of the reference answers.
    NaN and 0 where nothing decides.
    """
    verdicts = [_kept(probe, answer) for answer in answers]
    known = [one for one in verdicts if not math.isnan(one)]
    return (sum(known) / len(known) if known else math.nan), len(known)


def _kept(probe: Probe, answer: str) -> float:
    asked = (Message(role="user", content=probe.text),)
    if probe.checker:
        outcome = CheckedJudge().one(Prompt(id=probe.id, messages=asked, checker=probe.checker), answer)
        return {"kept": 1.0, "broken": 0.0}.get(outcome, math.nan)
    if not probe.compliant or not probe.defiant:
        return math.nan
    request = Request(messages=asked, compliant=probe.compliant, defiant=probe.defiant)
    return by_candidates(request, answer)
