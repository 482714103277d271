"""One sweep over α: what was asked, what was reached, what came back."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from alignthermo.errors import InputError

__all__ = ["OrderParameter", "Sweep"]

OrderParameter = Literal["counts", "probability", "log_odds"]
"""What `y` holds: kept replies among `trials`, a noise-free probability of keeping, or log-odds (nat)."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    r"""Rows of a sweep of the context ratio :math:`\alpha = N_{adv} / (N_{instr} + N_{adv})`.

    Attributes
    ----------
    cluster : int array, shape (row,)
        Prompt of each row; rows of one prompt are never independent.
    n_instr, n_adv : arrays, shape (row,)
        Tokens of instruction and of adversarial material that were *reached*, ≥ 0, not both 0.
    y : array, shape (row,)
        The order parameter, in the sense of `kind`; larger means the instruction is kept.
    kind : {"counts", "probability", "log_odds"}
    trials : array, shape (row,), optional
        Replies judged per row, at least 1, only for counts; 0 ≤ y ≤ trials.
    length : array, shape (row,), optional
        The length L that was wanted, which groups rows; the median of n_instr + n_adv when not given.
    order : array of str, shape (row,), optional
        ``random``, ``adversarial last`` …; ``unspecified`` when not given.
    mass : array, shape (row,), optional
        Probability of all candidates together, for log-odds.
    column : str
        Name of the order parameter; sweeps of different columns are never compared.

    Raises
    ------
    InputError
        Arrays of different lengths, NaN, tokens below 0, y outside its range, trials missing or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> two = Sweep(cluster=np.array([0, 0]), n_instr=np.array([30.0, 10.0]), n_adv=np.array([10.0, 30.0]),
    ...             y=np.array([0.9, 0.2]), kind="probability", column="kept")
    >>> two.alpha.tolist(), two.n_clusters, two.lengths
    ([0.25, 0.75], 1, (40.0,))
    """

    cluster: Int[np.ndarray, " row"]
    n_instr: Float[np.ndarray, " row"]
    n_adv: Float[np.ndarray, " row"]
    y: Float[np.ndarray, " row"]
    kind: OrderParameter
    column: str
    trials: Float[np.ndarray, " row"] | None = None
    length: Float[np.ndarray, " row"] | None = None
    order: np.ndarray | None = None
    mass: Float[np.ndarray, " row"] | None = None

    def __post_init__(self) -> None:
        n_rows = self.cluster.size
        for name in ("n_instr", "n_adv", "y", "trials", "length", "order", "mass"):
            array = getattr(self, name)
            if array is not None and array.size != n_rows:
                raise InputError(f"Sweep: {array.size} values of {name} for {n_rows} rows")
            if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
                raise InputError(f"Sweep: {name} holds a value that is not finite; leave such rows out")
        if n_rows == 0 or (self.n_instr < 0).any() or (self.n_adv < 0).any():
            raise InputError("Sweep: needs rows, and token counts >= 0")
        if (self.n_instr + self.n_adv <= 0).any():
            raise InputError("Sweep: a row has neither instruction nor adversarial tokens, α is undefined")
        self._check_range()

    def _check_range(self) -> None:
        if self.kind == "counts" and self.trials is None:
            raise InputError("Sweep: counts need `trials`, the number of replies judged in each row")
        if self.trials is not None and (self.trials < 1.0).any():
            raise InputError("Sweep: a row without any reply; leave such rows out")
        if self.kind != "counts" and self.trials is not None:
            raise InputError(f"Sweep: trials belong to counts, not to a {self.kind}")
        most = self.trials if self.trials is not None else 1.0
        if self.kind != "log_odds" and ((self.y < 0.0).any() or (self.y > most).any()):
            raise InputError("Sweep: y must lie between 0 and trials (counts) or 1 (probability)")

    @property
    def alpha(self) -> Float[np.ndarray, " row"]:
        """The ratio that was reached."""
        return np.asarray(self.n_adv / (self.n_instr + self.n_adv))

    @property
    def wanted_length(self) -> Float[np.ndarray, " row"]:
        """The length that groups the row."""
        if self.length is not None:
            return self.length
        return np.full(self.cluster.size, float(np.median(self.n_instr + self.n_adv)))

    @property
    def lengths(self) -> tuple[float, ...]:
        """Distinct wanted lengths, ascending."""
        return tuple(float(x) for x in np.unique(self.wanted_length))

    @property
    def orders(self) -> tuple[str, ...]:
        """Distinct orders, sorted."""
        return tuple(str(x) for x in np.unique(self.order)) if self.order is not None else ("unspecified",)

    @property
    def n_clusters(self) -> int:
        """Number of prompts."""
        return int(np.unique(self.cluster).size)

    def select(self, *, length: float | None = None, order: str | None = None) -> "Sweep":
        """Return the rows of one wanted length and (or) one order; the prompts keep their numbers."""
        rows = np.ones(self.cluster.size, dtype=bool)
        if length is not None:
            rows &= self.wanted_length == length
        if order is not None:
            rows &= np.asarray(self.order == order) if self.order is not None else order == "unspecified"
        if not rows.any():
            raise InputError(f"Sweep: no row has length {length} and order {order}")
        return self._rows(rows)

    def of_prompts(self, prompts: Int[np.ndarray, " prompt"]) -> "Sweep":
        """Return the rows of some prompts; they keep their numbers."""
        return self._rows(np.isin(self.cluster, prompts))

    def _rows(self, rows: Bool[np.ndarray, " row"]) -> "Sweep":
        names = ("cluster", "n_instr", "n_adv", "y", "trials", "length", "order", "mass")
        kept = {n: getattr(self, n)[rows] for n in names if getattr(self, n) is not None}
        return replace(self, **kept)
