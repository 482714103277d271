"""One row per own turn of every dialogue, and recordings out of rows again."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alignthermo.experiments.own_turns import Recording

__all__ = ["DIALOGUE_SCHEMA", "dialogue_table", "grid_of", "matching", "recording_of"]

_NUMBERS = ("kept", "log_odds", "candidate_mass", "entropy", "surprisal")

DIALOGUE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("category", "family", "order")),
        ("size", pa.float64()),
        *((name, pa.string()) for name in ("protocol", "arm")),
        ("hold", pa.int64()),
        ("wanted_alpha", pa.float64()),
        *((name, pa.int64()) for name in ("replicate", "turn", "way", "ratio")),
        ("alpha", pa.float64()),
        ("context_alpha", pa.float64()),
        ("label", pa.int64()),
        ("prompt_id", pa.string()),
        *((name, pa.float64()) for name in _NUMBERS),
        ("tokens", pa.int64()),
        ("reply", pa.string()),
    ]
)
"""One row per own turn.

`protocol`: ``rollout``, a ramp protocol, or ``escalation``. `arm`: whose replies stand in the context
(``own``, ``neutral``, ``none``), or ``attack`` and ``harmless``. `hold`: own turns per α of a ramp, else 0.
`way`: 0 up, 1 down. `ratio`: place of α on a ramp. `alpha`: of the material as counted in tokens, or the
share of adversarial turns asked for at this turn (append-only ramps, escalation). `context_alpha`: what the
whole context reached, in tokens, own exchanges left out. `label`: +1, −1 or 0 of the turn of material added
before this own turn; 0 too where the material is written anew. The rest is as in
`alignthermo.experiments.own_turns.Recording`.
"""


def dialogue_table(
    recording: Recording, same: Mapping[str, object], by_turn: Mapping[str, np.ndarray]
) -> pa.Table:
    """Spread a recording over rows, replicates slowest.

    Parameters
    ----------
    recording : Recording
    same : mapping
        Columns that all rows share.
    by_turn : mapping
        Columns of shape (replicate, turn).
    """
    replicates, turns = recording.kept.shape
    n = replicates * turns
    place = np.indices((replicates, turns)).reshape(2, n)
    columns: dict[str, object] = {name: [value] * n for name, value in same.items()}
    columns |= {name: np.asarray(values).reshape(n).tolist() for name, values in by_turn.items()}
    columns |= {name: getattr(recording, name).reshape(n) for name in (*_NUMBERS, "tokens")}
    columns |= {"replicate": place[0], "turn": place[1]}
    # a lone surrogate cannot be stored
    said = [text.encode("utf-8", "replace").decode("utf-8") for row in recording.replies for text in row]
    arrays = [
        pa.array(said if field.name == "reply" else columns[field.name], type=field.type)
        for field in DIALOGUE_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=DIALOGUE_SCHEMA)


def matching(rows: pa.Table, **values: object) -> pa.Table:
    """Return the rows with these values, replicates slowest, then turns."""
    for column, value in values.items():
        rows = rows.filter(pc.equal(rows[column], value))
    return rows.sort_by([("replicate", "ascending"), ("turn", "ascending")])


def grid_of(rows: pa.Table, column: str) -> np.ndarray:
    """Return a column of one set of dialogues as (replicate, turn)."""
    shape = (len(rows["replicate"].unique()), len(rows["turn"].unique()))
    return np.asarray(rows[column].to_pylist()).reshape(shape)


def recording_of(rows: pa.Table) -> Recording:
    """Return the recording that rows of one set of dialogues were made of; what it cost is not in them."""
    numbers = {name: grid_of(rows, name).astype(np.float64) for name in _NUMBERS}
    return Recording(
        **numbers,
        tokens=grid_of(rows, "tokens").astype(np.int64),
        replies=tuple(tuple(said) for said in grid_of(rows, "reply").astype(object).tolist()),
        forwarded=0,
        naive=0,
    )
