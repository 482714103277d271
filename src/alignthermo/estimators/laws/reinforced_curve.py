"""A compliance curve without and with redundant instruction, in pairs: what gains are estimated from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from alignthermo.errors import InputError

__all__ = ["Pairs", "ReinforcedCurve", "make_pairs"]


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
class Pairs:
    """The contexts that were read at every dose; `key` is a prompt, a replicate and a cell.

    Attributes
    ----------
    doses : tuple of int
        Ascending, the first is 0.
    prompt, series : int arrays, shape (key,)
        Prompt, and prompt with replicate: 0 … n − 1.
    alpha : array, shape (key,)
    tokens, h : arrays, shape (dose, key)
    """

    doses: tuple[int, ...]
    prompt: Int[np.ndarray, " key"]
    series: Int[np.ndarray, " key"]
    alpha: Float[np.ndarray, " key"]
    tokens: Float[np.ndarray, "dose key"]
    h: Float[np.ndarray, "dose key"]

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return int(self.prompt.max()) + 1

    def by_prompt(self, values: Float[np.ndarray, " key"]) -> Float[np.ndarray, " prompt"]:
        """Sum over the contexts of each prompt."""
        return np.bincount(self.prompt, values, minlength=self.n_prompts)

    @property
    def prompt_of_series(self) -> Int[np.ndarray, " series"]:
        """Prompt of each series."""
        owner = np.zeros(int(self.series.max()) + 1, dtype=np.int64)
        owner[self.series] = self.prompt
        return owner

    @property
    def range(self) -> tuple[float, float]:
        """The α that every series has measured between."""
        ends = [(self.alpha[one].min(), self.alpha[one].max()) for one in self._members()]
        return float(max(low for low, _ in ends)), float(min(high for _, high in ends))

    def field(self, dose: int, points: Float[np.ndarray, " point"]) -> Float[np.ndarray, "series point"]:
        """Return h of each series at a dose (its index), on straight lines between its own contexts."""
        rows = []
        for one in self._members():
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
        return np.stack([[row[one].mean() for one in self._members()] for row in self.tokens])

    def _members(self) -> list[Int[np.ndarray, " key"]]:
        return [np.flatnonzero(self.series == one) for one in range(int(self.series.max()) + 1)]


def make_pairs(curve: ReinforcedCurve) -> Pairs:
    """Keep the contexts that have a finite h at every dose.

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
    whole = np.isfinite(h).all(axis=0)
    if not whole.any():
        raise InputError("reinforcement: no context was read both without and with redundant tokens")
    return Pairs(
        doses=doses,
        prompt=_numbered(keys[whole, :1]),
        series=_numbered(keys[whole, :2]),
        alpha=alpha[0, whole],
        tokens=tokens[:, whole],
        h=h[:, whole],
    )


def _placed(
    values: Float[np.ndarray, " row"], flat: Int[np.ndarray, " row"], n_doses: int, n_keys: int
) -> Float[np.ndarray, "dose key"]:
    table = np.full(n_doses * n_keys, np.nan)
    table[flat] = values
    return table.reshape(n_doses, n_keys)


def _numbered(names: np.ndarray) -> Int[np.ndarray, " key"]:
    return np.asarray(np.unique(names, axis=0, return_inverse=True)[1].ravel(), dtype=np.int64)
