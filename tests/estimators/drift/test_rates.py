"""Rates (F-216 to F-221): exact on noiseless courses, coverage and planted errors, outliers, verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift import (
    DriftSeries,
    change_point,
    drift_growth,
    drift_rate,
    law_rates,
    median_rate,
    rate_along,
)
from alignthermo.estimators.drift.law_fit import fit_law
from alignthermo.estimators.drift.moments import timeline
from alignthermo.estimators.drift.shapes import LINEAR as LINEAR_LAW
from alignthermo.estimators.drift.shapes import NONE as NONE_LAW
from alignthermo.estimators.drift.shapes import POWER, SATURATING
from alignthermo.estimators.drift.step import fit_step
from tests.estimators.drift.simulated import LINEAR, NONE, RELAXING, STEP, resampling, series_of


def course(value_of, n=12, turns=11):
    t = np.tile(np.arange(float(turns)), n)
    where = np.repeat(np.arange(n), turns)
    return DriftSeries(conversation=where, turns=t, tokens=40.0 * t, value=value_of(t, where))


def test_rates_of_a_parabola_are_exact():  # F-216, F-218, F-221
    rng = np.random.default_rng(0)
    series = course(lambda t, g: 0.3 * t**2 + g)
    rate = drift_rate(series, resampling=resampling(rng))
    assert rate.value == pytest.approx(3.0)  # slope of the line nearest to 0.3 t² on 0 … 10
    assert rate.unit == "nat/turn"
    assert drift_rate(series, axis="tokens", resampling=resampling(rng)).value == pytest.approx(3.0 / 40.0)
    growth = drift_growth(series, resampling=resampling(rng))
    assert growth.verdict == "the rate grows"
    assert growth.curvature.value == pytest.approx(0.6)
    assert growth.change.value == pytest.approx(0.3 * (7.5 - 2.5) * 2.0)
    points = rate_along(series, np.array([0.0, 2.0, 10.0, 50.0]), resampling=resampling(rng))
    assert [p.rate.value for p in points[:2]] == pytest.approx([0.6, 3.6])
    assert points[2].rate.reason == "nothing measured here"
    with pytest.raises(InputError, match="ascend"):
        rate_along(series, np.array([3.0, 1.0]), resampling=resampling(rng))


def test_levels_of_conversations_do_not_move_the_rate():
    rng = np.random.default_rng(1)
    series = series_of(LINEAR, 30, rng)
    shifted = replace(series, value=series.value + 10.0 * (series.conversation % 7))
    one, two = (drift_rate(s, resampling=resampling(np.random.default_rng(2))) for s in (series, shifted))
    assert two.value == pytest.approx(one.value, rel=1e-9)


def test_one_outlier_moves_the_mean_and_not_the_median():  # F-217
    rng = np.random.default_rng(3)
    series = series_of(LINEAR, 25, rng)
    last = int(np.flatnonzero(np.isfinite(series.value))[-1])
    value = series.value.copy()
    value[last] += 200.0
    broken = replace(series, value=value)
    truth = LINEAR.rate(1.0)
    assert median_rate(series).value == pytest.approx(truth, rel=0.3)
    assert abs(median_rate(broken).value - median_rate(series).value) < 0.1 * truth
    moved = drift_rate(broken, resampling=resampling(rng)).value
    assert abs(moved - drift_rate(series, resampling=resampling(rng)).value) > truth


def coverage(system, quantity, truth, *, n=30, sets=60, shift=0.0):
    hit = []
    for k in range(sets):
        rng = np.random.default_rng([n, k])
        found = quantity(series_of(system, n, rng), rng)
        moved = truth + shift * (found.high - found.low) / 3.92
        hit.append(found.low <= moved <= found.high)
    return float(np.mean(hit))


@pytest.mark.parametrize(("system", "truth"), [(NONE, 0.0), (LINEAR, 1.0 / 14.0)], ids=["none", "linear"])
@pytest.mark.parametrize("how", ["mean", "median"])
def test_intervals_cover_and_a_wrong_truth_fails(system, truth, how):
    def quantity(series, rng):
        return drift_rate(series, resampling=resampling(rng, 300)) if how == "mean" else median_rate(series)

    assert coverage(system, quantity, truth) >= 0.88
    assert coverage(system, quantity, truth, shift=1.8) < 0.75


def test_an_interval_from_independent_rows_does_not_cover():
    """Planted error: slopes of rows as if each were a conversation of its own."""

    def naive(series, rng):
        n = series.value.size
        known = np.isfinite(series.value)
        t, y = series.turns[known], series.value[known]
        slope, level = np.polyfit(t, y, 1)
        error = np.sqrt(np.var(y - slope * t - level) / n / np.var(t))
        return type("Ends", (), {"low": slope - 1.96 * error, "high": slope + 1.96 * error})

    slow = replace(NONE, correlation_turns=8.0, drift_sd=0.0, level_sd=0.0, min_turns=14)
    assert coverage(slow, naive, 0.0, sets=100) < 0.85


def test_rates_of_the_saturating_law():  # F-219
    panel = series_of(RELAXING, 150, np.random.default_rng(4)).panel("turns")
    found = law_rates(fit_law(SATURATING, timeline(panel)), panel)
    truth = {
        "initial_rate": RELAXING.rate(0.0),
        "late_rate": RELAXING.rate(14.0),
        "plateau": 1.5,
        "relaxation_time": 2.5,
    }
    for name, value in truth.items():
        assert abs(found[name].value - value) < 3.5 * found[name].stderr
        assert found[name].low < found[name].value < found[name].high
    assert found["initial_rate"].unit == "nat/turn"
    assert found["plateau"].value == pytest.approx(1.5, rel=0.1)


def test_ends_of_the_late_rate_come_from_those_of_its_parts():  # F-239
    """Against a loop over conversations left out, one refit at a time."""
    panel = series_of(RELAXING, 24, np.random.default_rng(12)).panel("turns")
    fit, n = fit_law(SATURATING, timeline(panel)), 24

    def initial(beta, own):
        tau = np.exp(own[..., 0])
        return np.log(beta[1] / -np.expm1(-1.0 / tau) / tau)

    def parts(weights):
        """Return ln of the initial rate, and −1/τ, in units of the range."""
        log_tau = fit.functional(weights[None], lambda beta, own: np.broadcast_to(own[..., 0], beta[1].shape))
        return float(fit.functional(weights[None], initial)[0]), -float(np.exp(-log_tau[0]))

    a, c = parts(np.ones(n))
    out = np.array([parts(np.ones(n) - row) for row in np.eye(n)])
    t = stats.t.ppf(0.975, n - 1)
    spread = (n - 1) / n * ((out[:, 0] - out[:, 0].mean()) ** 2).sum()
    log_tau, log_tau_out = -np.log(-c), -np.log(-out[:, 1])
    error = np.sqrt((n - 1) / n * ((log_tau_out - log_tau_out.mean()) ** 2).sum())
    rho = np.corrcoef(out.T)[0, 1]
    ends = []
    for sign in (-1.0, 1.0):
        x, y = t * np.sqrt(spread), abs(-np.exp(-(log_tau + sign * t * error)) - c)
        ends.append(np.exp(a + c + sign * np.sqrt(x * x + y * y + 2 * rho * x * y)) / panel.span)
    found = law_rates(fit, panel)["late_rate"]
    assert found.value == pytest.approx(np.exp(a + c) / panel.span, rel=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(ends), rel=1e-6)


def test_downward_drift_has_negative_rates_with_ordered_ends():
    series = series_of(RELAXING, 60, np.random.default_rng(5))
    up, down = series.panel("turns"), replace(series, value=-series.value).panel("turns")
    there, back = (law_rates(fit_law(SATURATING, timeline(p)), p) for p in (up, down))
    for name in ("initial_rate", "plateau"):
        assert back[name].value == pytest.approx(-there[name].value, rel=1e-6)
        assert back[name].low == pytest.approx(-there[name].high, rel=1e-6)
    assert back["relaxation_time"].value == pytest.approx(there["relaxation_time"].value, rel=1e-6)


def test_rates_of_other_laws_and_of_none():
    panel = series_of(LINEAR, 60, np.random.default_rng(6)).panel("turns")
    line = timeline(panel)
    found = law_rates(fit_law(LINEAR_LAW, line), panel)
    assert abs(found["rate"].value - LINEAR.rate(1.0)) < 3.5 * found["rate"].stderr
    assert found["rate"].value * panel.span == pytest.approx(found["drift_over_range"].value)
    power = law_rates(fit_law(POWER, line), panel)["exponent"]
    assert power.low < 1.0 < power.high
    assert law_rates(fit_law(NONE_LAW, line), panel) == {}
    with pytest.raises(InputError, match="another panel"):
        law_rates(fit_law(LINEAR_LAW, line), series_of(LINEAR, 20, np.random.default_rng(7)).panel("turns"))


def test_change_point_and_jump():  # F-220
    panel = series_of(STEP, 120, np.random.default_rng(8)).panel("turns")
    found = change_point(fit_step(timeline(panel)), panel)
    assert abs(found.time.value - 6.5) < 3.5 * found.time.stderr
    assert found.time.high - found.time.low < 1.5
    assert found.spread == pytest.approx(1.5, rel=0.4)
    assert abs(found.jump.value - 1.2) < 3.5 * found.jump.stderr
    assert 90.0 < found.n_within <= 120.0


def test_a_common_change_is_known_to_the_cell_between_two_measurements():  # F-220
    at_once = replace(STEP, scale_sd=0.0, noise_sd=0.05, nugget_sd=0.02)
    panel = series_of(at_once, 30, np.random.default_rng(9)).panel("turns")
    found = change_point(fit_step(timeline(panel)), panel)
    assert found.time.low <= 6.0 + 1e-9
    assert found.time.high >= 7.0 - 1e-9
    assert found.spread < 1.0


@pytest.mark.parametrize(
    ("system", "verdict"),
    [
        (NONE, "no drift"),
        (replace(LINEAR, drift=2.0), "steady"),
        (RELAXING, "bounded so far"),
        (replace(LINEAR, law="power", scale=3.0), "the rate grows"),
    ],
    ids=["none", "linear", "saturating", "power"],
)
def test_growth_verdicts(system, verdict):  # F-221
    out = [
        drift_growth(
            series_of(system, 80, np.random.default_rng([10, k])),
            resampling=resampling(np.random.default_rng(k)),
        )
        for k in range(5)
    ]
    assert sum(found.verdict == verdict for found in out) >= 3
    assert len(out[0].tests) == 4


def test_growth_needs_two_times_in_each_half():
    with pytest.raises(InsufficientData, match="each half"):
        drift_growth(course(lambda t, g: t, turns=2), resampling=resampling(np.random.default_rng(0)))
