"""A point of a conversation, under an arm and a probe, as contexts of token ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alignthermo.errors import InputError
from alignthermo.experiments.drift.arms import DriftArm
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.instructions import Probe
from alignthermo.experiments.drift.points import Point, start_of
from alignthermo.observables.drift import ProbeCase, overwritten
from alignthermo.transcripts import (
    PreparedTranscript,
    TranscriptWriter,
    Treated,
    WrittenContext,
    treated,
)

__all__ = ["Asked", "CaseWriter"]

Ids = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A case with where it stands.

    Attributes
    ----------
    case : ProbeCase
    point : Point
    probe : Probe
    treated : Treated
    written : WrittenContext
    missing : mapping
        Columns that cannot be had here, and why.
    """

    case: ProbeCase
    point: Point
    probe: Probe
    treated: Treated
    written: WrittenContext
    missing: Mapping[str, str] = field(default_factory=dict)


class CaseWriter:
    """Writes cases with one tokenizer.

    Parameters
    ----------
    writer : TranscriptWriter
    config : DriftConfig
    filler : sequence of int
        Neutral text.
    """

    def __init__(self, writer: TranscriptWriter, config: DriftConfig, filler: Ids) -> None:
        self._writer, self._config, self._filler = writer, config, filler

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        return self._writer.count(text)

    def asked(self, arm: DriftArm, point: Point, probe: Probe) -> Asked:
        """Write one case.

        Raises
        ------
        TemplateError, PromptError
            The template refuses the conversation, or words cannot be encoded.
        """
        treatment = treated(point.prepared, arm.treatment, upto=point.upto, count=self.count)
        written = self._context(treatment.prepared, treatment.upto, probe.text)
        start = self._start(point.prepared, probe.text)
        here = written.ids
        if arm.instruction == "none":
            here = overwritten(here, written.instruction, self._filler)
            start_ids = overwritten(start.ids, start.instruction, self._filler)
        else:
            start_ids = start.ids
        contexts, missing = self._neutral(arm, here, written)
        wish, no_wish = self._wish(arm, point.prepared, probe.text)
        case = ProbeCase(
            key=f"{point.prepared.id}/{arm.name}/{point.number}/{probe.id}",
            here=here,
            start=start_ids,
            neutral_instruction=contexts.get("instruction"),
            neutral_history=contexts.get("history"),
            wish=wish,
            compliant=self._references(probe.compliant),
            defiant=self._references(probe.defiant),
        )
        return Asked(
            case=case,
            point=point,
            probe=probe,
            treated=treatment,
            written=written,
            missing={**missing, **no_wish},
        )

    def _references(self, texts: Sequence[str]) -> tuple[Ids, ...]:
        return tuple(self._writer.encode_answer(text) for text in dict.fromkeys(texts))

    def _context(self, prepared: PreparedTranscript, upto: int, probe: str) -> WrittenContext:
        if upto <= (1 if prepared.merged else prepared.n_instructing) and prepared.merged:
            return self._start(prepared, probe)
        return self._writer.context(prepared, upto=upto, probe=probe)

    def _start(self, prepared: PreparedTranscript, probe: str) -> WrittenContext:
        speeches, upto, after = start_of(prepared, probe)
        return self._writer.context(speeches, upto=upto, probe=after)

    def _neutral(
        self, arm: DriftArm, here: Ids, written: WrittenContext
    ) -> tuple[dict[str, Ids], dict[str, str]]:
        """Contexts of the same length: another instruction, another history; or why there is none."""
        contexts: dict[str, Ids] = {}
        missing: dict[str, str] = {}
        if arm.instruction == "none" or not written.instruction:
            missing["influence"] = "the instruction does not stand in this context"
        else:
            contexts["instruction"] = overwritten(here, written.instruction, self._filler)
        if "neutral" not in self._config.controls:
            missing["control"] = "the control 'neutral' was not asked for"
        elif arm.is_control:
            missing["control"] = "neutral history is not measured under another instruction"
        else:
            told = [span for span in written.history if span not in written.reminders]
            contexts["history"] = overwritten(here, told, self._filler)
        return contexts, missing

    def _wish(
        self, arm: DriftArm, prepared: PreparedTranscript, probe: str
    ) -> tuple[Ids | None, dict[str, str]]:
        if self._config.wish is None or arm.is_control:
            return None, {"to_wish": "no adversary's wish was given"}
        try:
            return self._start(prepared.with_instruction(self._config.wish), probe).ids, {}
        except InputError as error:
            return None, {"to_wish": str(error)}
