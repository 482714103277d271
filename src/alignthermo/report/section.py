"""A part of the page: what it shows, or why it cannot."""

from dataclasses import dataclass

from alignthermo.report.layout import Figure
from alignthermo.report.table import Table

__all__ = ["Part", "Section"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One figure or one set of tables under a heading of its own.

    Attributes
    ----------
    beside : Figure or None
        A second figure, with charts in pairs.
    layout : str
        Style of the grid of charts: ``pairwise``, ``small``, or none.
    tables : tuple of Table
        Shown at once; those of a figure stand behind it.
    css : str
        Style of `tables`: ``numeric`` or ``prose``.
    folded : bool
        Shown on demand.
    """

    heading: str = ""
    figure: Figure | None = None
    beside: Figure | None = None
    layout: str = "pairwise"
    tables: tuple[Table, ...] = ()
    css: str = "numeric"
    notes: tuple[str, ...] = ()
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A panel of the report.

    Attributes
    ----------
    anchor : str
        Its id on the page.
    name : str
        In the list of sections.
    lead : str
        What is shown and how to read it.
    missing : tuple of str
        One line for each thing that the run does not hold: why, and how to get it.
    """

    anchor: str
    name: str
    title: str
    lead: str = ""
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()
