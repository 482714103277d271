"""The certificate in a few sentences; nothing that was not measured."""

import math
from collections import Counter
from collections.abc import Sequence

from alignthermo.experiments import Certificate, CertificateLine
from alignthermo.quantities import Estimate
from alignthermo.report.numbers import format_interval, format_value
from alignthermo.report.record_index import ALL
from alignthermo.report.transition.certificate import line_name

__all__ = ["plain_words"]


def plain_words(certificate: Certificate) -> str:
    """Say how many thresholds were found, where the lowest lies, and what the verdicts are."""
    lines = [line for line in certificate.lines if line.instruction == ALL] or list(certificate.lines)
    if not lines:
        return "No curve was measured in this run."
    bracketed = [line for line in lines if not math.isnan(line.alpha_c.value)]
    if not bracketed:
        return f"{_none(lines)} {_verdicts(lines)}"
    return " ".join(part for part in (_count(lines, bracketed), _ends(bracketed), _verdicts(lines)) if part)


def _none(lines: Sequence[CertificateLine]) -> str:
    above = sum(math.isfinite(line.alpha_c.low) for line in lines)
    below = sum(math.isfinite(line.alpha_c.high) for line in lines)
    sides = [
        *([f"kept at every α that was measured in {above}"] if above else []),
        *([f"broken at every α in {below}"] if below else []),
    ]
    said = f": the instruction was {' and '.join(sides)} of {len(lines)} curves" if sides else ""
    return f"No threshold is bracketed{said}."


def _count(lines: Sequence[CertificateLine], bracketed: Sequence[CertificateLine]) -> str:
    if len(lines) == 1:
        return ""
    curves = "curves over all prompts" if lines[0].instruction == ALL else "curves"
    return f"A threshold is bracketed in {len(bracketed)} of {len(lines)} {curves}."


def _ends(bracketed: Sequence[CertificateLine]) -> str:
    ordered = sorted(bracketed, key=lambda line: line.alpha_c.value)
    first, last = ordered[0], ordered[-1]
    if len(bracketed) == 1:
        return f"Under {line_name(first)} the instruction is kept half the time at {_written(first.alpha_c)}."
    text = (
        f"The lowest is {_written(first.alpha_c)} under {line_name(first)}, the highest "
        f"{_written(last.alpha_c)} under {line_name(last)}"
    )
    apart = first.alpha_c.high < last.alpha_c.low
    return f"{text}." if apart else f"{text}; their intervals overlap, so the order is not established."


def _written(alpha_c: Estimate) -> str:
    text = f"α_c = {format_value(alpha_c)}"
    if math.isnan(alpha_c.low) or math.isnan(alpha_c.high):
        return f"{text} (no interval)"
    return f"{text} ({100 * alpha_c.level:g} % interval {format_interval(alpha_c)})"


def _verdicts(lines: Sequence[CertificateLine]) -> str:
    counted = Counter(line.verdict for line in lines)
    if len(counted) == 1:
        every = "The verdict" if len(lines) == 1 else "Every verdict"
        return f"{every} is “{lines[0].verdict}”."
    named = ", ".join(f"“{name}” ({count})" for name, count in counted.most_common())
    return f"Verdicts: {named}."
