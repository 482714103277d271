"""What a drift report is made from: the records and verdicts of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alignthermo.quantities import Record, Verdict

__all__ = ["DriftData"]


@dataclass(frozen=True, kw_only=True)
class DriftData:
    """Everything the page shows. A panel whose records are absent says why, and how to get them.

    Attributes
    ----------
    title : str
        Heading of the page.
    records : sequence of Record
        Those of summary.json: slices by ``arm`` and ``category``; courses have ``tokens`` besides.
    verdicts : sequence of Verdict
        ``law``, ``growth``, ``forgetting`` … by arm and category, and the checks that guard the numbers.
    run : mapping
        Provenance and configuration, nested mappings allowed; ``command`` is shown as the way to reproduce,
        ``aligned`` and ``base`` name the models, ``config`` holds the settings.
    left_out : sequence of str
        Lines of files and conversations that were not measured, with the reason.
    """

    title: str
    records: Sequence[Record]
    verdicts: Sequence[Verdict] = ()
    run: Mapping[str, object] = field(default_factory=dict)
    left_out: Sequence[str] = ()

    @property
    def config(self) -> Mapping[str, object]:
        """Settings of the run, empty where none are recorded."""
        found = self.run.get("config")
        return found if isinstance(found, Mapping) else {}
