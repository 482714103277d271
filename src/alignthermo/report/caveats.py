"""Warnings that travel with numbers: said once, with every place they touch."""

import re
from collections.abc import Iterable, Sequence

from alignthermo.quantities import Estimate

__all__ = ["grouped_caveats", "warnings_of"]

_PLACES_NAMED = 8


def warnings_of(estimate: Estimate | None) -> tuple[str, ...]:
    """Return caveats and the reason of an estimate, each once."""
    if estimate is None:
        return ()
    reason = () if estimate.reason is None else (estimate.reason,)
    return tuple(dict.fromkeys((*estimate.caveats, *reason)))


def grouped_caveats(met: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return one line per kind of warning; those that differ only in their numbers are of one kind.

    Parameters
    ----------
    met : iterable of (warning, place)

    Examples
    --------
    >>> grouped_caveats([("8 prompts", "harm"), ("9 prompts", "task"), ("other", "all")])
    ('8 prompts (harm); likewise, with other numbers: task', 'other (all)')
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for warning, place in met:
        kinds.setdefault(re.sub(r"\d[\d.]*", "#", warning), []).append((warning, place))
    return tuple(_line(same) for same in kinds.values())


def _line(met: Sequence[tuple[str, str]]) -> str:
    (warning, first), rest = met[0], [place for _, place in met[1:]]
    if not rest:
        return f"{warning} ({first})"
    more = "; …" if len(rest) > _PLACES_NAMED else ""
    same = all(other == warning for other, _ in met)
    alike = "likewise" if same else "likewise, with other numbers"
    return f"{warning} ({first}); {alike}: {'; '.join(rest[:_PLACES_NAMED])}{more}"
