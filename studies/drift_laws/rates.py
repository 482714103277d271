"""Intervals of rates and of what a law implies, on the planted law."""

from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
from scipy import stats

from alignthermo.estimators import Resampling
from alignthermo.estimators.drift import (
    DriftSeries,
    change_point,
    compare_drift_laws,
    drift_rate,
    law_rates,
    median_rate,
)
from studies.drift_laws.worlds import SIZES, SYSTEMS, series_of, true_slope
from studies.planted.ledger import Claim, Row, RowMaker, Settings, coverage_row, repeated, share

TITLE = "Intervals of rates, 95 %"
TEXT = """On twice as many sets: of 200, an interval that covers 95 % would fall outside 92 to 98 % once in
twenty rows. *law*: a parameter of the planted law, fitted. The control of the average rate is one straight
line through all rows as if they were independent: its interval must cover less than 92 %."""

QUANTITIES = {
    "none": ("average rate", "median rate"),
    "linear": ("average rate", "median rate", "rate (law)"),
    "saturating": (
        "average rate",
        "initial rate (law)",
        "late rate (law)",
        "plateau (law)",
        "relaxation time (law)",
    ),
    "step": ("average rate", "change point (law)", "jump (law)"),
}
FITTED = {
    "rate (law)": "rate",
    "initial rate (law)": "initial_rate",
    "late rate (law)": "late_rate",
    "plateau (law)": "plateau",
    "relaxation time (law)": "relaxation_time",
}
INDEPENDENT = "rows independent"
End = tuple[float, float, float, float]


def truth(label: str, quantity: str, settings: Settings) -> float:
    system = SYSTEMS[label]
    if quantity == "average rate" and system.law not in ("none", "linear"):
        return true_slope(label, settings)
    return {
        "initial rate (law)": system.rate(0.0),
        "late rate (law)": system.rate(float(system.n_turns)),
        "plateau (law)": system.drift,
        "relaxation time (law)": system.scale,
        "change point (law)": system.scale,
        "jump (law)": system.drift,
    }.get(quantity, system.rate(1.0))


def one_set(label: str, n: int, refits: int, rng: np.random.Generator) -> dict[str, End]:
    """Value, ends and error of every quantity."""
    law, series = SYSTEMS[label].law, series_of(SYSTEMS[label], n, rng)
    ends = {
        "average rate": drift_rate(series, resampling=Resampling(rng=rng, n_resamples=refits)),
        "median rate": median_rate(series),
    }
    panel = series.panel("turns")
    if law != "none":
        found = compare_drift_laws(series, laws=("none", law))
        if law == "step":
            change = change_point(found.step, panel)
            ends |= {"change point (law)": change.time, "jump (law)": change.jump}
        else:
            fit = next(fit for fit in found.fits if fit.law.name == law)
            implied = law_rates(fit, panel)
            ends |= {q: implied[FITTED[q]] for q in QUANTITIES[law] if q in FITTED}
    out = {q: (one.value, one.low, one.high, one.stderr) for q, one in ends.items()}
    return out | {INDEPENDENT: independent_rows(series)}


def independent_rows(series: DriftSeries) -> End:
    """Control: one straight line through all rows as if they were independent."""
    known = np.isfinite(series.value)
    fit = stats.linregress(series.turns[known], series.value[known])
    reach = stats.t.ppf(0.975, known.sum() - 2) * fit.stderr
    return fit.slope, fit.slope - reach, fit.slope + reach, fit.stderr


@lru_cache(maxsize=1)
def found_in(label: str, n: int, settings: Settings) -> list[dict[str, End]]:
    """All quantities of the sets of one system and size: its rows stand one after the other."""
    job = partial(one_set, label, n, settings.refits)
    return repeated(job, settings, row=f"rates of {label}, {n}", sweeps=2 * settings.sweeps)


def rate_row(label: str, n: int, quantity: str, settings: Settings) -> Row:
    name, expected = f"{label}, {n}: {quantity}", truth(label, quantity, settings)
    found = [known_error(one[quantity]) for one in found_in(label, n, settings)]
    kind = "skewed" if quantity in FITTED else "plain"  # intervals on the scale of logarithms
    row = coverage_row(name, expected, found, bias=np.inf, kind=kind)
    cells = row.cells | {"truth": f"{expected:.4g}", "bias": _bias(found, expected)}
    controls = list(row.controls)
    if quantity == "average rate":
        ends = np.array([one[INDEPENDENT] for one in found_in(label, n, settings)])
        covered = share((ends[:, 1] <= expected) & (expected <= ends[:, 2]))
        cells["control: rows independent, coverage %"] = f"{100 * covered:.0f}"
        asked = f"{name}: the interval from independent rows covers less than 92 %"
        controls.append(Claim(asked=asked, seen=f"{100 * covered:.1f} %", holds=bool(covered < 0.92)))
    claims = [claim for claim in row.claims if "coverage" in claim.asked]
    return replace(row, cells=cells, claims=claims, controls=controls)


def known_error(end: End) -> End:
    """Where no error is given (a median has none) take the one its interval stands for."""
    value, low, high, error = end
    return (value, low, high, (high - low) / 3.92) if np.isnan(error) else end


def _bias(found: list[End], expected: float) -> str:
    return f"{np.nanmedian([one[0] for one in found]) - expected:+.2g} (median)"


def rows() -> dict[str, RowMaker]:
    return {
        f"{label}, {n}: {quantity}": partial(rate_row, label, n, quantity)
        for n in SIZES
        for label, system in SYSTEMS.items()
        for quantity in QUANTITIES[system.law]
    }
