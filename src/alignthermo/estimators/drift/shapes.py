"""The laws of drift: how its mean depends on time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["LINEAR", "NONE", "POWER", "SATURATING", "SMOOTH_LAWS", "DriftLaw"]

Shape = Callable[
    [Float[np.ndarray, "batch own"], Float[np.ndarray, "point conversation"]],
    Float[np.ndarray, "point batch conversation"],
]


@dataclass(frozen=True, kw_only=True)
class DriftLaw:
    r"""Mean drift :math:`a + d\,f(u)` with u = t/t_max, f(0) = 0 and f(1) = 1.

    With u = t/t_max: *linear* f = u; *saturating* (Ornstein-Uhlenbeck relaxation)
    :math:`f = (1 - e^{-u/\tau})/(1 - e^{-1/\tau})`; *power* :math:`f = u^p`; *none* d = 0, where
    conversations may still drift to either side. d is the drift of the whole range whatever the law.

    Attributes
    ----------
    name : str
    size : int
        Parameters without noise and random effects.
    fixed : int
        1 where the mean drift is 0, else 2.
    shape : callable
        f, from the law's own parameters (logarithms).
    starts : tuple of tuples
    centre, spread : tuples
        Normal prior of the own parameters: keeps a flat likelihood from running away.

    References
    ----------
    Uhlenbeck & Ornstein, Phys. Rev. 36, 823 (1930). Formula F-212 in docs/formulas.md.
    """

    name: str
    size: int
    fixed: int
    shape: Shape
    starts: tuple[tuple[float, ...], ...] = ((),)
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()


def _straight(
    own: Float[np.ndarray, "batch own"], u: Float[np.ndarray, "point conversation"]
) -> Float[np.ndarray, "point batch conversation"]:
    return np.broadcast_to(u[:, None], (u.shape[0], own.shape[0], u.shape[1]))


def _relaxing(
    own: Float[np.ndarray, "batch own"], u: Float[np.ndarray, "point conversation"]
) -> Float[np.ndarray, "point batch conversation"]:
    speed = np.exp(-own[:, :1])
    return np.asarray(np.expm1(-u[:, None] * speed) / np.expm1(-speed))


def _power(
    own: Float[np.ndarray, "batch own"], u: Float[np.ndarray, "point conversation"]
) -> Float[np.ndarray, "point batch conversation"]:
    return np.asarray(u[:, None] ** np.exp(own[:, :1]))


NONE = DriftLaw(name="none", size=1, fixed=1, shape=_straight)
LINEAR = DriftLaw(name="linear", size=2, fixed=2, shape=_straight)
SATURATING = DriftLaw(
    name="saturating",
    size=3,
    fixed=2,
    shape=_relaxing,
    starts=((-2.5,), (-1.5,), (-0.5,), (0.5,)),
    centre=(-1.0,),
    spread=(1.2,),
)
POWER = DriftLaw(
    name="power",
    size=3,
    fixed=2,
    shape=_power,
    starts=((-1.2,), (-0.4,), (0.4,), (1.0,)),
    centre=(0.0,),
    spread=(0.8,),
)
SMOOTH_LAWS = (NONE, LINEAR, SATURATING, POWER)
