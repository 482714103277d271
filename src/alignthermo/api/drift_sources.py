"""The files of a drift run: conversations, instructions with probes, user turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alignthermo.api.names import SHIPPED
from alignthermo.errors import ConfigError, PromptError
from alignthermo.experiments.drift import (
    GENERAL_PROBES,
    DriftConfig,
    DriftMaterial,
    Probe,
    UserTurns,
    instructions_of,
    neutral_text,
    probes_of,
    read_instruction_prompts,
)
from alignthermo.prompts import PromptSet
from alignthermo.reference.shipped import shipped_prompts_path
from alignthermo.transcripts import TranscriptSet, read_transcripts

__all__ = ["DriftSources", "read_drift_sources"]


@dataclass(frozen=True, kw_only=True)
class DriftSources:
    """What was read.

    Attributes
    ----------
    material : DriftMaterial
    digests : mapping of str to str
        Of each source's content, by setting.
    unread : tuple of str
        Rows that could not be used, by file and line.
    """

    material: DriftMaterial
    digests: Mapping[str, str]
    unread: tuple[str, ...]


def read_drift_sources(config: DriftConfig, *, recorded: TranscriptSet | None = None) -> DriftSources:
    """Read every file that a configuration names.

    Parameters
    ----------
    config : DriftConfig
    recorded : TranscriptSet, optional
        Conversations that were read already.

    Raises
    ------
    InputError
        A file cannot be read, or nothing in it can be used.
    """
    reading = _Reading()
    references = {"compliant": config.compliant, "defiant": config.defiant}
    prompts = None if config.prompts is None else reading.prompts("prompts", config.prompts)
    if config.mode == "transcripts":
        transcripts = recorded or read_transcripts(Path(str(config.transcripts)))
        reading.note("transcripts", transcripts)
        material = DriftMaterial(
            neutral=neutral_text(config),
            transcripts=transcripts,
            probes=_probes(prompts, references),
            own_probes=reading.own_probes(transcripts, references),
        )
    else:
        if prompts is None:
            raise ConfigError(f"the mode {config.mode} needs instructions with their probes (--prompts FILE)")
        instructions = instructions_of(prompts, **references)
        reading.unread += [f"prompts: {problem}" for problem in instructions.problems]
        user_turns = None
        if config.user_turns is not None:
            user_turns = UserTurns.of(reading.prompts("user_turns", config.user_turns))
        material = DriftMaterial(
            instructions=instructions.instructions[: config.limit],
            user_turns=user_turns,
            neutral=neutral_text(config),
        )
    return DriftSources(material=material, digests=reading.digests, unread=tuple(reading.unread))


def _probes(prompts: PromptSet | None, references: Mapping[str, Sequence[str]]) -> tuple[Probe, ...]:
    """Return the probes of a prompt set, or general ones."""
    if prompts is None:
        return tuple(one.completed(**references) for one in GENERAL_PROBES)
    return probes_of(prompts, **references)


class _Reading:
    """Sources as they are read, with their digests and the rows that could not be used."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.unread: list[str] = []

    def prompts(self, setting: str, source: str) -> PromptSet:
        """Read prompts, which a setting names."""
        found = read_instruction_prompts(source, shipped={SHIPPED: shipped_prompts_path()})
        self.note(setting, found)
        return found

    def own_probes(
        self, transcripts: TranscriptSet, references: Mapping[str, Sequence[str]]
    ) -> dict[str, tuple[Probe, ...]]:
        """Read the probes that conversations name themselves."""
        found = {}
        for one in transcripts.transcripts:
            try:
                named = Probe.from_meta(one.meta)
            except PromptError as error:
                self.unread.append(f"transcripts: line {one.line}: {error}; other probes are asked")
            else:
                found[one.id] = tuple(probe.completed(**references) for probe in named)
        return found

    def note(self, setting: str, found: PromptSet | TranscriptSet) -> None:
        """Keep what is to be said of a source."""
        self.digests[f"{setting}_sha256"] = found.sha256
        self.unread += [f"{setting}: {problem}" for problem in found.problems]
