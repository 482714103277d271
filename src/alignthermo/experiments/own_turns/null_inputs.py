"""What the additive null reads beside own replies: material, and a field for every request."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

__all__ = ["label_inputs", "ratio_inputs", "request_inputs"]

INPUT_LAGS = 8
"""Labels of the last turns of material that the additive null of an append-only ramp reads one by one."""


def request_inputs(places: Sequence[Sequence[int]], *, n: int) -> Float[np.ndarray, "replicate turn column"]:
    """One column per request beyond the first, 1 where it was asked.

    Requests differ in how readily they are met. Left out of the null, that difference would pass for memory
    of the replies.

    Examples
    --------
    >>> request_inputs([[0, 1, 2]], n=3)[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return np.asarray(np.eye(n)[:, 1:][np.asarray(places, dtype=np.int64)])


def ratio_inputs(alphas: Float[np.ndarray, " turn"]) -> Float[np.ndarray, "turn input"]:
    """Return 1 − 2α of material that is written anew for every α."""
    return np.asarray(1.0 - 2.0 * alphas)[:, None]


def label_inputs(labels: Int[np.ndarray, " turn"]) -> Float[np.ndarray, "turn input"]:
    """Return the last labels of appended material by lag, and the sum of all older ones.

    Examples
    --------
    >>> label_inputs(np.array([1, -1]))[:, :3].tolist()
    [[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0]]
    """
    n = labels.size
    lagged = np.zeros((n, INPUT_LAGS + 1))
    for lag in range(min(INPUT_LAGS, n)):
        lagged[lag:, lag] = labels[: n - lag]
    if n > INPUT_LAGS:
        # older turns are many: in units of the root of their number the ridge weighs them like the rest
        lagged[INPUT_LAGS:, -1] = np.cumsum(labels)[: n - INPUT_LAGS] / np.sqrt(n)
    return lagged
