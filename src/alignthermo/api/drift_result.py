"""What a drift run gives back: a table, the records behind it, the rows behind those."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from alignthermo.api.records import columns_of, one_record, skipped_of
from alignthermo.experiments.drift import DriftTable, drift_table, talk_rows_to_transcripts
from alignthermo.quantities import Record, Verdict
from alignthermo.report.drift import DriftData, render_drift, render_drift_summary
from alignthermo.transcripts import TranscriptSet

__all__ = ["DriftResult"]


@dataclass(frozen=True, kw_only=True)
class DriftResult:
    """How firmly instructions hold over conversations.

    Attributes
    ----------
    records : tuple of Record
        ``drift_end``, ``compliance_change``, ``drift_rate_tokens`` … by arm and category.
    verdicts : tuple of Verdict
        ``law``, ``forgetting``, ``schedule`` …, and the checks.
    shard_records : tuple of Record
        Conversations that were skipped, wholly or under one arm.
    tables : mapping of str to pyarrow.Table
        ``probe``: one row per conversation, arm, point and probe; ``talk``: conversations that were held.
    run : mapping
        Configuration.
    folder : Path or None
    complete : bool
        False while other processes work on other shards; `records` is then empty.
    unread : tuple of str
        Rows of files that could not be used.
    """

    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    shard_records: tuple[Record, ...]
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    run: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None
    complete: bool = True
    unread: tuple[str, ...] = ()

    @property
    def table(self) -> DriftTable:
        """One line per arm: drift, compliance, rate, law, verdict, what reminders cost and gain."""
        return drift_table(self.records, self.verdicts)

    @property
    def conversations(self) -> TranscriptSet | None:
        """The conversations that were held, without reminders; None for recorded ones."""
        talk = self.tables.get("talk")
        return None if talk is None else talk_rows_to_transcripts(talk)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Conversations without a measurement, wholly or under one arm, with the reason; each once."""
        return skipped_of(self.shard_records)

    def value(self, quantity: str, **where: str) -> Record:
        """Return the one record of `quantity` on a slice, ``category="all"`` unless given.

        Raises
        ------
        KeyError
            No record, or more than one, fits.
        """
        return one_record(self.records, quantity, where)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows of the measurement."""
        rows = self.tables.get("probe")
        frame: pd.DataFrame = pd.DataFrame() if rows is None else rows.to_pandas()
        return frame

    def report(self) -> str:
        """Return the whole report as one offline HTML page."""
        return render_drift(self.report_data())

    def report_data(self) -> DriftData:
        """Return what the report is made from."""
        config = self.run.get("config")
        named = config if isinstance(config, Mapping) else {}
        return DriftData(
            title="Does the instruction hold?",
            records=self.records,
            verdicts=self.verdicts,
            run={**{side: named.get(side) for side in ("base", "aligned")}, **self.run},
            left_out=(*self.unread, *self.skipped),
        )

    def _repr_html_(self) -> str:
        return render_drift_summary(self.report_data())

    def summary(self) -> pd.DataFrame:
        """Return the records as a table, slices as columns."""
        return pd.DataFrame([{**record.slice, **columns_of(record)} for record in self.records])
