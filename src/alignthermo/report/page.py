"""The sheet every report is written on: one template engine, one style, no text that could act."""

from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from alignthermo.report.escape import clipped, visible, with_code

__all__ = ["MAX_BYTES", "bounded_page", "environment", "style"]

MAX_BYTES = 3_000_000
"""Size no page may exceed."""

_LONGEST_CELL = 600


def bounded_page(render: Callable[[int], str], budgets: tuple[int, ...]) -> str:
    """Return the page of the first budget that keeps it below `MAX_BYTES`, else that of the last."""
    page = ""
    for budget in budgets:
        page = render(budget)
        if len(page.encode("utf-8")) <= MAX_BYTES:
            break
    return page


def style() -> Markup:
    """Return the style sheets of charts and page."""
    folder = files("alignthermo.report").joinpath("templates")
    return Markup("").join(
        Markup(folder.joinpath(name).read_text("utf-8")) for name in ("chart.css", "report.css")
    )


def environment() -> Environment:
    """Return the template engine; every text it writes is bounded, visible and escaped."""
    engine = Environment(
        loader=PackageLoader("alignthermo.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    engine.filters["code"] = with_code
    return engine


def _finalize(value: object) -> object:
    """Let no text reach the page before its invisible characters are visible and its length is bounded."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(clipped(value, _LONGEST_CELL))
    return value
