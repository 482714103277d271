"""Likelihoods of the rivals (F-120, F-125 to F-127) against slow twins, scores against differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import minimize
from scipy.special import expit

from alignthermo.estimators.laws.ascent import Prior, maximise
from alignthermo.estimators.laws.comparison import RIVALS, law_panel
from alignthermo.estimators.laws.law_fit import fit_law, hessian, likelihood, refit
from alignthermo.estimators.laws.panel import make_panel
from alignthermo.estimators.laws.shapes import ACCUMULATION, LOGISTIC, POWER, SCALED
from alignthermo.estimators.laws.step import STEP
from tests.estimators.laws.simulated import GRID, as_sweep, logistic, several_lengths, sweep_of

RNG = np.random.default_rng(3)
SHARES = law_panel(sweep_of(logistic, RNG, prompts=9, trials=3))
FIELDS = law_panel(
    as_sweep(
        4.0 - 8.0 * GRID + RNG.standard_normal((9, 1)) + 0.5 * RNG.standard_normal((9, GRID.size)),
        GRID,
        kind="log_odds",
    )
)
PLANE = law_panel(several_lengths(0.5, RNG, prompts=9))


@pytest.mark.parametrize("law", [*RIVALS, SCALED], ids=lambda law: law.name)
@pytest.mark.parametrize("panel", [SHARES, FIELDS, PLANE], ids=["shares", "fields", "plane"])
def test_scores_are_the_derivatives(law, panel):
    fit = fit_law(law, panel)
    theta = fit.theta + 0.05 * np.random.default_rng(0).standard_normal((2, fit.theta.size))
    _, score = fit.likelihood(theta)
    eps = 1e-5
    for p, unit in enumerate(np.eye(fit.theta.size)):
        up, down = fit.likelihood(theta + eps * unit)[0], fit.likelihood(theta - eps * unit)[0]
        np.testing.assert_allclose(score[..., p], (up - down) / (2 * eps), rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("law", [*RIVALS, SCALED], ids=lambda law: law.name)
@pytest.mark.parametrize("panel", [SHARES, FIELDS, PLANE], ids=["shares", "fields", "plane"])
def test_weighted_sums_are_those_over_prompts(law, panel):
    fit = fit_law(law, panel)
    theta = fit.theta + 0.05 * np.random.default_rng(1).standard_normal((3, fit.theta.size))
    weight = np.random.default_rng(2).integers(0, 4, (3, panel.n_prompts)).astype(float)
    value, score = fit.likelihood(theta)
    total, gradient = fit.likelihood.weighted(theta, weight)
    np.testing.assert_allclose(total, (weight * value).sum(axis=1))
    np.testing.assert_allclose(gradient, (weight[..., None] * score).sum(axis=1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("law", [LOGISTIC, ACCUMULATION], ids=lambda law: law.name)
def test_a_fit_without_noise_reaches_the_top(law):
    """Scores of prompts vanish there, and their outer products say nothing of the curvature."""
    field = np.random.default_rng(4).standard_normal((30, 1))
    sweep = as_sweep(expit(2.25 * (0.5 - GRID) + field), GRID, kind="probability")
    panel = make_panel(sweep, draws=np.full(sweep.y.size, 64.0))
    fit = fit_law(law, panel)

    def loss(theta):
        value, gradient = fit.likelihood.weighted(theta[None], np.ones((1, 30)))
        prior, pull, _ = fit.prior.terms(theta[None])
        return -float(value[0] + prior[0]), -(gradient + pull)[0]

    best = minimize(loss, fit.theta, jac=True, method="BFGS").fun
    assert loss(fit.theta)[0] == pytest.approx(best, abs=2e-3)


@pytest.mark.parametrize(
    ("law", "spread", "draws", "within", "first"),
    [(LOGISTIC, 0.2, 20.0, 2e-4, 1e-3), (POWER, 0.1, 40.0, 0.1, 0.5)],
    ids=["logistic", "power law"],
)
def test_prompts_that_differ_much_get_closer_nodes(law, spread, draws, within, first):
    """A fit must not gain by putting a narrow prompt right onto a node; kinks converge slowly."""
    place = 0.5 + spread * np.random.default_rng(9).standard_normal((30, 1))
    sweep = as_sweep(expit(20.0 * (place - GRID)), GRID, kind="probability")
    panel = make_panel(sweep, draws=np.full(sweep.y.size, draws))
    fit, at_first = fit_law(law, panel), likelihood(law, panel)
    theta = fit.theta[None]
    exact = replace(fit.likelihood, nodes=np.linspace(-4.2, 4.2, 4001))(theta)[0]
    assert np.abs(fit.likelihood(theta)[0] - exact).max() < within
    assert np.abs(at_first(theta)[0] - exact).max() > first


def test_shares_against_adaptive_integration():
    fit = fit_law(LOGISTIC, SHARES)
    before, after = expit(fit.theta[:2])
    mu, b, s = fit.theta[2], np.exp(fit.theta[3]), np.exp(fit.theta[4])
    t, total, weight = fit.design.t, SHARES.total, SHARES.weight

    def twin(g):
        def integrand(z):
            m = after + (before - after) * expit(b * (mu - t) + s * z)
            log = total[g] @ np.log(m) + (weight[g] - total[g]) @ np.log1p(-m)
            return np.exp(log + 20.0) * stats.norm.pdf(z)

        return np.log(integrate.quad(integrand, -8, 8, epsabs=0, epsrel=1e-10, limit=200)[0]) - 20.0

    ours = fit.likelihood(fit.theta[None])[0][0]
    np.testing.assert_allclose(ours, [twin(g) for g in range(9)], atol=2e-3)


def test_the_step_against_adaptive_integration():
    fit = fit_law(STEP, SHARES)
    before, after = expit(fit.theta[:2])
    mu, tau, t = fit.theta[2], np.exp(fit.theta[3]), fit.design.t
    fine = mu + tau * np.linspace(-8, 8, 200_001)
    density = stats.norm.pdf(np.linspace(-8, 8, 200_001))
    cell = np.searchsorted(t, fine, side="left")
    for g in range(3):
        kept, lost = SHARES.total[g], SHARES.weight[g] - SHARES.total[g]
        inside = np.array(
            [
                kept[:c].sum() * np.log(before)
                + lost[:c].sum() * np.log1p(-before)
                + kept[c:].sum() * np.log(after)
                + lost[c:].sum() * np.log1p(-after)
                for c in range(t.size + 1)
            ]
        )
        twin = np.log((np.exp(inside[cell]) * density).sum() / density.sum())
        assert fit.likelihood(fit.theta[None])[0][0, g] == pytest.approx(twin, abs=2e-3)


def test_fields_against_the_multivariate_normal():
    fit = fit_law(ACCUMULATION, FIELDS)
    mean = fit.theta[0] - fit.theta[1] * fit.design.t
    tau, s = np.exp(fit.theta[-2:])
    covariance = s**2 * np.eye(GRID.size) + tau**2
    twin = stats.multivariate_normal(mean, covariance).logpdf(FIELDS.total)
    np.testing.assert_allclose(fit.likelihood(fit.theta[None])[0][0], twin, rtol=1e-9)


def test_the_ascent_finds_what_a_plain_optimiser_finds():
    fit = fit_law(LOGISTIC, SHARES)

    def loss(theta):
        return -(fit.likelihood(theta[None])[0].sum() + fit.prior.terms(theta[None])[0][0])

    plain = minimize(loss, fit.theta + 0.1, method="BFGS")
    assert loss(fit.theta) == pytest.approx(plain.fun, abs=2e-3)
    again = refit(fit, np.ones((2, 9)))
    np.testing.assert_allclose(again[0], again[1])
    assert loss(again[0]) == pytest.approx(plain.fun, abs=2e-3)


def test_a_refit_without_a_prompt_is_a_fit_of_the_others():
    keep = np.ones((1, 9))
    keep[0, 4] = 0.0
    fit = fit_law(LOGISTIC, SHARES)

    def loss(theta):
        return -(keep @ fit.likelihood(theta[None])[0][0] + fit.prior.terms(theta[None])[0])[0]

    assert loss(refit(fit, keep)[0]) == pytest.approx(minimize(loss, fit.theta, method="BFGS").fun, abs=2e-3)


def test_the_hessian_is_that_of_the_likelihood():
    fit = fit_law(ACCUMULATION, FIELDS)
    ours = hessian(fit, fit.theta[None], np.ones((1, 9)))[0]
    assert np.linalg.eigvalsh(ours).min() > 0.0
    eps = 1e-3

    def value(theta):
        return fit.likelihood(theta[None])[0].sum() + fit.prior.terms(theta[None])[0][0]

    unit = np.eye(fit.theta.size)[0]
    plain = (2 * value(fit.theta) - value(fit.theta + eps * unit) - value(fit.theta - eps * unit)) / eps**2
    assert ours[0, 0] == pytest.approx(plain, rel=1e-3)


def test_damping_climbs_where_newton_overshoots():
    def objective(theta, rows):
        # log-likelihood −ln cosh: an undamped Newton step from 3 runs away
        return (
            -np.log(np.cosh(theta)).sum(axis=1),
            -np.tanh(theta),
            (1.0 / np.cosh(theta) ** 2)[..., None],
        )

    prior = Prior(centre=np.zeros(1), spread=np.full(1, 1e3))
    found, _ = maximise(objective, np.array([[3.0], [-5.0], [0.1]]), prior=prior)
    np.testing.assert_allclose(found, 0.0, atol=0.02)
