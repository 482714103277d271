"""Whether the rate is found to grow where it does, and nowhere else."""

from collections import Counter
from functools import partial

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import drift_growth
from studies.drift_laws.worlds import GROWING, SIZES, SYSTEMS, series_of
from studies.planted.ledger import Row, RowMaker, Settings, at_least, at_most, repeated

TITLE = "Does the rate grow?"
TEXT = """Verdicts; *power 2.5* is the one system whose rate grows. The verdict is one-sided: it may be
wrong in 2.5 %, and at most 5 % are asked for."""

WORLDS = SYSTEMS | {"power 2.5": GROWING}


def one_set(label: str, n: int, refits: int, rng: np.random.Generator) -> str:
    series = series_of(WORLDS[label], n, rng)
    return drift_growth(series, resampling=Resampling(rng=rng, n_resamples=refits)).verdict


def growth_row(label: str, n: int, settings: Settings) -> Row:
    name = f"{label}, {n}"
    out = repeated(partial(one_set, label, n, settings.refits), settings, row=f"growth of {name}")
    grows = [verdict == "the rate grows" for verdict in out]
    claims = []
    if label != "power 2.5":
        claims = [at_most(f"{name}: the rate is said to grow in at most 5 %", grows, 0.05)]
    elif n >= 100:
        claims = [at_least(f"{name}: the rate is found to grow in at least 90 %", grows, 0.9)]
    counts = ", ".join(f"{verdict} {k}" for verdict, k in Counter(out).most_common())
    return Row(cells={"planted": label, "conversations": str(n), "verdicts": counts}, claims=claims)


def rows() -> dict[str, RowMaker]:
    return {f"{label}, {n}": partial(growth_row, label, n) for n in SIZES for label in WORLDS}
