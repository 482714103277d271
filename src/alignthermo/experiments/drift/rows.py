"""What a probe found, as a row."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from alignthermo.experiments.drift.casebook import Case
from alignthermo.experiments.drift.cases import Asked
from alignthermo.experiments.drift.conversation import Conversation
from alignthermo.experiments.drift.judged_answers import kept_share
from alignthermo.observables.drift import InstructionAttention, ProbeDrift, destination
from alignthermo.quantities import Tokenizer

__all__ = ["Speaker", "known", "place_of", "probe_row"]

_DISTANCES = ("drift", "control", "influence", "relaxation", "to_wish")
_ROLES = ("instruction", "system", "user", "assistant", "tool", "reminder", "template")


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """What turns answers into text."""

    tokenizer: Tokenizer
    stop_ids: frozenset[int]

    def text(self, ids: tuple[int, ...]) -> str:
        """Spell an answer without the tokens that end it."""
        return self.tokenizer.decode([token for token in ids if token not in self.stop_ids]).strip()


def probe_row(
    of: Case,
    found: ProbeDrift,
    *,
    attention: InstructionAttention | None,
    speaker: Speaker,
) -> dict[str, object]:
    """Make the row of one probe at one point."""
    case = of.asked
    said = [speaker.text(ids) for ids in found.answers]
    after_neutral = [speaker.text(ids) for ids in found.control_answers]
    kept, determined = kept_share(case.probe, said)
    kept_neutral, _ = kept_share(case.probe, after_neutral)
    went = destination(found, failed=None if math.isnan(kept) else kept < 0.5)
    reasons = {**{name: why for name, why in found.reasons.items() if name in _DISTANCES}, **case.missing}
    reasons |= _unjudged(case, determined)
    row: dict[str, object] = {
        **place_of(of.conversation, of.arm.name),
        **_standing(case),
        "kind": "probe",
        "probe": case.probe.id,
        "answers": len(found.answers),
        "truncated": found.truncated,
        **{name: known(getattr(found, name).mean) for name in _DISTANCES},
        "entropy": known(found.mean_entropy),
        **_log_odds(found),
        "kept": known(kept),
        "kept_neutral": known(kept_neutral),
        "determined": determined,
        "nearest": went.nearest,
        "lean": known(went.lean),
        "said": said,
    }
    if attention is not None:
        row |= _attended(attention, reasons)
    return {**row, "reasons": json.dumps(reasons, ensure_ascii=False, sort_keys=True)}


def place_of(one: Conversation, arm: str) -> dict[str, object]:
    """Return the columns that say of which conversation and arm a row is."""
    return {
        "conversation": one.transcript.id,
        "number": one.number,
        "arm": arm,
        "category": one.category,
        "instruction": one.instruction,
        "held_out": one.held_out,
    }


def known(value: float) -> float | None:
    """Return null for what is not known."""
    return None if math.isnan(value) else value


def _standing(case: Asked) -> dict[str, object]:
    written = case.written.composition
    return {
        "point": case.point.number,
        "turns": case.point.turns,
        "tokens": case.point.tokens,
        "context_tokens": len(case.case.here),
        "lag_turns": case.treated.lag_turns,
        "lag_tokens": case.treated.lag_tokens,
        "reminders": case.treated.reminders,
        "reminder_tokens": case.treated.reminder_tokens,
        "dropped": case.treated.dropped,
        **{f"n_{role}": written.get(role, 0) for role in _ROLES},
    }


def _log_odds(found: ProbeDrift) -> dict[str, object]:
    names = {"h_here": "here", "h_start": "start", "h_neutral": "neutral_history", "h_base": "base"}
    row: dict[str, object] = {
        column: known(found.compliance[name].log_odds) if name in found.compliance else None
        for column, name in names.items()
    }
    here = found.compliance.get("here")
    return {**row, "mass_here": None if here is None else known(here.mass)}


def _attended(attention: InstructionAttention, reasons: dict[str, str]) -> Mapping[str, object]:
    if not attention.mass:
        reasons["attention"] = attention.reason
        return {}
    return {"attention": list(attention.mass), "attention_uniform": attention.uniform}


def _unjudged(case: Asked, determined: int) -> dict[str, str]:
    missing: dict[str, str] = {}
    if not case.case.compliant or not case.case.defiant:
        missing["h_here"] = "the probe has no reference answers of both sides (--compliant, --defiant)"
    if not determined:
        missing["kept"] = (
            "no answer is one of the reference answers"
            if case.case.compliant and case.case.defiant
            else "the probe has neither a checker nor reference answers"
        )
    return missing
