"""Laws of drift (F-210 to F-215): likelihoods against a dense twin, refits, what is named, the null."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from alignthermo.estimators.drift import compare_drift_laws
from alignthermo.estimators.drift.change_times import cell_weights
from alignthermo.estimators.drift.law_fit import fit_law
from alignthermo.estimators.drift.moments import log_density, moments, profile, timeline
from alignthermo.estimators.drift.noise import whiten
from alignthermo.estimators.drift.shapes import LINEAR as LINEAR_LAW
from alignthermo.estimators.drift.shapes import POWER, SATURATING, SMOOTH_LAWS
from alignthermo.estimators.drift.step import fit_step
from tests.estimators.drift.simulated import LINEAR, NONE, RELAXING, STEP, series_of


def dense_noise(times, length, nugget):
    apart = np.abs(times[:, None] - times[None])
    return (1.0 - nugget) * np.exp(-apart / length) + nugget * np.eye(times.size)


def covariance(line, g, nuisance, f):
    """V of conversation g, built from its definition."""
    used = line.measured[:, g]
    times = np.cumsum(np.where(np.arange(used.size) > 0, line.gaps[:, g], 0.0))[used]
    noise = dense_noise(times, np.exp(nuisance[0]), 1.0 / (1.0 + np.exp(-nuisance[1])))
    z = np.stack([np.ones(times.size), f[used]], axis=1)
    return noise + z @ np.diag(np.exp(2.0 * nuisance[2:4])) @ z.T, z, line.y[used, g]


def test_whitening_agrees_with_a_dense_factor():  # F-210
    rng = np.random.default_rng(0)
    gaps, measured = rng.gamma(2.0, 1.0, (6, 3)), np.ones((6, 3), dtype=bool)
    measured[4:, 1] = False
    columns = rng.standard_normal((6, 1, 2, 3))
    length, nugget = np.array([0.7, 3.0]), np.array([0.1, 0.6])
    white, log_det = whiten(columns, gaps=gaps, measured=measured, length=length, nugget=nugget)
    for b in range(2):
        for g in range(3):
            used = measured[:, g]
            noise = dense_noise(np.cumsum(gaps[:, g])[used], length[b], nugget[b])
            twin = np.linalg.solve(np.linalg.cholesky(noise), columns[used, 0, :, g])
            np.testing.assert_allclose(white[used, b, :, g], twin, rtol=1e-10, atol=1e-12)
            assert log_det[b, g] == pytest.approx(np.linalg.slogdet(noise)[1], rel=1e-10)
    assert (white[4:, :, :, 1] == 0.0).all()


@pytest.mark.parametrize("law", SMOOTH_LAWS, ids=lambda law: law.name)
def test_likelihood_of_a_conversation_is_the_dense_normal(law):  # F-211, F-212
    line = timeline(series_of(LINEAR, 5, np.random.default_rng(1)).panel("turns"))
    nuisance, own = np.array([[0.4, -0.8, -0.3, 0.2]]), np.full((1, len(law.centre)), 0.4)
    f = law.shape(own, line.u)
    each = moments(f, nuisance, line)
    beta, variance = np.array([0.3, -0.7]), 0.8
    found = log_density(each, line.counts, beta[:, None, None], np.full((1, 1), variance))[0]
    for g in range(5):
        v, z, y = covariance(line, g, nuisance[0], f[:, 0, g])
        twin = multivariate_normal(z @ beta, variance * v).logpdf(y)
        assert found[g] == pytest.approx(twin, rel=1e-9)


def test_profile_is_the_maximum_over_level_drift_and_variance():  # F-211
    line = timeline(series_of(LINEAR, 12, np.random.default_rng(2)).panel("turns"))
    each = moments(LINEAR_LAW.shape(np.empty((1, 0)), line.u), np.array([[0.2, -1.0, 0.0, -0.5]]), line)[:, 0]
    value, beta, variance = profile(each.sum(axis=1), line.counts.sum(), fixed=2)
    at = log_density(each, line.counts, beta, np.asarray(variance)).sum()
    assert value == pytest.approx(at, rel=1e-12)
    for moved in (beta + np.array([0.05, 0.0]), beta + np.array([0.0, 0.05])):
        assert log_density(each, line.counts, moved, np.asarray(variance)).sum() < at
    for factor in (0.9, 1.1):
        assert log_density(each, line.counts, beta, np.asarray(factor * variance)).sum() < at


def test_shapes_start_at_zero_end_at_one_and_have_known_limits():  # F-212
    u = np.array([[0.0], [0.5], [1.0]])
    for law, own in ((SATURATING, -1.0), (POWER, 0.5), (LINEAR_LAW, None)):
        f = law.shape(np.full((1, len(law.centre)), own or 0.0), u)[:, 0, 0]
        np.testing.assert_allclose(f[[0, 2]], [0.0, 1.0], atol=1e-12)
    nearly = SATURATING.shape(np.array([[9.0]]), u)[1, 0, 0]
    assert nearly == pytest.approx(0.5, abs=1e-4)  # τ → ∞ is the line
    assert SATURATING.shape(np.array([[np.log(0.5)]]), u)[1, 0, 0] == pytest.approx(
        (1 - np.exp(-1)) / (1 - np.exp(-2))
    )


def test_one_step_refits_agree_with_full_refits():  # F-213
    series = series_of(RELAXING, 40, np.random.default_rng(3))
    line = timeline(series.panel("turns"))
    fit = fit_law(SATURATING, line)
    weights = np.ones((2, 40))
    weights[0, :4], weights[1, 36:] = 0.0, 0.0
    quick = fit.refitted(weights)

    def log_tau(beta, own):
        return own[..., 0] + 0.0 * beta[0]

    taylor = fit.functional(weights, log_tau)
    for row, kept in ((0, np.arange(4, 40)), (1, np.arange(36))):
        panel = series.of_conversations(kept).panel("turns")
        alone = replace(timeline(panel).in_units_of(line))
        full = fit_law(SATURATING, alone, near=fit.theta[:4])
        assert quick[row, 4] == pytest.approx(full.theta[4], abs=0.02)
        assert taylor[row] == pytest.approx(full.theta[4], abs=0.02)


def test_step_likelihood_is_a_dense_mixture_over_change_times():  # F-214
    line = timeline(series_of(STEP, 30, np.random.default_rng(4)).panel("turns"))
    fit = fit_step(line)
    beta, variance = fit.inner.beta[:, 0], fit.inner.variance[0]
    cells = np.concatenate([[-1.0], fit.edges])
    for g in (0, 7):
        for k in (0, 3, cells.size - 1):
            f = (line.u[:, g] > cells[k]).astype(float)
            v, z, y = covariance(line, g, fit.nuisance, f)
            twin = multivariate_normal(z @ beta, variance * v).logpdf(y)
            assert fit.likelihood[k, g] == pytest.approx(twin, rel=1e-8, abs=1e-8)


def test_cell_weights_are_those_of_the_normal():  # F-214
    edges = np.array([0.1, 0.4, 1.0])
    found = cell_weights(np.array([0.5]), np.array([0.2]), edges)[0]
    cdf = norm.cdf(edges, 0.5, 0.2)
    np.testing.assert_allclose(found, np.diff(np.concatenate([[0.0], cdf, [1.0]])), atol=1e-5)


@pytest.mark.parametrize(
    ("system", "law"), [(NONE, "none"), (LINEAR, "linear"), (RELAXING, "saturating"), (STEP, "step")]
)
def test_planted_laws_are_named(system, law):  # F-215
    found = compare_drift_laws(series_of(system, 80, np.random.default_rng(5)))
    assert found.named == law
    assert found.drifts is (law != "none")
    assert {score.name for score in found.scores} == {"none", "linear", "saturating", "power", "step"}


def test_shuffled_times_leave_no_drift():
    rng = np.random.default_rng(6)
    for _ in range(3):
        series = series_of(RELAXING, 40, rng)
        value = series.value.copy()
        for g in range(40):
            mine = np.flatnonzero(series.conversation == g)
            value[mine] = rng.permutation(value[mine])
        assert compare_drift_laws(replace(series, value=value)).named == "none"


def test_conversations_that_drift_either_way_are_no_common_drift():
    rng = np.random.default_rng(7)
    either = replace(LINEAR, drift=0.0, drift_sd=1.0)
    assert sum(compare_drift_laws(series_of(either, 40, rng)).drifts for _ in range(6)) <= 1


def test_few_conversations_are_inconclusive_and_say_how_many_would_do():  # F-215
    rng = np.random.default_rng(8)
    weak = replace(RELAXING, noise_sd=0.3)
    open_ones = [
        f
        for f in (compare_drift_laws(series_of(weak, 16, rng)) for _ in range(6))
        if f.named == "inconclusive"
    ]
    assert open_ones
    for found in open_ones:
        assert {"saturating"} < set(found.rivals)
        assert found.n_needed > 8
        assert "conversations would decide" in str(found)


def test_the_axis_of_tokens_works_too():
    found = compare_drift_laws(series_of(LINEAR, 60, np.random.default_rng(9)), axis="tokens")
    assert found.named == "linear"
