"""Drifting conversations whose law, rate and noise are planted."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from alignthermo.errors import ConfigError

__all__ = ["PlantedDrift", "PlantedRows"]


@dataclass(frozen=True, kw_only=True)
class PlantedRows:
    """Rows of simulated conversations, ordered by conversation and time; NaN was not measured."""

    conversation: Int[np.ndarray, " row"]
    turns: Float[np.ndarray, " row"]
    tokens: Float[np.ndarray, " row"]
    value: Float[np.ndarray, " row"]


@dataclass(frozen=True, kw_only=True)
class PlantedDrift:
    r"""Conversations :math:`y_{gi} = a_g + d_g\,m(t_i) + x_{gi} + \nu\varepsilon_{gi}` with a known law m.

    With horizon N turns: *none* m = 0; *linear* t/N; *saturating* :math:`1 - e^{-t/\tau}`; *power*
    :math:`(t/N)^p`; *step* 1[t > c_g], :math:`c_g \sim N(c, \omega^2)`. :math:`a_g \sim N(a, s_0^2)`,
    :math:`d_g \sim N(d, s_1^2)`; x is Ornstein-Uhlenbeck noise, :math:`\mathrm{Cov}(x_s, x_t) =
    \sigma^2 e^{-|t-s|/\ell}`, or, started at rest, :math:`\sigma^2 (e^{-|t-s|/\ell} - e^{-(t+s)/\ell})`: with
    τ = ℓ the saturating law is then an Ornstein-Uhlenbeck process set off at t = 0.

    Attributes
    ----------
    law : {"none", "linear", "saturating", "power", "step"}
    drift, drift_sd : float
        d and s₁, nat: plateau, drift over the horizon, or jump.
    scale : float
        τ or c in turns, or the exponent p; no meaning for the others.
    scale_sd : float
        ω, turns.
    level, level_sd : float
        a and s₀, nat.
    noise_sd, correlation_turns, nugget_sd : float
        σ, ℓ and ν.
    at_rest : bool
        Whether the noise starts at 0.
    n_turns, min_turns : int
        Horizon; conversations end between the two, equally likely.
    missing : float
        Share of values that were not measured.
    tokens_per_turn : float
        Mean; turns have gamma lengths of cv 1/2.

    Raises
    ------
    ConfigError
        A negative spread, an impossible range of turns, or a scale that is not positive where one is needed.

    References
    ----------
    Uhlenbeck & Ornstein (1930); Gillespie, Phys. Rev. E 54, 2084 (1996). Formula F-229 in docs/formulas.md.

    Examples
    --------
    >>> relaxing = PlantedDrift(law="saturating", drift=1.0, scale=4.0)
    >>> relaxing.mean(np.array([0.0, 4.0])).round(4).tolist(), relaxing.rate(0.0)
    ([0.0, 0.6321], 0.25)
    """

    law: Literal["none", "linear", "saturating", "power", "step"]
    drift: float = 0.0
    drift_sd: float = 0.0
    scale: float = 1.0
    scale_sd: float = 0.0
    level: float = 0.0
    level_sd: float = 0.0
    noise_sd: float = 0.5
    correlation_turns: float = 2.0
    nugget_sd: float = 0.0
    at_rest: bool = False
    n_turns: int = 16
    min_turns: int = 16
    missing: float = 0.0
    tokens_per_turn: float = 40.0

    def __post_init__(self) -> None:
        spreads = (self.drift_sd, self.scale_sd, self.level_sd, self.noise_sd, self.nugget_sd)
        if min(spreads) < 0.0 or not 0.0 <= self.missing < 1.0 or not self.correlation_turns > 0.0:
            raise ConfigError("PlantedDrift: spreads must be >= 0, missing in [0, 1), correlation_turns > 0")
        if not 2 <= self.min_turns <= self.n_turns:
            raise ConfigError(
                f"PlantedDrift: 2 <= min_turns <= n_turns, got {self.min_turns}, {self.n_turns}"
            )
        if self.law in ("saturating", "power") and not self.scale > 0.0:
            raise ConfigError(f"PlantedDrift: {self.law} needs scale > 0, got {self.scale}")

    def mean(self, turns: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
        """Return the population mean at these times."""
        return np.asarray(self.level + self.drift * self._course(turns))

    def rate(self, turn: float) -> float:
        """Rate of the population mean at one time, nat per turn."""
        if self.law == "none":
            return 0.0
        if self.law == "linear":
            return self.drift / self.n_turns
        if self.law == "saturating":
            return self.drift / self.scale * math.exp(-turn / self.scale)
        if self.law == "power":
            return self.drift * self.scale / self.n_turns * math.pow(turn / self.n_turns, self.scale - 1.0)
        z = (turn - self.scale) / max(self.scale_sd, 1e-12)
        density = math.exp(-0.5 * min(z * z, 1e3)) / (math.sqrt(2.0 * math.pi) * max(self.scale_sd, 1e-12))
        return self.drift * density

    def sample(self, n: int, *, rng: np.random.Generator) -> PlantedRows:
        """Draw `n` conversations, measured after every turn from the first."""
        turns = np.arange(1.0, self.n_turns + 1.0)
        level = self.level + self.level_sd * rng.standard_normal((n, 1))
        drift = self.drift + self.drift_sd * rng.standard_normal((n, 1))
        if self.law == "step":
            change = self.scale + self.scale_sd * rng.standard_normal((n, 1))
            course = (turns > change).astype(np.float64)
        else:
            course = np.broadcast_to(self._course(turns), (n, turns.size))
        value = level + drift * course + self._noise(n, rng)
        value = np.where(rng.random(value.shape) < self.missing, np.nan, value)
        ends = rng.integers(self.min_turns, self.n_turns + 1, (n, 1))
        kept = turns <= ends
        lengths = rng.gamma(4.0, self.tokens_per_turn / 4.0, value.shape)
        return PlantedRows(
            conversation=np.broadcast_to(np.arange(n)[:, None], value.shape)[kept],
            turns=np.broadcast_to(turns, value.shape)[kept],
            tokens=np.ceil(np.cumsum(lengths, axis=1))[kept],
            value=value[kept],
        )

    def _course(self, turns: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
        if self.law == "none":
            return np.zeros_like(turns)
        if self.law == "linear":
            return turns / self.n_turns
        if self.law == "saturating":
            return np.asarray(-np.expm1(-turns / self.scale))
        if self.law == "power":
            return np.asarray((turns / self.n_turns) ** self.scale)
        if self.scale_sd == 0.0:
            return (turns > self.scale).astype(np.float64)
        z = (turns - self.scale) / (self.scale_sd * math.sqrt(2.0))
        return np.array([0.5 * (1.0 + math.erf(x)) for x in z])

    def _noise(self, n: int, rng: np.random.Generator) -> Float[np.ndarray, "conversation turn"]:
        decay = math.exp(-1.0 / self.correlation_turns)
        kick = math.sqrt(1.0 - decay**2)
        now = np.zeros(n) if self.at_rest else rng.standard_normal(n)
        steps = []
        for _ in range(self.n_turns):
            now = decay * now + kick * rng.standard_normal(n)
            steps.append(now)
        return self.noise_sd * np.stack(steps, axis=1) + self.nugget_sd * rng.standard_normal(
            (n, self.n_turns)
        )
