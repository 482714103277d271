"""No drift planted: how often one is claimed."""

from functools import partial

import numpy as np

from alignthermo.estimators.drift import compare_drift_laws
from studies.drift_laws.worlds import SIZES, SYSTEMS, series_of
from studies.planted.ledger import Row, RowMaker, Settings, at_least, at_most, repeated, share

TITLE = "Null: drift claimed"
TEXT = """By the 2-error rule (*none* is clearly worse than the best law), on twice as many sets; the
control takes the best law outright, and has to claim a drift in more than 10 %."""


def one_set(n: int, rng: np.random.Generator) -> tuple[bool, bool]:
    found = compare_drift_laws(series_of(SYSTEMS["none"], n, rng))
    return found.drifts, max(found.scores, key=lambda s: s.log_likelihood).name != "none"


def null_row(n: int, settings: Settings) -> Row:
    name = f"none, {n}"
    out = np.array(repeated(partial(one_set, n), settings, row=name, sweeps=2 * settings.sweeps))
    return Row(
        cells={
            "conversations": str(n),
            "sets": str(len(out)),
            "drift claimed %": f"{100 * share(out[:, 0]):.1f}",
            "control: best law outright %": f"{100 * share(out[:, 1]):.0f}",
        },
        claims=[at_most(f"{name}: drift claimed in at most 5 %", out[:, 0], 0.05)],
        controls=[at_least(f"{name}: the best law outright claims a drift in over 10 %", out[:, 1], 0.1)],
    )


def rows() -> dict[str, RowMaker]:
    return {f"none, {n}": partial(null_row, n) for n in SIZES}
