"""Rows out of JSONL, CSV and Parquet files, plain or compressed, with the line each began on."""

import csv
import gzip
import io
import json
import lzma
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from alignthermo.errors import InputError

__all__ = ["FORMATS", "MAX_BYTES", "RawRow", "read_rows"]

FORMATS = (".jsonl", ".ndjson", ".csv", ".parquet")
MAX_BYTES = 1 << 30
"""Largest content, after decompression: a set of prompts is far smaller, a compression bomb is not."""

_COMPRESSED = (".gz", ".xz")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """One row: the line it starts on, and either its values or why it has none."""

    line: int
    values: dict[str, object] | None = None
    problem: str | None = None


def read_rows(path: Path) -> Iterator[RawRow]:
    """Yield the rows of a file; a row that cannot be read is yielded with its problem.

    Raises
    ------
    InputError
        The file is missing, no regular file, of an unknown format, too large, or unreadable as a whole.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in _COMPRESSED else None
    kind = suffixes[-1] if suffixes else ""
    if kind not in FORMATS:
        raise InputError(
            f"rows cannot be read from {path}: the name must end in {', '.join(FORMATS)} "
            "(and .gz or .xz if it is compressed)"
        )
    content = _content(path, packing)
    if content.startswith(_UTF16_MARKS):
        raise InputError(f"{path} is UTF-16; save it as UTF-8")
    if kind == ".csv":
        return _csv_rows(content, path)
    return _parquet_rows(content, path) if kind == ".parquet" else _jsonl_rows(content)


def _content(path: Path, packing: str | None) -> bytes:
    _require_regular(path)
    try:
        with path.open("rb") as packed, _unpacked(packed, packing) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path} holds more than {MAX_BYTES >> 20} MiB; split it")
    return content


def _unpacked(
    packed: io.BufferedReader, packing: str | None
) -> io.BufferedReader | gzip.GzipFile | lzma.LZMAFile:
    if packing == ".gz":
        return gzip.GzipFile(fileobj=packed)
    return lzma.LZMAFile(packed) if packing == ".xz" else packed


def _require_regular(path: Path) -> None:
    # Before opening: reading a pipe or a device could wait, or go on, for ever.
    try:
        mode = path.stat().st_mode
    except OSError as error:
        link = " (a symbolic link to nothing)" if path.is_symlink() else ""
        raise InputError(f"file {path}{link} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        raise InputError(f"{path} is {what}, not a regular file")


def _jsonl_rows(content: bytes) -> Iterator[RawRow]:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _jsonl_row(line, number)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _jsonl_row(line: bytes, number: int) -> RawRow:
    try:
        values = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        return RawRow(line=number, problem=f"not UTF-8 (byte {error.start + 1}: {error.reason})")
    except json.JSONDecodeError as error:
        return RawRow(line=number, problem=f"not JSON ({error.msg} at column {error.colno})")
    except (ValueError, RecursionError) as error:
        return RawRow(line=number, problem=f"not JSON ({error})")
    if not isinstance(values, dict):
        return RawRow(line=number, problem='not a JSON object: write {"prompt": …} or {"messages": […]}')
    return RawRow(line=number, values=values)


@contextmanager
def _wide_csv_fields() -> Iterator[None]:
    # The csv module has one limit for the whole process and no other way to lift it.
    before = csv.field_size_limit(MAX_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_rows(content: bytes, path: Path) -> Iterator[RawRow]:
    # Bytes that are not UTF-8 become lone surrogates, which the check of the row then names.
    text = content.decode("utf-8-sig", "surrogateescape")
    with _wide_csv_fields():
        rows = list(_numbered(text, path))
    if not rows:
        return iter(())
    return (_csv_row(rows[0][1], cells, line) for line, cells in rows[1:] if cells)


def _numbered(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        # After a broken quote nothing tells where the next row begins.
        raise InputError(f"{path}, line {start}: not CSV ({error}); mend the quotes") from error


def _csv_row(header: list[str], cells: list[str], line: int) -> RawRow:
    if len(cells) != len(header):
        return RawRow(line=line, problem=f"{len(cells)} cells where the header has {len(header)}")
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return RawRow(line=line, problem="not UTF-8")
    # An empty cell is how CSV spells a missing value.
    return RawRow(line=line, values={name: cell for name, cell in zip(header, cells, strict=True) if cell})


def _parquet_rows(content: bytes, path: Path) -> Iterator[RawRow]:
    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a readable Parquet file: {error}") from error
    return (RawRow(line=number, values=row) for number, row in enumerate(rows, start=1))
