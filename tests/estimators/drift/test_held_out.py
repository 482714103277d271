"""Held-out densities of the laws of drift (F-243, F-244): dense twins, sampled parameters, the null."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from alignthermo.estimators.drift.change_times import (
    Inner,
    cell_weights,
    change_edges,
    change_laws,
    expectation_maximisation,
    given_others,
    step_moments,
)
from alignthermo.estimators.drift.law_fit import fit_law, log_prior
from alignthermo.estimators.drift.moments import log_density, moments, predictive_density, profile, timeline
from alignthermo.estimators.drift.quadratic import cubature, derivatives, log_mean, stencil
from alignthermo.estimators.drift.shapes import LINEAR as LINEAR_LAW
from alignthermo.estimators.drift.shapes import NONE as NONE_LAW
from alignthermo.estimators.drift.shapes import SATURATING, SMOOTH_LAWS
from alignthermo.estimators.drift.step import fit_step
from tests.estimators.drift.simulated import LINEAR, NONE, RELAXING, STEP, series_of
from tests.estimators.drift.test_laws import covariance

NOISE = np.array([[0.4, -0.8, -0.3, 0.2]])


@pytest.mark.parametrize("law", SMOOTH_LAWS, ids=lambda law: law.name)
def test_density_given_others_is_the_dense_normal(law):  # F-243
    line = timeline(series_of(LINEAR, 9, np.random.default_rng(1)).panel("turns"))
    f = law.shape(np.full((1, len(law.centre)), 0.4), line.u)
    each, variance = moments(f, NOISE, line)[:, 0], 0.8
    others = each[:, 1:].sum(axis=1)
    _, beta, _ = profile(others, line.counts[1:].sum(), fixed=law.fixed)
    found = predictive_density(
        each, line.counts, beta[:, None], np.full(9, variance), others[:3, None], fixed=law.fixed
    )[0]
    v, z, y = covariance(line, 0, NOISE[0], f[:, 0, 0])
    precision = sum(
        other[1].T @ np.linalg.solve(other[0], other[1])
        for other in (covariance(line, g, NOISE[0], f[:, 0, g]) for g in range(1, 9))
    )
    z_free, precision = z[:, : law.fixed], precision[: law.fixed, : law.fixed]
    wide = variance * (v + z_free @ np.linalg.inv(precision) @ z_free.T)
    assert found == pytest.approx(multivariate_normal(z @ beta, wide).logpdf(y), rel=1e-9)


def test_a_drift_that_the_others_cannot_tell_from_a_level_stays_vague():  # F-243
    line = timeline(series_of(LINEAR, 9, np.random.default_rng(1)).panel("turns"))
    each = moments(np.ones((line.u.shape[0], 1, 9)), NOISE, line)[:, 0]
    others = each[:3].sum(axis=1)
    found = predictive_density(each, line.counts, np.zeros((2, 1)), np.ones(9), others[:, None], fixed=2)
    assert np.isfinite(found).all()
    assert (found < log_density(each, line.counts, np.zeros((2, 1)), np.ones(9)) + 1e-6).all()


def test_cubature_is_exact_for_polynomials_of_the_third_degree():  # F-244
    rng = np.random.default_rng(2)
    root = rng.standard_normal((3, 3))
    precision = root @ root.T + np.eye(3)
    gradient = rng.standard_normal(3)
    points = cubature(gradient, -precision)
    mean, spread = np.linalg.solve(precision, gradient), np.linalg.inv(precision)
    a, b, c = rng.standard_normal((3, 3))
    cubic = (points @ a) * (points @ b) * (points @ c)
    twin = (mean @ a) * (mean @ b) * (mean @ c)
    twin += (mean @ a) * (b @ spread @ c) + (mean @ b) * (a @ spread @ c) + (mean @ c) * (a @ spread @ b)
    assert cubic.mean() == pytest.approx(twin, rel=1e-9)
    wrong = points + np.sqrt(1.5) * (points - mean)  # points 2.2 times too far out: the test must see it
    assert ((wrong @ a) * (wrong @ b) * (wrong @ c)).mean() != pytest.approx(twin, rel=1e-3)


def test_flat_directions_are_no_wider_than_the_widest_prior():  # F-244
    points = cubature(np.zeros(2), np.diag([-1e-9, 3.0]))
    assert np.abs(points).max() == pytest.approx(1.5 * np.sqrt(2.0))


def test_log_mean_weighs():
    values, weights = np.log([[1.0, 2.0], [3.0, 4.0]]), np.log([[1.0, 0.5], [3.0, 0.5]]) + 700.0
    np.testing.assert_allclose(np.exp(log_mean(values, weights)), [2.5, 3.0])


@pytest.mark.parametrize(
    ("law", "system"), [(NONE_LAW, LINEAR), (LINEAR_LAW, LINEAR), (SATURATING, RELAXING)]
)
def test_held_out_agrees_with_sampled_parameters(law, system):  # F-243, F-244
    """Twin: 4,000 parameters drawn around the fit without the fold, weighted by likelihood and prior."""
    line = timeline(series_of(system, 12, np.random.default_rng(3)).panel("turns"))
    fit = fit_law(law, line)
    fold = np.arange(12)
    found = fit.held_out((fold[None] != fold[:, None]).astype(float), fold)
    twin = np.array([_sampled(fit, g, np.random.default_rng([4, g])) for g in fold])
    assert abs((found - twin).mean()) < 0.1
    if law is not SATURATING:  # with refitted parameters as if they had no error it would be overconfident
        assert (_plugged_in(fit) - twin).mean() < -0.15


def _sampled(fit, g, rng):
    weights = np.ones((1, fit.line.counts.size))
    weights[0, g] = 0.0
    hessian = fit._derivatives(weights)[1][0]
    curvature, vector = np.linalg.eigh(-hessian)
    root = vector / np.sqrt(np.maximum(curvature, 1.5**-2))
    centre = fit.refitted(weights)[0]
    normal = rng.standard_t(5, (4000, centre.size))
    theta = centre + normal @ root.T
    proposal = (-3.0 * np.log1p(normal**2 / 5.0)).sum(axis=1)
    each = moments(fit.law.shape(theta[:, 4:], fit.line.u), theta[:, :4], fit.line)
    others = each.sum(axis=2) - each[:, :, g]
    total = fit.line.counts.sum() - fit.line.counts[g]
    value, beta, variance = profile(others, total, fixed=fit.law.fixed)
    own, own_count = each[:, :, [g]], fit.line.counts[[g]]
    score = predictive_density(
        own, own_count, beta[..., None], variance[..., None], others[:3, :, None], fixed=fit.law.fixed
    )[:, 0]
    log_weight = value + log_prior(fit.law, theta) - proposal
    return logsumexp(score + log_weight) - logsumexp(log_weight)


def _plugged_in(fit):
    n = fit.line.counts.size
    scores = []
    for g in range(n):
        weights = np.ones((1, n))
        weights[0, g] = 0.0
        theta = fit.refitted(weights)
        each = moments(fit.law.shape(theta[:, 4:], fit.line.u), theta[:, :4], fit.line)[:, 0]
        total = fit.line.counts.sum() - fit.line.counts[g]
        _, beta, variance = profile(each.sum(axis=1) - each[:, g], total, fixed=fit.law.fixed)
        scores.append(log_density(each, fit.line.counts, beta, variance)[g])
    return np.array(scores)


def test_a_step_given_others_mixes_over_cells_and_laws():  # F-243
    n = 10
    line = timeline(series_of(STEP, n, np.random.default_rng(5)).panel("turns"))
    edges, fold = change_edges(line), np.arange(n)
    without = (fold[None] != fold[:, None]).astype(float)
    fit = fit_step(line)
    each = step_moments(np.repeat(fit.nuisance[None], n, axis=0), line, edges)
    inner = expectation_maximisation(each, line, fit.inner.repeated(n), edges, without, rounds=6)
    found, value = given_others(each, line, inner, edges, without, fold)
    laws = change_laws(edges)
    for g in (0, 6):
        one = Inner(beta=inner.beta[:, [g]], variance=inner.variance[[g]], chosen=inner.chosen[[g]])
        twin, evidence = _step_twin(each[:, g], line, one, laws, g)
        assert found[g] == pytest.approx(twin, rel=1e-7)
        assert value[g] == pytest.approx(evidence, rel=1e-9)


def _step_twin(each, line, inner, laws, g):
    cells = log_density(each, line.counts, inner.beta[:, :, None], inner.variance[:, None])
    others = [h for h in range(line.counts.size) if h != g]
    joint = cells[:, others] + np.log(laws[inner.chosen[0]])[:, None]
    share = np.exp(joint - logsumexp(joint, axis=0))
    precision = [(each[m][:, others] * share).sum() for m in range(3)]
    likelihood = [logsumexp(np.log(law)[:, None] + cells[:, others], axis=0).sum() for law in laws]
    weight = np.exp(np.array(likelihood) - logsumexp(likelihood)) @ laws
    own = [
        predictive_density(
            each[:, k, [g]],
            line.counts[[g]],
            inner.beta,
            inner.variance,
            np.array(precision)[:, None],
            fixed=2,
        )[0]
        for k in range(laws.shape[1])
    ]
    return logsumexp(np.log(weight) + own), logsumexp(likelihood) - np.log(len(laws))


def test_a_step_that_never_comes_is_not_named():
    """Change times beyond the range are no drift at all; the error of its parameters must not name a step."""
    for seed in range(5, 10):
        line = timeline(series_of(NONE, 80, np.random.default_rng(seed)).panel("turns"))
        none, step = fit_law(NONE_LAW, line), fit_step(line)
        fold = np.arange(80) % 10
        without = (fold[None] != np.arange(10)[:, None]).astype(float)
        gap = step.held_out(without, fold) - none.held_out(without, fold)
        assert gap.mean() < 2.0 * gap.std(ddof=1) / np.sqrt(80)


def test_derivatives_of_a_quadratic_are_exact():
    at, curvature = np.array([0.3, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    points = stencil(at)
    gradient, hessian = derivatives(-0.5 * np.einsum("pi,ij,pj->p", points, curvature, points), 2)
    np.testing.assert_allclose(gradient, -curvature @ at, atol=1e-9)
    np.testing.assert_allclose(hessian, -curvature, atol=1e-8)
    assert cell_weights(np.array([0.5]), np.array([0.2]), np.array([0.1, 0.9])).sum() == pytest.approx(1.0)
