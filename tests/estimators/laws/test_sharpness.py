"""Slopes, widths (F-130), γ (F-131) and the average of slopes over laws (F-177)."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from scipy.special import expit

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import Sweep, sharpness, size_scaling
from alignthermo.estimators.laws import binned as binned_settings
from alignthermo.estimators.laws.binned import binned_panel
from alignthermo.estimators.laws.law_fit import fit_law
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.shapes import ACCUMULATION, LOGISTIC
from alignthermo.estimators.laws.student import refitted_estimate
from tests.estimators.laws.simulated import GRID, as_sweep, scattered, several_lengths, sweep_of


def how(seed):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=100)


def test_both_widths_and_both_slopes_are_found():
    rng = np.random.default_rng(0)
    found = sharpness(
        sweep_of(lambda a: expit(16.0 * (0.5 - a)), rng, prompts=60, trials=6, spread=0.15), resampling=how(0)
    )
    truths = {"within": 4.0, "quenched": 0.15, "thermal": np.pi / np.sqrt(3.0) / 16.0}
    for name, truth in truths.items():
        estimate = getattr(found, name)
        assert abs(estimate.value - truth) < 3.0 * estimate.stderr < 0.6 * truth
    # the population is flatter than its prompts: about 1/√(2π(0.15² + thermal²)) per α
    assert 1.8 < found.marginal.value < 2.6
    assert found.marginal.high < found.within.low


def test_alike_prompts_have_no_quenched_width():
    found = sharpness(
        sweep_of(lambda a: expit(8.0 * (0.5 - a)), np.random.default_rng(1), spread=0.0), resampling=how(0)
    )
    assert "not to be told from 0" in str(found.quenched)


def test_no_range_is_said_and_not_divided_by():
    flat = as_sweep(np.full((9, GRID.size), 1.5), GRID, kind="log_odds")
    one = as_sweep(np.tile([[0.0, 1.0]], (9, 1)), np.array([0.5, 0.5]), trials=1.0)
    for sweep, match in ((flat, "alike"), (one, "one value of α")):
        with pytest.raises(InsufficientData, match=match):
            sharpness(sweep, resampling=how(0))


def test_log_odds_have_their_own_slope():
    rng = np.random.default_rng(2)
    h = 3.0 - 6.0 * GRID + 1.5 * rng.standard_normal((40, 1)) + 0.5 * rng.standard_normal((40, GRID.size))
    found = sharpness(as_sweep(h, GRID, kind="log_odds"), resampling=how(0))
    assert found.within.value == pytest.approx(6.0, rel=0.15)
    assert found.quenched.value == pytest.approx(1.5 / 6.0, rel=0.3)
    assert found.within.unit == "nat per α"


def test_gamma_is_found_and_its_neighbours_are_excluded():
    errors = []
    for gamma in (0.0, 1.0):
        rng = np.random.default_rng(int(10 * gamma))
        for _ in range(3):
            found = size_scaling(several_lengths(gamma, rng)).gamma
            errors.append((found.value - gamma) / found.stderr)
            assert not found.low <= gamma + 0.5 <= found.high
    assert np.abs(errors).max() < 3.5
    assert abs(np.mean(errors)) < 1.0


def test_the_slope_is_averaged_over_the_laws_by_their_likelihood():
    sweep = several_lengths(0.5, np.random.default_rng(9), prompts=15)
    found, group = size_scaling(sweep), sweep.select(length=100.0)
    logs, scores = [], []
    for law in (LOGISTIC, ACCUMULATION):
        fit = fit_law(law, make_panel(group))
        t = np.linspace(-0.5, 0.5, 20_001)
        fine = replace(fit.design, t=t, alpha=t, instr=t, adv=t)
        mean = law.shape(fit.theta[None, :-1], fine, np.zeros((1, 1)))[0][0, 0]
        logs.append(np.log(np.abs(np.gradient(mean, t)).max()))
        scores.append(fit.likelihood(fit.theta[None])[0].sum() - law.size(fit.design))
    weight = 1.0 / (1.0 + np.exp(scores[0] - scores[1]))
    assert 0.05 < weight < 0.95, "the data leave both laws open"
    average = (1.0 - weight) * logs[0] + weight * logs[1]
    assert np.log(found.slopes[0]) == pytest.approx(average, abs=1e-3)
    between = np.sqrt(weight * (1.0 - weight)) * abs(logs[0] - logs[1])
    assert found.errors[0] / found.slopes[0] > between


def test_gamma_needs_lengths():
    one = several_lengths(1.0, np.random.default_rng(0)).select(length=400.0)
    with pytest.raises(InsufficientData, match="one length"):
        size_scaling(one)
    three = size_scaling(several_lengths(1.0, np.random.default_rng(0)))
    assert "3 lengths" in three.gamma.caveats[0]
    with pytest.raises(InsufficientData, match="one prompt"):
        size_scaling(several_lengths(1.0, np.random.default_rng(0), prompts=1))
    few = size_scaling(several_lengths(1.0, np.random.default_rng(0), prompts=5)).gamma
    assert np.isnan(few.low)
    assert "too few prompts" in few.reason
    with pytest.raises(InputError, match="level"):
        size_scaling(several_lengths(1.0, np.random.default_rng(0)), level=95.0)


def without_noise(power, lengths=(100.0, 200.0, 800.0)):
    """Probabilities of logistics of slope 2.25 power(L) per α, a field per prompt, no noise at all."""
    field = np.random.default_rng(7).standard_normal((12, 1))
    parts = [
        as_sweep(expit(9.0 * power(length) * (0.5 - GRID) + field), GRID, kind="probability", length=length)
        for length in lengths
    ]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("cluster", "n_instr", "n_adv", "y")
    }
    wanted = np.repeat(np.array(lengths), parts[0].y.size)
    return Sweep(**joined, kind="probability", column="kept", length=wanted)


def test_where_nothing_is_noisy_the_open_choice_of_the_law_is_the_error():
    found = size_scaling(without_noise(lambda length: length / 400.0)).gamma
    assert found.low <= 1.0 <= found.high
    assert found.high - found.low < 0.03
    assert not found.low <= 0.95 <= found.high
    assert not any("power of L" in note for note in found.caveats)


def test_slopes_that_follow_no_power_of_length_widen_the_interval_and_say_so():
    bent = size_scaling(without_noise(lambda length: 0.5 + (length / 400.0) ** 2)).gamma
    assert "no single power of L" in bent.caveats[-1]
    assert bent.high - bent.low > 0.3


def test_resamples_in_bins_give_the_intervals_of_all_settings(monkeypatch):
    sweep = scattered(np.random.default_rng(11))
    monkeypatch.setattr(import_module("alignthermo.estimators.laws.sharpness"), "FEWEST_BINS", 5)
    found = {}
    for width in (1e-6, 0.2, 40.0):
        monkeypatch.setattr(binned_settings, "BIN", width)
        found[width] = sharpness(sweep, resampling=how(0))
    exact = found.pop(1e-6)
    off = {width: [] for width in found}
    for width, binned in found.items():
        for name in ("within", "marginal", "quenched", "thermal"):
            one, other = getattr(exact, name), getattr(binned, name)
            assert (one.value, one.stderr) == (other.value, other.stderr)
            off[width] += [abs(np.log(one.low / other.low)), abs(np.log(one.high / other.high))]
    assert max(off[0.2]) < 0.01 < max(off[40.0])


def test_bins_keep_every_trial_and_the_ends_of_the_grid():
    sweep = scattered(np.random.default_rng(3))
    panel = make_panel(sweep, draws=np.full(sweep.y.size, 5.0))
    few = binned_panel(panel, bins=20)
    assert few.alpha.size <= 20 < panel.alpha.size
    for name in ("total", "weight"):
        np.testing.assert_allclose(getattr(few, name).sum(axis=1), getattr(panel, name).sum(axis=1))
    assert (few.alpha[0], few.alpha[-1]) == (0.0, 1.0)
    # shared by nearness: the mean α of every prompt stays
    np.testing.assert_allclose(few.weight @ few.alpha, panel.weight @ panel.alpha)


def test_an_interval_that_its_value_is_not_in_is_none():
    errors = np.full(200, 0.1)
    resamples = np.random.default_rng(0).standard_normal(200)
    around = refitted_estimate(
        (1.0, 0.1), (1.0 + 0.1 * resamples, errors), labels=("1", "m"), n=20, level=0.95
    )
    assert around.low < 1.0 < around.high
    beside = refitted_estimate(
        (1.0, 0.1), (5.0 + 0.1 * resamples, errors), labels=("1", "m"), n=20, level=0.95
    )
    assert np.isnan([beside.low, beside.high]).all()
    assert "do not determine it" in beside.reason
