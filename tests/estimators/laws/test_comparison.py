"""Rivals compared (F-128, F-129, F-246): what is named, what is not, and shuffled labels."""

import numpy as np
import pytest
from scipy.special import expit

from alignthermo.errors import InsufficientData
from alignthermo.estimators.laws import ACCUMULATION, SCALED, compare_laws
from alignthermo.estimators.laws.precision import independent_draws, probability_precision, reply_correlation
from tests.estimators.laws.simulated import (
    GRID,
    as_sweep,
    line,
    logistic,
    scattered,
    several_lengths,
    step,
    sweep_of,
)


def test_planted_laws_remain_and_clearly_wrong_ones_do_not():
    rng = np.random.default_rng(0)
    for curve, right, wrong in (
        (line, "line", "step"),
        (lambda a: 0.3 + 0.65 * expit(25.0 * (0.5 - a)), "logistic", "line"),
        (step, "step", "accumulation"),
    ):
        found = compare_laws(sweep_of(curve, rng, prompts=50, trials=10, spread=0.03))
        remains = {score.name: score.remains for score in found.scores}
        assert remains[right]
        assert not remains[wrong]
        assert not remains["constant"]


def test_shuffled_labels_leave_a_constant_although_prompts_differ():
    rng = np.random.default_rng(1)
    for _ in range(6):
        kept = rng.permuted(rng.binomial(2, logistic(GRID - 0.2 * rng.standard_normal((40, 1)))), axis=1)
        found = compare_laws(as_sweep(kept.astype(float), GRID, trials=2.0))
        assert {score.name: score.remains for score in found.scores}["constant"]
        assert found.named == "constant"


def clumped(rng, *, rho, trials, prompts=50):
    """Replies that share a beta draw of their context about a logistic with a threshold per prompt."""
    mean = logistic(GRID - 0.06 * rng.standard_normal((prompts, 1)))
    own = rng.beta(mean * (1.0 / rho - 1.0), (1.0 - mean) * (1.0 / rho - 1.0)) if rho > 0.0 else mean
    return rng.binomial(trials, own).astype(float)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.3])
def test_correlation_of_replies_in_a_context_is_recovered(rho):
    rng = np.random.default_rng(21)
    found = [
        reply_correlation(as_sweep(clumped(rng, rho=rho, trials=10), GRID, trials=10.0)) for _ in range(8)
    ]
    assert np.mean(found) == pytest.approx(rho, abs=0.015)


def test_replies_of_a_sharp_break_are_not_taken_for_clumps():
    sweep = sweep_of(step, np.random.default_rng(22), prompts=50, trials=10, spread=0.1)
    assert reply_correlation(sweep) < 0.03


def test_settings_in_bins_tell_the_laws_apart_as_all_of_them_do(monkeypatch):
    sweep = scattered(np.random.default_rng(25), prompts=20, cells=9)
    few = compare_laws(sweep)
    monkeypatch.setattr("alignthermo.estimators.laws.comparison.MANY_SETTINGS", 1000)
    whole = compare_laws(sweep)
    assert few.fits[0].design.t.size <= 129 < whole.fits[0].design.t.size
    assert few.rivals == whole.rivals
    for one, other in zip(few.scores, whole.scores, strict=True):
        assert one.remains is other.remains
        assert one.gap == pytest.approx(other.gap, abs=max(0.3 * other.gap_stderr, 0.01))


def test_one_reply_in_a_context_is_one_draw():
    sweep = sweep_of(logistic, np.random.default_rng(23), trials=1)
    np.testing.assert_array_equal(independent_draws(sweep), 1.0)


def test_shuffled_contexts_whose_replies_agree_leave_a_constant():
    rng = np.random.default_rng(24)
    for _ in range(6):
        kept = rng.permuted(clumped(rng, rho=0.0, trials=10), axis=1)
        found = compare_laws(as_sweep(kept, GRID, trials=10.0))
        assert {score.name: score.remains for score in found.scores}["constant"]


def test_replies_taken_as_independent_chase_the_clumps(monkeypatch):
    """The planted fault that the correlation is there for."""
    monkeypatch.setattr(
        "alignthermo.estimators.laws.precision.reply_correlation", lambda sweep: 0.0 * len(sweep.column)
    )
    rng = np.random.default_rng(24)
    remain = []
    for _ in range(4):
        kept = rng.permuted(clumped(rng, rho=0.0, trials=10), axis=1)
        found = compare_laws(as_sweep(kept, GRID, trials=10.0))
        remain.append({score.name: score.remains for score in found.scores}["constant"])
    assert sum(remain) <= 2


def test_rivals_of_equal_size_are_inconclusive_with_the_prompts_that_would_decide():
    rng = np.random.default_rng(2)
    small = compare_laws(sweep_of(lambda a: expit(4.0 * (0.5 - a)), rng, prompts=10, trials=1))
    assert small.named == "inconclusive"
    assert small.rivals == ("line", "accumulation")
    assert small.n_needed > 10
    large = compare_laws(sweep_of(lambda a: expit(9.0 * (0.5 - a)), rng, prompts=60, trials=20))
    assert np.isnan(large.n_needed)
    assert large.named == "accumulation"


def test_the_prompts_needed_are_those_at_which_the_last_but_one_falls():
    rng = np.random.default_rng(11)
    small = compare_laws(sweep_of(lambda a: expit(4.0 * (0.5 - a)), rng, prompts=12, trials=1))
    tied = [score for score in small.scores if score.name in small.rivals]
    each = [12 * (2.84 * score.gap_stderr / score.gap) ** 2 if score.gap else np.inf for score in tied]
    assert small.named == "inconclusive"
    assert small.n_needed == np.ceil(sorted(each)[-2])


def test_one_value_of_alpha_is_no_law():
    one = as_sweep(np.tile([[0.0, 1.0]], (9, 1)), np.array([0.5, 0.5]), trials=1.0)
    with pytest.raises(InsufficientData, match="one value of α"):
        compare_laws(one)


def test_on_log_odds_accumulation_is_the_line_unless_lengths_vary():
    rng = np.random.default_rng(3)
    h = 3.0 - 6.0 * GRID + rng.standard_normal((20, 1)) + rng.standard_normal((20, GRID.size))
    found = compare_laws(as_sweep(h, GRID, kind="log_odds"))
    assert found.named == "line"
    assert "several lengths" in found.left_out[0]


def test_accumulation_is_told_from_other_exponents_on_the_plane():
    rng = np.random.default_rng(4)
    for gamma, remains in ((1.0, True), (0.0, False)):
        found = compare_laws(several_lengths(gamma, rng), laws=(ACCUMULATION, SCALED))
        assert found.scores[0].remains is remains


def test_precision_of_probabilities_is_recovered_within_its_bounds():
    rng = np.random.default_rng(5)
    mean = logistic(GRID - 0.06 * rng.standard_normal((60, 1)))
    for nu in (4.0, 20.0):
        y = rng.beta(mean * (nu - 1.0), (1.0 - mean) * (nu - 1.0))
        assert probability_precision(as_sweep(y, GRID, kind="probability")) == pytest.approx(nu, rel=0.2)
    assert probability_precision(as_sweep(mean, GRID, kind="probability")) == 64.0


def test_cross_validation_needs_prompts():
    with pytest.raises(InsufficientData, match="5 prompts"):
        compare_laws(sweep_of(line, np.random.default_rng(0), prompts=5))
