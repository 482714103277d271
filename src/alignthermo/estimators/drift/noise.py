"""Serially correlated noise: whitening of ragged series, many noise parameters at once."""

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["whiten"]


def whiten(
    columns: Float[np.ndarray, "point _ column conversation"],
    *,
    gaps: Float[np.ndarray, "point conversation"],
    measured: Bool[np.ndarray, "point conversation"],
    length: Float[np.ndarray, " batch"],
    nugget: Float[np.ndarray, " batch"],
) -> tuple[Float[np.ndarray, "point batch column conversation"], Float[np.ndarray, "batch conversation"]]:
    r"""Turn series with Ornstein-Uhlenbeck noise plus a white nugget into series with white unit noise.

    .. math:: R_{ij} = (1-\kappa)\,e^{-|t_i - t_j|/\ell} + \kappa\,\delta_{ij}, \qquad
              \tilde y_i = (y_i - \hat y_{i|i-1})/\sqrt{F_i}, \qquad \ln|R| = \sum_i \ln F_i

    by the Kalman filter, whose gain is the same for every column: O(points), any spacing.

    Parameters
    ----------
    columns : array
        Series to be whitened, times first; the batch axis may be 1 where they do not depend on it.
    gaps : array
        Time since the previous point; the first is not used.
    measured : bool array
        Padding is whitened to 0.
    length, nugget : arrays
        ℓ > 0 in the unit of the gaps and κ in (0, 1), of each batch.

    Returns
    -------
    whitened, log_det

    References
    ----------
    Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989), ch. 3.4. Formula F-210 in
    docs/formulas.md.
    """
    n_points, _, n_columns, n_conversations = columns.shape
    batch = length.size
    out = np.empty((n_points, batch, n_columns, n_conversations))
    log_det = np.zeros((batch, n_conversations))
    kappa = nugget[:, None]
    decay = np.exp(-gaps[:, None, :] / length[:, None])
    spread = np.broadcast_to(1.0 - kappa, log_det.shape)
    mean, change = np.zeros(out.shape[1:]), np.empty(out.shape[1:])
    for i in range(n_points):
        if i:
            mean *= decay[i][:, None]
            spread = (1.0 - kappa) + decay[i] ** 2 * (spread - (1.0 - kappa))
        scale = spread + kappa
        gain = spread / scale
        innovation = np.subtract(columns[i], mean, out=out[i])
        mean += np.multiply(gain[:, None], innovation, out=change)
        spread = spread * (1.0 - gain)
        innovation *= (measured[i] / np.sqrt(scale))[:, None]
        log_det += np.where(measured[i], np.log(scale), 0.0)
    return out, log_det
