"""Which verdicts guard the numbers of a drift run."""

import dataclasses
from collections.abc import Sequence

from alignthermo.quantities import Verdict
from alignthermo.report.checks import CheckKind

__all__ = ["DRIFT_CHECKS", "checks_of", "is_check"]

DRIFT_CHECKS = CheckKind(prefixes=("check:",), noun="check")
_NAMES = frozenset(
    {"finite", "start_is_zero", "identical_pair", "control_shuffled", "control_no_instruction"}
)


def is_check(verdict: Verdict) -> bool:
    """Whether a verdict guards the numbers rather than reports a finding."""
    return verdict.name in _NAMES or verdict.name.startswith(DRIFT_CHECKS.prefixes)


def checks_of(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the checks alone, marked as such."""
    return tuple(
        dataclasses.replace(verdict, name=f"check:{verdict.name.removeprefix('check:')}")
        for verdict in verdicts
        if is_check(verdict)
    )
