"""A number that carries its error."""

import math
from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A measured value with its uncertainty and everything it depends on.

    Attributes
    ----------
    value : float
        Point estimate, in `unit`. NaN when unknown; `reason` then says why.
    stderr : float
        Standard error. NaN when unknown, 0.0 only when the value is exact.
    low, high : float
        Ends of the confidence interval at `level`.
    level : float
        Coverage the interval aims at, for example 0.95.
    n : int
        Independent units the estimate rests on (prompts, not tokens).
    n_eff : float
        Effective number of units after weights or clustering; NaN when not defined.
    unit : str
        ``nat``, ``nat/token``, ``token``, ``1`` …
    method : str
        Name of the estimator and of its interval.
    caveats : tuple of str
        Warnings that travel with the number.
    reason : str or None
        Why `value` or the interval is NaN.
    """

    value: float
    stderr: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = 0.95
    n: int
    n_eff: float = math.nan
    unit: str
    method: str
    caveats: tuple[str, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.value) and self.reason is None:
            raise ValueError(f"an unknown value ({self.method}) needs a reason")

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"unknown ({self.reason})"
        unit = "" if self.unit == "1" else f" {self.unit}"
        text = f"{self.value:.4g}{unit} [{self.low:.4g}, {self.high:.4g}]"
        return text + "".join(f"\n  caveat: {caveat}" for caveat in self.caveats)

    @classmethod
    def unknown(cls, reason: str, *, n: int, unit: str, method: str) -> "Estimate":
        """Return an estimate whose value is NaN, with the reason why."""
        return cls(value=math.nan, n=n, unit=unit, method=method, reason=reason)
