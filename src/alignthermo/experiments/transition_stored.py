"""Rows of the stages of a transition, put together again."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from alignthermo.experiments.transition_rows import TRANSITION_SCHEMA
from alignthermo.experiments.transition_stage import REFINE, REINFORCE, SWEEP

__all__ = ["context_rows", "curve_rows", "reinforced_rows"]


def curve_rows(stored: Mapping[str, pa.Table]) -> pa.Table:
    """Return the contexts without redundant instruction: sweep and refinement."""
    return _joined(table for name, table in stored.items() if name == SWEEP or name.startswith(REFINE))


def context_rows(stored: Mapping[str, pa.Table]) -> pa.Table:
    """Return the rows of every stage that reads contexts, reinforcement included."""
    return _joined([curve_rows(stored), reinforced_rows(stored)])


def reinforced_rows(stored: Mapping[str, pa.Table]) -> pa.Table:
    """Return the contexts with redundant instruction, and those that their refinement added without."""
    return _joined(table for name, table in stored.items() if name.startswith(REINFORCE))


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    # runs of older versions lack columns
    return pa.concat_tables([TRANSITION_SCHEMA.empty_table(), *tables], promote_options="default")
