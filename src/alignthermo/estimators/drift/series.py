"""A drift measurement: one value per conversation and time, ragged, with places that were not measured."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from alignthermo.errors import InputError, InsufficientData

__all__ = ["Column", "DriftPanel", "DriftSeries", "TimeAxis"]

TimeAxis = Literal["turns", "tokens"]
Column = Literal["value", "compliance"]


@dataclass(frozen=True, kw_only=True)
class DriftPanel:
    """Measured values of every conversation, early ones first, padded on the right.

    Attributes
    ----------
    conversation : int array, shape (conversation,)
        Numbers of the conversations that have at least one measured value, ascending.
    time : array, shape (conversation, point)
        Times; the padding repeats the last one.
    value : array, shape (conversation, point)
        Values; the padding is 0.
    measured : bool array, shape (conversation, point)
    axis : {"turns", "tokens"}
    unit : str
    caveats : tuple of str
        What was left out.
    """

    conversation: Int[np.ndarray, " conversation"]
    time: Float[np.ndarray, "conversation point"]
    value: Float[np.ndarray, "conversation point"]
    measured: Bool[np.ndarray, "conversation point"]
    axis: TimeAxis
    unit: str
    caveats: tuple[str, ...] = ()

    @property
    def n_conversations(self) -> int:
        """Conversations with at least one measured value."""
        return int(self.conversation.size)

    @property
    def counts(self) -> Float[np.ndarray, " conversation"]:
        """Measured values of each conversation."""
        return np.asarray(self.measured.sum(axis=1).astype(np.float64))

    @property
    def span(self) -> float:
        """Latest measured time."""
        return float(self.time.max())

    @property
    def rate_unit(self) -> str:
        """Unit of a rate on this axis."""
        return f"{self.unit}/{self.axis.removesuffix('s')}"


@dataclass(frozen=True, kw_only=True)
class DriftSeries:
    """Rows of a drift measurement; a NaN value was not measured and is never taken for 0.

    Attributes
    ----------
    conversation : int array, shape (row,)
        Rows of one conversation are never independent; different conversations are.
    turns, tokens : arrays, shape (row,)
        Time of the measurement since the conversation began (or since the last reminder), ≥ 0.
    value : array, shape (row,)
        For example the probe drift, nat. NaN was not measured; ±∞ is left out and counted.
    compliance : array, shape (row,), optional
        In [0, 1], or NaN.
    quantity, unit : str

    Raises
    ------
    InputError
        Arrays of different lengths, a time that is negative or not finite, compliance outside [0, 1].

    Examples
    --------
    Two probes of one turn are averaged; what was not measured is left out and said.

    >>> import numpy as np
    >>> drift = DriftSeries(conversation=np.array([3, 3, 3, 7]), turns=np.array([1.0, 1.0, 2.0, 1.0]),
    ...                     tokens=np.array([9.0, 9.0, 20.0, 8.0]), value=np.array([0.1, 0.3, np.nan, 0.5]))
    >>> panel = drift.panel("turns")
    >>> panel.value.tolist(), panel.caveats
    ([[0.2], [0.5]], ('1 of 4 values not measured',))
    """

    conversation: Int[np.ndarray, " row"]
    turns: Float[np.ndarray, " row"]
    tokens: Float[np.ndarray, " row"]
    value: Float[np.ndarray, " row"]
    compliance: Float[np.ndarray, " row"] | None = None
    quantity: str = "probe_drift"
    unit: str = "nat"

    def __post_init__(self) -> None:
        n_rows = self.conversation.size
        for name in ("turns", "tokens", "value", "compliance"):
            array = getattr(self, name)
            if array is not None and array.size != n_rows:
                raise InputError(f"DriftSeries: {array.size} entries of {name} for {n_rows} rows")
        for name in ("turns", "tokens"):
            array = getattr(self, name)
            if not (np.isfinite(array) & (array >= 0.0)).all():
                raise InputError(f"DriftSeries: {name} holds a time that is negative or not finite")
        kept = self.compliance
        if kept is not None and ((kept < 0.0) | (kept > 1.0)).any():
            raise InputError(
                "DriftSeries: compliance must lie in [0, 1], or be NaN where it was not measured"
            )

    def time(self, axis: TimeAxis) -> Float[np.ndarray, " row"]:
        """Time of each row on one of the two axes."""
        return np.asarray(self.turns if axis == "turns" else self.tokens)

    def of_conversations(self, chosen: Int[np.ndarray, " chosen"]) -> "DriftSeries":
        """Return the rows of some conversations; they keep their numbers."""
        rows = np.isin(self.conversation, chosen)
        names = ("conversation", "turns", "tokens", "value", "compliance")
        kept = {n: getattr(self, n)[rows] for n in names if getattr(self, n) is not None}
        return replace(self, **kept)

    def panel(self, axis: TimeAxis, *, column: Column = "value") -> DriftPanel:
        """Gather one column by conversation, in time; several values of one time are averaged.

        Raises
        ------
        InsufficientData
            Nothing was measured.
        InputError
            No such column.
        """
        values = self.value if column == "value" else self.compliance
        if values is None:
            raise InputError("DriftSeries.panel: these rows carry no compliance")
        finite = np.isfinite(values)
        if not finite.any():
            raise InsufficientData(f"{self.quantity}: none of {values.size} rows holds a measured {column}")
        where, time, mean = _averaged(self.conversation[finite], self.time(axis)[finite], values[finite])
        ids, row, lengths = np.unique(where, return_inverse=True, return_counts=True)
        place = np.arange(where.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        shape = (ids.size, int(lengths.max()))
        measured = np.arange(shape[1]) < lengths[:, None]
        padded_time, padded = np.zeros(shape), np.zeros(shape)
        padded_time[row, place], padded[row, place] = time, mean
        last = np.take_along_axis(padded_time, lengths[:, None] - 1, axis=1)
        return DriftPanel(
            conversation=ids,
            time=np.where(measured, padded_time, last),
            value=padded,
            measured=measured,
            axis=axis,
            unit=self.unit if column == "value" else "1",
            caveats=_left_out(self.conversation, values, ids.size),
        )


def _averaged(
    conversation: Int[np.ndarray, " row"], time: Float[np.ndarray, " row"], value: Float[np.ndarray, " row"]
) -> tuple[Int[np.ndarray, " point"], Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """Mean of the values of one conversation and time, in that order."""
    order = np.lexsort((time, conversation))
    conversation, time, value = conversation[order], time[order], value[order]
    new = np.ones(time.size, dtype=bool)
    new[1:] = (np.diff(conversation) != 0) | (np.diff(time) != 0.0)
    group = np.cumsum(new) - 1
    return conversation[new], time[new], np.bincount(group, weights=value) / np.bincount(group)


def _left_out(
    conversation: Int[np.ndarray, " row"], values: Float[np.ndarray, " row"], n_used: int
) -> tuple[str, ...]:
    n_missing, n_infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    n_empty = int(np.unique(conversation).size) - n_used
    notes = (
        f"{n_missing} of {values.size} values not measured" if n_missing else "",
        f"n_infinite={n_infinite}: infinite values left out" if n_infinite else "",
        f"{n_empty} conversations without a measured value" if n_empty else "",
    )
    return tuple(note for note in notes if note)
