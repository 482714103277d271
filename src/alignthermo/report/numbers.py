"""Numbers as a reader wants them: as many digits as the interval supports, a true minus sign, no lies."""

import dataclasses
import math

from alignthermo.quantities import Estimate

__all__ = [
    "NOT_MEASURED",
    "as_percent",
    "complement",
    "decimals_of",
    "format_interval",
    "format_number",
    "format_unit",
    "format_value",
    "times",
    "with_error",
]

NOT_MEASURED = "not measured"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL, _LARGE = 1e-4, 1e6


def format_number(value: float, *, decimals: int | None = None) -> str:
    """Write one number; three significant digits unless `decimals` says otherwise.

    Examples
    --------
    >>> format_number(-0.03456), format_number(0.5, decimals=2), format_number(4.2e-7)
    ('−0.0346', '0.50', '4.2 × 10⁻⁷')
    >>> format_number(float("nan")), format_number(float("inf"))
    ('unknown', '∞')
    """
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and not _SMALL <= abs(value) < _LARGE:
        return _scientific(value)
    if decimals is None:
        decimals = max(0, 2 - _exponent(value)) if value else 0
    return f"{value:,.{decimals}f}".replace("-", "−")


def decimals_of(estimate: Estimate) -> int | None:
    """Decimals at which the half-width of the interval shows two significant digits; None without one.

    Whole numbers of tokens are written as such. What is not zero at the level is not written as zero,
    however long one arm of its interval.

    >>> decimals_of(Estimate(value=4.0, low=3.0, high=5.0, n=30, unit="token", method="m"))
    0
    >>> format_value(Estimate(value=0.2, low=0.05, high=70.0, n=8, unit="1", method="m"))
    '0.2'
    """
    if estimate.unit == "token" and all(
        end.is_integer() for end in (estimate.value, estimate.low, estimate.high)
    ):
        return 0
    half_width = (estimate.high - estimate.low) / 2
    if not math.isfinite(half_width) or half_width <= 0:
        return None
    decimals = 1 - _exponent(half_width)
    if (estimate.low > 0.0 or estimate.high < 0.0) and math.isfinite(estimate.value) and estimate.value:
        decimals = max(decimals, -_exponent(estimate.value))
    return min(max(decimals, 0), 6)


def format_value(estimate: Estimate | None) -> str:
    """Write the value of an estimate, *not measured* where there is none.

    >>> format_value(None)
    'not measured'
    """
    if estimate is None:
        return NOT_MEASURED
    return format_number(estimate.value, decimals=decimals_of(estimate))


def format_interval(estimate: Estimate | None) -> str:
    """Write the ends of the interval, or say that there is none.

    Examples
    --------
    >>> format_interval(Estimate(value=0.0361, low=0.033, high=0.0392, n=30, unit="nat", method="m"))
    '0.0330 to 0.0392'
    """
    if estimate is None:
        return "–"
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "no interval"
    decimals = decimals_of(estimate)
    low, high = (format_number(end, decimals=decimals) for end in (estimate.low, estimate.high))
    return f"{low} to {high}"


def format_unit(unit: str) -> str:
    """Write a unit for the eye: nothing for 1, powers as superscripts.

    >>> format_unit("1"), format_unit("nat^2/token"), format_unit("token")
    ('', 'nat²/token', 'tokens')
    """
    spelled = {"1": "", "token": "tokens", "%": "%"}
    return spelled.get(unit, unit.replace("^2", "²").replace("**2", "²"))


def as_percent(estimate: Estimate | None) -> Estimate | None:
    """Scale a share to per cent."""
    return None if estimate is None else times(estimate, 100.0, unit="%")


def times(estimate: Estimate, factor: float, *, unit: str) -> Estimate:
    """Write an estimate in another unit, for example per 100 tokens; `factor` is positive."""
    ends = {name: factor * getattr(estimate, name) for name in ("value", "stderr", "low", "high")}
    return dataclasses.replace(estimate, **ends, unit=unit)


def with_error(value: float, error: float) -> str:
    """Write a value and its error, to the first digit of the error.

    >>> with_error(106.82, 0.55), with_error(0.068, 0.0068), with_error(0.0, 0.0)
    ('106.8 ± 0.6', '0.068 ± 0.007', '0')
    """
    if not error > 0:
        return format_number(value)
    decimals = max(0, -_exponent(error))
    return f"{format_number(value, decimals=decimals)} ± {format_number(error, decimals=decimals)}"


def complement(estimate: Estimate | None) -> Estimate | None:
    """Return one minus a share, its interval turned round."""
    if estimate is None:
        return None
    low, high = 1 - estimate.high, 1 - estimate.low
    return dataclasses.replace(estimate, value=1 - estimate.value, low=low, high=high)


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−")
