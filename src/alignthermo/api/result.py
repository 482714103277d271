"""What a landscape gives back: tables, records, a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from alignthermo.api.records import columns_of, one_record
from alignthermo.experiments import ROW_FAILED
from alignthermo.quantities import Prompt, Record, Verdict
from alignthermo.report import ReportData, render_report, render_summary_html

__all__ = ["LandscapeResult", "prompt_texts"]


@dataclass(frozen=True, kw_only=True)
class LandscapeResult:
    """The alignment free-energy landscape of a pair.

    Attributes
    ----------
    records : tuple of Record
        Aggregates with intervals, by category and context policy.
    prompt_records : tuple of Record
        One set of numbers per prompt; a prompt that failed has NaN with the reason.
    verdicts : tuple of Verdict
        What the self-checks decided.
    tokens : pyarrow.Table
        One row per response token.
    prompts : mapping from prompt id to text
    run : mapping
        Configuration and provenance.
    folder : Path or None
        The run folder, where there is one.
    complete : bool
        False when other processes still work on other shards; `records` is then empty.
    unread : tuple of str
        Rows of the prompt file that could not be used, by line.
    """

    records: tuple[Record, ...]
    prompt_records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    tokens: pa.Table
    prompts: Mapping[str, str]
    run: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None
    complete: bool = True
    unread: tuple[str, ...] = ()

    @property
    def n_failed(self) -> int:
        """Prompts that could not be measured under at least one context policy."""
        return len({r.unit_id for r in self.prompt_records if r.quantity == ROW_FAILED})

    def to_pandas(self) -> pd.DataFrame:
        """Return the token table, one row per response token."""
        frame: pd.DataFrame = self.tokens.to_pandas()
        return frame

    def summary(self) -> pd.DataFrame:
        """Return the aggregate records as a table, slices as columns."""
        return pd.DataFrame([_flat(record) for record in self.records])

    def per_prompt(self) -> pd.DataFrame:
        """Return the per-prompt records as a table."""
        return pd.DataFrame([_flat(record) for record in self.prompt_records])

    def value(self, quantity: str, **where: str) -> Record:
        """Return the one aggregate record of `quantity` on a slice, ``category="all"`` unless given.

        Raises
        ------
        KeyError
            No record, or more than one, fits.
        """
        return one_record(self.records, quantity, where)

    def report(self) -> str:
        """Return the whole report as one offline HTML page."""
        return render_report(self.report_data())

    def report_data(self) -> ReportData:
        """Return what the report is made from."""
        return ReportData(
            title="Alignment free-energy landscape",
            records=self.records,
            verdicts=self.verdicts,
            tokens=self.tokens,
            prompts=self.prompts,
            run=self.run,
        )

    def _repr_html_(self) -> str:
        return render_summary_html(self.report_data())


def _flat(record: Record) -> dict[str, Any]:
    return {**record.slice, "unit_id": record.unit_id, **columns_of(record)}


def prompt_texts(prompts: Sequence[Prompt]) -> dict[str, str]:
    """Return what a report shows above a response: the conversation, one turn a line."""
    return {p.id: "\n".join(f"{m.role}: {m.content}" for m in p.messages) for p in prompts}
