"""A finished run's summary written anew, from what the run has stored."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from alignthermo.errors import RunFolderError
from alignthermo.quantities import Record, Verdict
from alignthermo.runs.durable import folder_lock, io_errors, write_atomically
from alignthermo.runs.layout import LOCK, RUN, SUMMARY
from alignthermo.runs.schema import parquet_bytes
from alignthermo.runs.summary import summary_json

__all__ = ["rewrite_summary"]


def rewrite_summary(
    folder: str | os.PathLike[str],
    *,
    estimates: Sequence[Record],
    verdicts: Sequence[Verdict],
    tables: Mapping[str, pa.Table],
) -> Path:
    """Replace summary.json, with tables that it rests on beside it, under the folder's lock.

    The committed parts are not touched. Tables go first: a summary is never there without them.

    Parameters
    ----------
    folder : path
    estimates, verdicts : sequences
    tables : mapping of str to pyarrow.Table
        By file name, ending in ``.parquet``.

    Returns
    -------
    Path
        Of summary.json.

    Raises
    ------
    RunFolderError
        The folder holds no run, or cannot be written; an older summary is then untouched.
    """
    path = Path(folder)
    if not (path / RUN).is_file():
        raise RunFolderError(f"{path} holds no run")
    contents = {name: parquet_bytes(table) for name, table in tables.items()}
    contents[SUMMARY] = summary_json(estimates=estimates, verdicts=verdicts).encode()
    with (
        io_errors(path, doing="write the summary", safe="The measured rows were not touched."),
        folder_lock(path / LOCK),
    ):
        for name, content in contents.items():
            write_atomically(path / name, content)
    return path / SUMMARY
