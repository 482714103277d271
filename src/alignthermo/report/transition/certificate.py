"""The certificate first: every threshold with its interval, side by side and as a table."""

import math
from collections.abc import Sequence
from dataclasses import replace

from alignthermo.experiments import Certificate, CertificateLine
from alignthermo.report.caveats import grouped_caveats, warnings_of
from alignthermo.report.chart_lattice import LatticeRow, Panel, RowHead, lattice, panel_chart
from alignthermo.report.estimate_table import NOT_BRACKETED, estimate_cell
from alignthermo.report.layout import Figure
from alignthermo.report.names import in_words
from alignthermo.report.record_index import ALL
from alignthermo.report.section import Part, Section
from alignthermo.report.table import Table
from alignthermo.report.transition.slices import SIZE_NAMES

__all__ = ["certificate_section", "line_name"]

_MOST_ROWS = 60
_MOST_TABLE_ROWS = 400
_LEAD = (
    "Each line is one curve: what was asked of the model, by which attack, in which order, in a context of "
    "which size. α is the adversarial share of the tokens of instruction and attack; α_c is where the "
    "instruction is kept half the time. A threshold holds for its own line and for no other."
)
_COLUMNS = {"alpha_c": "α_c", "tokens to raise": "raising α_c"}
_NAMES = frozenset({"attack", "order", "law"})
"""Columns of names of the program; the others are words or symbols already."""


def certificate_section(certificate: Certificate) -> Section:
    """Return the table of thresholds, its picture, and what could not be said."""
    lines = sorted(certificate.lines, key=lambda line: line.instruction != ALL)
    if not lines:
        return Section(
            anchor="certificate",
            name="Certificate",
            title="Certificate",
            missing=("No curve: the run holds no threshold and no verdict.",),
        )
    chart = Part(figure=_figure(lines[:_MOST_ROWS]), tables=(_table(certificate),), css="plain")
    ceilings = tuple(f"Ceiling of the verdicts: {in_words(ceiling)}." for ceiling in certificate.ceilings)
    return Section(
        anchor="certificate",
        name="Certificate",
        title="Certificate",
        lead=_LEAD,
        parts=(chart, Part(notes=(*ceilings, *_caveats(lines)))),
    )


def line_name(line: CertificateLine) -> str:
    """Name a line as one would say it; *all* is left out."""
    size = f"{SIZE_NAMES[line.size_name]} {line.size:g}"
    where = (line.family, line.order, size) if line.instruction == ALL else _named(line, size)
    return " · ".join(in_words(one) for one in where)


def _named(line: CertificateLine, size: str) -> tuple[str, ...]:
    return line.instruction, line.family, line.order, size


def _figure(lines: Sequence[CertificateLine]) -> Figure:
    rows = tuple(
        LatticeRow(
            label=line_name(line),
            n=line.alpha_c.n,
            estimates=(line.alpha_c,),
            flagged=bool(line.alpha_c.caveats),
            absent=NOT_BRACKETED,
        )
        for line in lines
    )
    size = SIZE_NAMES[lines[0].size_name]
    panel = Panel(title="α_c", unit="adversarial share of the context", range=(0.0, 1.0))
    head = RowHead(title=f"attack · order · {size}", width=350.0, letters=42)
    heading = ("Thresholds", "α_c of every curve with its interval; the table below has the numbers")
    return Figure(
        caption=_caption(lines),
        wide=(lattice(rows, [panel], heading=heading, chart_id="certificate-w", head=head),),
        narrow=(
            panel_chart(_narrow(lines, rows), 0, panel=panel, heading=heading, chart_id="certificate-n"),
        ),
    )


def _narrow(lines: Sequence[CertificateLine], rows: Sequence[LatticeRow]) -> tuple[LatticeRow, ...]:
    """Leave out of the names what all lines share: on a phone there is room for what tells them apart."""
    names = [_named(line, f"{SIZE_NAMES[line.size_name]} {line.size:g}") for line in lines]
    telling = [place for place, seen in enumerate(zip(*names, strict=True)) if len(set(seen)) > 1]
    if not telling:
        return tuple(rows)
    short = (" · ".join(in_words(name[place]) for place in telling) for name in names)
    return tuple(replace(row, label=label) for row, label in zip(rows, short, strict=True))


def _caption(lines: Sequence[CertificateLine]) -> str:
    levels = " and ".join(sorted({f"{100 * line.alpha_c.level:g} %" for line in lines}))
    text = f"α_c with {levels} intervals over prompts; n counts prompts."
    if any(math.isnan(line.alpha_c.value) for line in lines):
        text += (
            " An arrow starts at the last α that was measured: the threshold lies beyond it, nobody has seen "
            "where. Nothing is extrapolated."
        )
    return text + (" † and a hollow point: a caveat stands below." if _flagged(lines) else "")


def _flagged(lines: Sequence[CertificateLine]) -> bool:
    return any(line.alpha_c.caveats for line in lines)


def _table(certificate: Certificate) -> Table:
    """Write the certificate's own columns, thresholds and slopes with their intervals below them."""
    pairs = sorted(
        zip(certificate.lines, certificate.rows, strict=True), key=lambda pair: pair[0].instruction != ALL
    )
    rows = tuple(_row(line, certificate.header, row) for line, row in pairs[:_MOST_TABLE_ROWS])
    left_out = len(pairs) - _MOST_TABLE_ROWS
    footer = f"{left_out:,} more lines stand in summary.json." if left_out > 0 else ""
    columns = tuple(_COLUMNS.get(name, name) for name in certificate.header)
    caption = "Slope: within a prompt, per unit of α. Law: the simplest that two errors do not rule out."
    return Table(caption=caption, columns=columns, rows=rows, footer=footer)


def _row(line: CertificateLine, header: Sequence[str], row: Sequence[str]) -> tuple[str, ...]:
    written: dict[str, str] = {"alpha_c": estimate_cell(line.alpha_c), "slope": estimate_cell(line.slope)}
    cells = zip(header, row, strict=True)
    return tuple(written.get(name, in_words(cell) if name in _NAMES else cell) for name, cell in cells)


def _caveats(lines: Sequence[CertificateLine]) -> tuple[str, ...]:
    met = (
        (f"{name}: {warning}", line_name(line))
        for line in lines
        for name, estimate in (("α_c", line.alpha_c), ("slope", line.slope))
        for warning in warnings_of(estimate)
    )
    return grouped_caveats(met)
