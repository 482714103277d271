"""A file of conversations to a transcript set: bad rows are reported by line, good rows are kept."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from alignthermo.errors import InputError, PromptError
from alignthermo.prompts import RowProblem
from alignthermo.prompts.files import RawRow, read_rows
from alignthermo.prompts.read import shown_problems
from alignthermo.transcripts.inspect_log import read_inspect_log
from alignthermo.transcripts.rows import transcript_from_row
from alignthermo.transcripts.transcript import Transcript, TranscriptSet

__all__ = ["read_transcripts", "transcripts_of"]


def read_transcripts(path: Path, *, name: str | None = None) -> TranscriptSet:
    """Read conversations from JSONL (``.gz`` and ``.xz`` too), or from an Inspect log (``.eval``).

    One conversation per row: `messages` as the chat APIs have them, with roles ``system developer user
    assistant tool``, tool calls and their results; contents are text or lists of parts. CSV and Parquet files
    with the same column are read, too. Rows that share an id keep it, the later ones with ``#2``, ``#3`` …

    Parameters
    ----------
    path : Path
    name : str, optional
        Name of the set; the file's name by default.

    Raises
    ------
    InputError
        The file cannot be read as a whole, or not one of its rows can be used.
    ConfigError
        An Inspect log without the package that reads it.
    """
    rows = read_inspect_log(path) if path.suffix.lower() == ".eval" else read_rows(path)
    transcripts, problems = _collect(rows)
    if not transcripts:
        raise InputError(f"{path} holds no usable conversation{shown_problems(problems)}")
    return _set(transcripts, problems, name=name or path.name, source=str(path))


def transcripts_of(rows: Iterable[Mapping[str, object]], *, name: str = "transcripts") -> TranscriptSet:
    """Make a transcript set of rows in memory.

    Raises
    ------
    InputError
        There is nothing in it, or a row cannot be used: unlike a file, a list is the caller's own to mend.

    Examples
    --------
    >>> transcripts_of([{"messages": [{"role": "user", "content": "Hello."}]}]).transcripts[0].id
    'row-1'
    """
    raw = [RawRow(line=number, values=dict(row)) for number, row in enumerate(rows, start=1)]
    transcripts, problems = _collect(raw)
    if problems or not transcripts:
        raise InputError(f"{name} holds no usable conversation{shown_problems(problems)}")
    return _set(transcripts, (), name=name, source="memory")


def _collect(rows: Iterable[RawRow]) -> tuple[tuple[Transcript, ...], tuple[RowProblem, ...]]:
    transcripts: list[Transcript] = []
    problems: list[RowProblem] = []
    taken: set[str] = set()
    for row in rows:
        try:
            if row.values is None:
                raise PromptError(row.problem or "unreadable")
            one = transcript_from_row(row.values, line=row.line)
        except PromptError as error:
            problems.append(RowProblem(line=row.line, reason=str(error)))
            continue
        transcripts.append(replace(one, id=_unused(one.id, taken)))
    return tuple(transcripts), tuple(problems)


def _unused(wanted: str, taken: set[str]) -> str:
    found = next(
        name
        for name in (wanted, *(f"{wanted}#{number}" for number in range(2, len(taken) + 3)))
        if name not in taken
    )
    taken.add(found)
    return found


def _set(
    transcripts: tuple[Transcript, ...], problems: tuple[RowProblem, ...], *, name: str, source: str
) -> TranscriptSet:
    digest = hashlib.sha256()
    for one in transcripts:
        # Lines are where, not what: the same conversations have the same digest in any file.
        content = {key: value for key, value in asdict(one).items() if key != "line"}
        if not one.rephrased:
            del content["rephrased"]  # files without it keep the digest they had
        for speech in content["speeches"]:
            del speech["inserted"]  # nothing is, in what was recorded
        line = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
        digest.update(line.encode("ascii") + b"\n")
    return TranscriptSet(
        name=name,
        transcripts=transcripts,
        problems=problems,
        sha256=f"sha256:{digest.hexdigest()}",
        source=source,
    )
