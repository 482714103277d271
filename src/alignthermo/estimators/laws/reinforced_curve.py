"""A compliance curve without and with redundant instruction, in pairs: what gains are estimated from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from alignthermo.errors import InputError
from alignthermo.estimators.laws.cell import STEEP
from alignthermo.estimators.laws.guided import BANDWIDTH

__all__ = ["Pairs", "ReinforcedCurve", "SteepCell", "make_pairs"]


@dataclass(frozen=True, kw_only=True)
class ReinforcedCurve:
    r"""Rows of one curve (one order, length, placement and phrasing) at several numbers of redundant tokens.

    α is that of a context's *own* turns, :math:`N_{adv}/(N_{instr} + N_{adv})` before the redundant
    instruction R is put on top: R is the treatment, not a part of the dose. With R counted as instruction the
    same crossing stands at :math:`\alpha_c L/(L + R)`.

    Attributes
    ----------
    cluster, replicate : int arrays, shape (row,)
        Prompt, and draw of turns.
    cell : array, shape (row,)
        What pairs the rows of one prompt and replicate: the wanted α.
    alpha : array, shape (row,)
        Reached by the context's own turns.
    dose : int array, shape (row,)
        Redundant tokens that were wanted; 0 for none.
    tokens : array, shape (row,)
        Redundant tokens that were reached.
    h : array, shape (row,)
        Log-odds of keeping the instruction, nat.

    Raises
    ------
    InputError
        Arrays of different lengths.
    """

    cluster: Int[np.ndarray, " row"]
    replicate: Int[np.ndarray, " row"]
    cell: Float[np.ndarray, " row"]
    alpha: Float[np.ndarray, " row"]
    dose: Int[np.ndarray, " row"]
    tokens: Float[np.ndarray, " row"]
    h: Float[np.ndarray, " row"]

    def __post_init__(self) -> None:
        names = ("cluster", "replicate", "cell", "alpha", "dose", "tokens", "h")
        if len({getattr(self, name).size for name in names}) > 1:
            raise InputError("ReinforcedCurve: all arrays need one value per row")


@dataclass(frozen=True, kw_only=True)
class SteepCell:
    """Neighbouring values of the grid with a crossing between them that the grid does not resolve.

    Attributes
    ----------
    wanted, reached : tuple of float
        α of the design, and the mean of what whole turns made of it.
    """

    wanted: tuple[float, float]
    reached: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The contexts of one curve at each dose; `key` is a prompt, a replicate and a cell.

    Gains at fixed α are of contexts that were read at *every* dose. A crossing is of one dose, and also of
    the contexts that were added for that dose alone, where it is steep.

    Attributes
    ----------
    doses : tuple of int
        Ascending, the first is 0.
    prompt, series : int arrays, shape (key,)
        Prompt, and prompt with replicate: 0 … n − 1.
    cell, alpha : arrays, shape (key,)
        Wanted, and reached by the own turns.
    tokens, h : arrays, shape (dose, key)
        NaN where a context was not read at a dose.
    """

    doses: tuple[int, ...]
    prompt: Int[np.ndarray, " key"]
    series: Int[np.ndarray, " key"]
    cell: Float[np.ndarray, " key"]
    alpha: Float[np.ndarray, " key"]
    tokens: Float[np.ndarray, "dose key"]
    h: Float[np.ndarray, "dose key"]

    @property
    def whole(self) -> Bool[np.ndarray, " key"]:
        """Contexts that were read at every dose."""
        return np.asarray(np.isfinite(self.h).all(axis=0))

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return int(self.prompt.max()) + 1

    def by_prompt(
        self, values: Float[np.ndarray, " key"], used: Bool[np.ndarray, " key"]
    ) -> Float[np.ndarray, " prompt"]:
        """Sum over the used contexts of each prompt."""
        return np.bincount(self.prompt[used], values[used], minlength=self.n_prompts)

    @property
    def prompt_of_series(self) -> Int[np.ndarray, " series"]:
        """Prompt of each series."""
        owner = np.zeros(int(self.series.max()) + 1, dtype=np.int64)
        owner[self.series] = self.prompt
        return owner

    @property
    def range(self) -> tuple[float, float]:
        """The α that every series has measured between, at every dose."""
        ends = [(self.alpha[one].min(), self.alpha[one].max()) for one in self._members(self.whole)]
        return float(max(low for low, _ in ends)), float(min(high for _, high in ends))

    def field(self, dose: int, points: Float[np.ndarray, " point"]) -> Float[np.ndarray, "series point"]:
        """Return h of each series at a dose (its index), on straight lines between its own contexts."""
        rows = []
        for one in self._members(np.isfinite(self.h[dose])):
            order = one[np.argsort(self.alpha[one], kind="stable")]
            rows.append(np.interp(points, self.alpha[order], self.h[dose, order]))
        return np.stack(rows)

    def kept(self, field: Float[np.ndarray, "series point"]) -> Float[np.ndarray, "prompt point"]:
        """Mean of σ(h) over the series of each prompt."""
        owner = self.prompt_of_series
        total = np.zeros((self.n_prompts, field.shape[1]))
        np.add.at(total, owner, expit(field))
        return np.asarray(total / np.bincount(owner)[:, None])

    def series_tokens(self) -> Float[np.ndarray, "dose series"]:
        """Mean redundant tokens of each series at each dose."""
        members = self._members(self.whole)
        return np.stack([[row[one].mean() for one in members] for row in self.tokens])

    def steep_cell(self, dose: int) -> SteepCell | None:
        """Return the grid cell of the crossing at a dose (its index), if it is steep for it: see `STEEP`.

        One wider than `BANDWIDTH` of the grid is returned as well; None where nothing crosses 1/2.
        """
        known = np.isfinite(self.h[dose])
        wanted, at = np.unique(self.cell[known], return_inverse=True)
        kept, reached = (
            np.bincount(at.ravel(), values[known]) / np.bincount(at.ravel())
            for values in (expit(self.h[dose]), self.alpha)
        )
        falls = np.flatnonzero((kept[:-1] > 0.5) & (kept[1:] <= 0.5))
        if falls.size == 0:
            return None
        i, j = int(falls[0]), int(falls[0]) + 1
        steep = kept[i] - kept[j] > STEEP * np.ptp(kept)
        if not steep and reached[j] - reached[i] <= BANDWIDTH * np.ptp(reached):
            return None
        return SteepCell(
            wanted=(float(wanted[i]), float(wanted[j])), reached=(float(reached[i]), float(reached[j]))
        )

    def _members(self, used: Bool[np.ndarray, " key"]) -> list[np.ndarray]:
        return [np.flatnonzero(used & (self.series == one)) for one in range(int(self.series.max()) + 1)]


def make_pairs(curve: ReinforcedCurve) -> Pairs:
    """Put the contexts of a curve beside each other; prompts without any at every dose are dropped.

    Raises
    ------
    InputError
        Nothing without redundant tokens, nothing with them, or no context at every dose.
    """
    doses = tuple(int(dose) for dose in np.unique(curve.dose))
    if len(doses) < 2 or doses[0] != 0:
        raise InputError(
            f"reinforcement: needs contexts without and with redundant tokens, got doses {doses}"
        )
    known = np.isfinite(curve.h)
    names = np.column_stack([curve.cluster, curve.replicate, curve.cell])[known]
    keys, at = np.unique(names, axis=0, return_inverse=True)
    dose = np.searchsorted(doses, curve.dose[known])
    flat = dose * len(keys) + at.ravel()
    h, tokens, alpha = (
        _placed(values[known], flat, len(doses), len(keys)) for values in (curve.h, curve.tokens, curve.alpha)
    )
    series = _numbered(keys[:, :2])
    used = np.bincount(series, np.isfinite(h).all(axis=0))[series] > 0
    if not used.any():
        raise InputError("reinforcement: no context was read both without and with redundant tokens")
    return Pairs(
        doses=doses,
        prompt=_numbered(keys[used, :1]),
        series=_numbered(keys[used, :2]),
        cell=keys[used, 2],
        # redundant turns come on top of the same own turns, so that every dose has the same
        alpha=np.nanmax(alpha[:, used], axis=0),
        tokens=tokens[:, used],
        h=h[:, used],
    )


def _placed(
    values: Float[np.ndarray, " row"], flat: Int[np.ndarray, " row"], n_doses: int, n_keys: int
) -> Float[np.ndarray, "dose key"]:
    table = np.full(n_doses * n_keys, np.nan)
    table[flat] = values
    return table.reshape(n_doses, n_keys)


def _numbered(names: np.ndarray) -> Int[np.ndarray, " key"]:
    return np.asarray(np.unique(names, axis=0, return_inverse=True)[1].ravel(), dtype=np.int64)
