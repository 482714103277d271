"""Rank correlations over instructions, with and without kinds."""

from functools import partial

import numpy as np

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import rank_correlation
from studies.planted.ledger import Row, RowMaker, Settings, at_least, at_most, coverage_row, repeated

TITLE = "Correlates over instructions"
TEXT = """On twice as many sets; normal copulas of n instructions. *kinds*: related only through four kinds,
which the partial correlation takes out; the control does not."""


def one_copula(n: int, r: float, refits: int, rng: np.random.Generator) -> tuple:
    x = rng.standard_normal(n)
    y = r * x + np.sqrt(1 - r * r) * rng.standard_normal(n)
    rho = rank_correlation(x, y, resampling=Resampling(rng=rng, n_resamples=min(refits, 100))).rho
    return rho.value, rho.low, rho.high, rho.stderr


def copula_row(n: int, r: float, settings: Settings) -> Row:
    name, truth = f"{n}, {r}", 6.0 / np.pi * np.arcsin(r / 2.0)
    job = partial(one_copula, n, r, settings.refits)
    out = repeated(job, settings, row=name, sweeps=2 * settings.sweeps)
    return coverage_row(name, truth, [(v, a, b, (b - a) / 3.92) for v, a, b, _ in out], bias=0.05)


def one_kind(refits: int, rng: np.random.Generator) -> tuple[bool, bool]:
    kind = np.repeat(np.arange(4), 8)
    x, y = (kind + rng.standard_normal(32) for _ in range(2))
    how = Resampling(rng=rng, n_resamples=min(refits, 199))
    inside, plain = (rank_correlation(x, y, kind=k, resampling=how).p_value <= 0.05 for k in (kind, None))
    return inside, plain


def kind_row(settings: Settings) -> Row:
    out = np.array(
        repeated(partial(one_kind, settings.refits), settings, row="kinds", sweeps=2 * settings.sweeps)
    )
    return Row(
        cells={
            "row": "kinds",
            "related": f"{100 * out[:, 0].mean():.1f} %",
            "control": f"{100 * out[:, 1].mean():.0f} %",
        },
        claims=[at_most("kinds: related in at most 7 %", out[:, 0], 0.07)],
        controls=[at_least("kinds: without them related in over 50 %", out[:, 1], 0.5)],
    )


def rows() -> dict[str, RowMaker]:
    named = {f"{n}, {r}": partial(copula_row, n, r) for n in (24, 60) for r in (0.0, 0.4, 0.8)}
    return named | {"kinds": kind_row}
