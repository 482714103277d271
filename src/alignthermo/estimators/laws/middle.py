"""The share at which an instruction is kept half the time, where what is seen is seen through a judge."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignthermo.errors import InputError
from alignthermo.estimators.resampling import Resampling

__all__ = ["Middle"]


@dataclass(frozen=True, kw_only=True)
class Middle:
    """The observed share that means P(kept) = 1/2, with the error with which it is known.

    A judge that calls a share s of what was kept *kept*, and a share f of what was broken, shows
    f + (s − f)/2 = (s + f)/2 where half is kept.

    Attributes
    ----------
    value : float
        In (0, 1).
    stderr : float
        Its standard error, which is not that of the sweep and independent of it.

    Raises
    ------
    InputError
        A value outside (0, 1), or an error below 0.
    """

    value: float
    stderr: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.value < 1.0 or not 0.0 <= self.stderr < math.inf:
            raise InputError(
                f"a middle is a share between 0 and 1 with an error >= 0, got {self.value} ± {self.stderr}"
            )

    def errors(self, resampling: Resampling) -> Float[np.ndarray, " resample"]:
        """Draw what the middle may be off by, one number per resample of the prompts."""
        return resampling.rng.normal(0.0, self.stderr, resampling.n_resamples)
