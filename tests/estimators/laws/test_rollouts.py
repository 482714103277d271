"""Bimodality, loops and the verdict scale (F-132 to F-136), on systems whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import (
    ACCUMULATION,
    SCALED,
    Evidence,
    HeldRamp,
    ReplyRun,
    bimodality,
    bimodality_coefficient,
    compare_laws,
    fit_reply_kernel,
    hysteresis,
    loop_areas,
    size_scaling,
    survives_holding,
    verdict,
)
from alignthermo.estimators.laws.reply_kernel import kernel_draws, simulate_null
from alignthermo.quantities import Estimate
from alignthermo.testsystems.conversational import (
    Contexts,
    EditRamp,
    EvidenceAccumulator,
    MeanField,
    arranged,
    exact_ramp,
    simulate_ramps,
    simulate_rollouts,
)
from tests.estimators.laws.simulated import line, logistic, several_lengths, sweep_of

ORDERED = MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=12)
ADDITIVE = EvidenceAccumulator(
    field=0.0, per_instruction_token=0.01, per_adversarial_token=0.01, own_kernel=(0.15,) * 10
)
GRID = np.linspace(0.0, 1.0, 17)


def how(seed, n=100):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=n)


def ramp(law, hold, rng, replicates=100):
    protocol = EditRamp(alphas=tuple(GRID.tolist()), hold=hold, n_turns=48, turn_tokens=8)
    kept = simulate_ramps(law, protocol, replicates=replicates, rng=rng).kept.astype(float)
    kept = np.concatenate([kept[:, 0], kept[:, 1, ::-1]], axis=1).reshape(replicates, -1)
    field = 1.0 - 2.0 * np.repeat(np.concatenate([GRID, GRID[::-1]]), hold)
    inputs = np.tile(field[None, :, None], (replicates, 1, 1))
    return HeldRamp(run=ReplyRun(kept=kept, inputs=inputs), alphas=GRID, hold=hold, protocol="edit")


def rollouts(law, rng, n=48):
    context = Contexts.of(arranged(48, n_adv=24, order="interleaved")[None], turn_tokens=8)
    kept = simulate_rollouts(law, context, n_replies=n, replicates=200, rng=rng).astype(float)
    return ReplyRun(kept=kept, inputs=np.zeros((*kept.shape, 0)))


def test_the_coefficient_at_its_landmarks():
    rng = np.random.default_rng(0)
    assert bimodality_coefficient(np.tile([0.0, 1.0], 5)) == 1.0
    assert bimodality_coefficient(np.linspace(0, 1, 100_001)) == pytest.approx(5 / 9, rel=1e-3)
    assert bimodality_coefficient(rng.standard_normal(200_000)) == pytest.approx(1 / 3, rel=0.02)
    assert np.isnan(bimodality_coefficient(np.ones(5)))


def test_the_additive_kernel_is_recovered_and_its_replies_are_simulated():
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((300, 40, 1))
    truth = np.array([[0.2, 1.0, 0.8, 0.4, 0.0, 0.05]])
    kept = simulate_null(truth, inputs, n_lags=3, rng=rng)[0].astype(float)
    kernel = fit_reply_kernel(ReplyRun(kept=kept, inputs=inputs), n_lags=3)
    error = np.sqrt(np.diag(np.linalg.inv(kernel.information.sum(axis=0))))
    assert (np.abs(kernel.theta - truth[0]) < 4.0 * error).all()
    assert kernel.feedback == pytest.approx(1.2, abs=0.3)
    half = np.zeros((1, 300))
    half[0, :150] = 2.0
    exact = fit_reply_kernel(ReplyRun(kept=kept[:150], inputs=inputs[:150]), n_lags=3).theta
    np.testing.assert_allclose(kernel_draws(kernel, half)[0], exact, atol=0.3 * error.max() + 0.03)


@pytest.mark.parametrize(("n_lags", "turns"), [(3, 12), (9, 30), (16, 40), (5, 4)])
def test_simulated_replies_are_those_of_a_plain_loop(n_lags, turns):
    rng = np.random.default_rng(5)
    theta = 0.4 * rng.standard_normal((3, 2 + n_lags + 1))
    inputs = rng.standard_normal((4, turns, 1))
    kept = simulate_null(theta, inputs, n_lags=n_lags, rng=np.random.default_rng(6))
    u = np.random.default_rng(6).random((turns, 3, 4))
    for b in range(3):
        for r in range(4):
            sign = []
            for t in range(turns):
                recent, old = sign[::-1][:n_lags], sign[::-1][n_lags:]
                h = theta[b, 0] + theta[b, 1] * inputs[r, t, 0] + theta[b, -1] * sum(old)
                h += sum(w * s for w, s in zip(theta[b, 2:], recent, strict=False))
                assert kept[b, r, t] == (u[t, b, r] < expit(h))
                sign.append(1.0 if kept[b, r, t] else -1.0)


def test_the_first_reply_of_the_null_has_its_probability():
    kept = simulate_null(
        np.array([[0.7, 0.0, 0.0]]), np.zeros((20_000, 1, 0)), n_lags=1, rng=np.random.default_rng(2)
    )
    assert kept.mean() == pytest.approx(expit(0.7), abs=0.015)


def test_loop_area_takes_the_last_reply_held():
    alphas = np.array([0.0, 1.0])
    up_down = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0])  # last held: up 1, 1; down 0, 0
    assert loop_areas(up_down, alphas, hold=2) == 1.0


@pytest.mark.parametrize("law", [ORDERED, ADDITIVE], ids=["magnet", "additive"])
def test_the_mean_loop_is_the_exact_one_and_the_first_reply_held_is_another(law):
    rng = np.random.default_rng(8)
    protocol = EditRamp(alphas=tuple(GRID.tolist()), hold=4, n_turns=48, turn_tokens=8)
    truth = exact_ramp(law, protocol).loop_area()
    run = ramp(law, 4, rng, replicates=6000).run.kept
    assert loop_areas(run, GRID, hold=4).mean() == pytest.approx(truth, rel=0.05)
    # planted wrong: the first reply at each α, which still belongs to the α before
    first = run.reshape(6000, -1, 4)[:, :, 0]
    assert loop_areas(first, GRID, hold=1).mean() != pytest.approx(truth, rel=0.05)


def test_a_magnet_is_bimodal_beyond_the_null_and_an_additive_law_is_not():
    rng = np.random.default_rng(3)
    assert bimodality(rollouts(ORDERED, rng), turns=(24, 48), resampling=how(0)).stays
    for seed in range(3):
        additive = bimodality(rollouts(ADDITIVE, rng), turns=(24, 48), resampling=how(seed))
        assert not additive.stays
        assert all(abs(e.value) < 3.5 * e.stderr for e in additive.excess)


def test_a_magnet_keeps_its_loop_and_an_additive_law_has_no_excess():
    rng = np.random.default_rng(4)
    magnet = tuple(hysteresis(ramp(ORDERED, hold, rng), resampling=how(hold)) for hold in (1, 4, 16))
    assert survives_holding(magnet)
    additive = tuple(hysteresis(ramp(ADDITIVE, hold, rng), resampling=how(hold)) for hold in (1, 4))
    assert additive[0].area.low > 0.1, "an additive memory makes a loop of its own"
    assert all(abs(loop.excess.value) < 3.5 * loop.excess.stderr for loop in additive)
    assert not survives_holding(additive)
    # a loop that vanishes with holding is memory, even if it once was beyond the null
    fading = replace(magnet[2], excess=replace(magnet[2].excess, value=0.02, low=0.01, high=0.03))
    assert not survives_holding((*magnet[:2], fading))
    assert not survives_holding(magnet[2:])


def evidence(curve, seed, **parts):
    rng = np.random.default_rng(seed)
    return Evidence(laws=compare_laws(sweep_of(curve, rng, prompts=50, trials=8, spread=0.03)), **parts)


def test_the_scale_from_below_and_its_ceiling():
    flat = verdict(evidence(lambda a: np.full(a.shape, 0.7), 0))
    assert flat.label == "no response"
    assert verdict(evidence(line, 1)).label == "gradual"
    sigmoid = verdict(evidence(lambda a: 0.2 + 0.75 * expit(25.0 * (0.5 - a)), 2))
    assert sigmoid.label == "sigmoid, no size scaling"
    assert "rollouts" in sigmoid.ceiling
    assert any("constant" in test for test in sigmoid.tests)


def test_both_rollouts_and_ramps_are_needed_for_the_highest_word():
    rng = np.random.default_rng(5)
    two = bimodality(rollouts(ORDERED, rng), turns=(24, 48), resampling=how(0))
    loops = tuple(hysteresis(ramp(ORDERED, hold, rng), resampling=how(hold)) for hold in (1, 16))
    whole = evidence(logistic, 3, bimodality=two, hysteresis=loops)
    assert verdict(whole).label == "transition-like"
    assert verdict(whole).ceiling is None
    for part in (replace(whole, bimodality=None), replace(whole, hysteresis=())):
        assert verdict(part).label != "transition-like"
        assert verdict(part).ceiling is not None
    no_constant = replace(whole.laws, scores=whole.laws.scores[1:])
    with pytest.raises(InputError, match="no constant"):
        verdict(Evidence(laws=no_constant))


def test_columns_are_never_mixed():
    one = evidence(line, 4)
    with pytest.raises(InputError, match="different order parameters"):
        verdict(replace(one, plane=replace(one.laws, column="first-token refusal")))


def test_impossible_runs_are_refused():
    with pytest.raises(InputError, match="broken"):
        ReplyRun(kept=np.full((3, 4), 0.5), inputs=np.zeros((3, 4, 0)))
    with pytest.raises(InputError, match="do not fit"):
        ReplyRun(kept=np.zeros((1, 4)), inputs=np.zeros((1, 4, 0)))
    run = ReplyRun(kept=np.zeros((30, 8)), inputs=np.zeros((30, 8, 0)))
    with pytest.raises(InputError, match="8 turns"):
        HeldRamp(run=run, alphas=np.array([0.0, 1.0]), hold=3, protocol="edit")
    with pytest.raises(InsufficientData, match="lengths"):
        bimodality(run, turns=(4,), resampling=how(0))
    assert isinstance(bimodality(run, turns=(8,), resampling=how(0)).excess[0], Estimate)


def test_size_scaling_is_explained_by_accumulation_only_where_accumulation_holds():
    labels = {}
    for gamma in (0.0, 1.0):
        sweep = several_lengths(gamma, np.random.default_rng(6))
        whole = Evidence(
            laws=compare_laws(sweep.select(length=400.0)),
            scaling=size_scaling(sweep),
            plane=compare_laws(sweep, laws=(ACCUMULATION, SCALED)),
        )
        labels[gamma] = verdict(whole).label
        failed = tuple(replace(score, remains=score.name != "accumulation") for score in whole.plane.scores)
        labels[gamma, "fails"] = verdict(replace(whole, plane=replace(whole.plane, scores=failed))).label
    assert labels[0.0] in ("gradual", "sigmoid, no size scaling")
    assert labels[0.0] == labels[0.0, "fails"]
    assert labels[1.0] == "sigmoid with size scaling, explained by accumulation"
    assert labels[1.0, "fails"] == "sigmoid with size scaling"
