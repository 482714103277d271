"""What a transition gives back: the certificate, the records behind it, the rows behind those."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from alignthermo.api.records import columns_of, one_record, skipped_of
from alignthermo.experiments import Certificate, certificate_of
from alignthermo.quantities import Record, Verdict
from alignthermo.report.transition import TransitionData, render_transition, render_transition_summary

__all__ = ["TransitionResult"]


@dataclass(frozen=True, kw_only=True)
class TransitionResult:
    """Where compliance breaks.

    Attributes
    ----------
    records : tuple of Record
        ``alpha_c``, ``slope_within``, ``p_kept`` … by category, family, order and length.
    verdicts : tuple of Verdict
        ``law`` and ``transition`` of each curve, and the null checks.
    shard_records : tuple of Record
        Prompts that were skipped, and the tokens of each shard.
    rows : pyarrow.Table
        One row per context and model; `stage` says what asked for it.
    tables : mapping of str to pyarrow.Table
        Rows of every stage by its name, also of stages that read no contexts.
    run : mapping
        Configuration.
    folder : Path or None
    complete : bool
        False while other processes work on other shards of a stage; `records` is then empty.
    unread : tuple of str
        Rows of files that could not be used.
    """

    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    shard_records: tuple[Record, ...]
    rows: pa.Table
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    run: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None
    complete: bool = True
    unread: tuple[str, ...] = ()

    @property
    def certificate(self) -> Certificate:
        """Instruction × attack family × order × length to α_c, slope, law and verdict."""
        return certificate_of(self.records, self.verdicts)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Prompts (under a family, or at all) without a measurement, with the reason; each once."""
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
        """Return the rows, one per context and model."""
        frame: pd.DataFrame = self.rows.to_pandas()
        return frame

    def report(self) -> str:
        """Return the whole report as one offline HTML page."""
        return render_transition(self.report_data())

    def report_data(self) -> TransitionData:
        """Return what the report is made from."""
        return TransitionData(
            title="Where compliance breaks",
            records=self.records,
            verdicts=self.verdicts,
            run={**self._models(), **self.run},
            left_out=(*self.unread, *self.skipped),
        )

    def _models(self) -> dict[str, object]:
        config = self.run.get("config")
        named = config if isinstance(config, Mapping) else {}
        return {side: named.get(side) for side in ("base", "aligned")}

    def _repr_html_(self) -> str:
        return render_transition_summary(self.report_data())

    def summary(self) -> pd.DataFrame:
        """Return the records as a table, slices as columns."""
        return pd.DataFrame([{**record.slice, **columns_of(record)} for record in self.records])
