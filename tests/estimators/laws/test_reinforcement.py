"""Redundant instruction (F-190, F-191, F-192, F-193, F-194): gains and costs against a known law.

What must not be claimed is here too.
"""

from dataclasses import replace

import numpy as np
import pytest

from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws.refine import refined_doses
from alignthermo.estimators.laws.reinforced_curve import ReinforcedCurve, make_pairs
from alignthermo.estimators.laws.reinforcement import (
    field_gain,
    gain_beyond,
    reinforced_thresholds,
    threshold_gain,
)
from alignthermo.estimators.laws.reinforcement_cost import best_gain, cheapest, tokens_to_reach

ALPHAS = np.linspace(0.0, 1.0, 6)
FIELD, GAIN, SLOPE = 3.0, 0.02, 6.0


def asked(seed=0, *, level=0.95, n=400):
    return Resampling(rng=np.random.default_rng(seed), level=level, n_resamples=n)


def curve(fields, *, gains=GAIN, doses=(0, 40, 80), replicates=1, alphas=ALPHAS):
    """h = field + gain R − slope α, of every prompt its own field and gain."""
    fields = np.asarray(fields, dtype=np.float64)
    gains = np.broadcast_to(np.asarray(gains, dtype=np.float64), fields.shape)
    cluster, replicate, alpha, dose = (
        axis.ravel()
        for axis in np.meshgrid(np.arange(fields.size), np.arange(replicates), alphas, doses, indexing="ij")
    )
    # whole turns reach what they reach: some prompts a little more than was wanted
    tokens = dose * (1.0 + 0.1 * (cluster % 3))
    h = fields[cluster] + gains[cluster] * tokens - SLOPE * alpha
    return ReinforcedCurve(
        cluster=cluster, replicate=replicate, cell=alpha, alpha=alpha, dose=dose, tokens=tokens, h=h
    )


EVEN = FIELD + np.linspace(-0.9, 0.9, 9)


def test_the_gain_in_h_is_exact_whatever_the_prompts():
    for gained in (
        field_gain(curve(EVEN), resampling=asked()),
        field_gain(curve(EVEN), resampling=asked(), dose=40),
    ):
        assert (gained.value, gained.low, gained.high) == pytest.approx((GAIN,) * 3)
    varied = field_gain(curve(EVEN, gains=GAIN + np.linspace(-0.01, 0.01, 9)), resampling=asked())
    assert varied.low < GAIN < varied.high
    assert varied.unit == "nat/token"


def test_thresholds_move_as_the_law_says():
    prompts = np.repeat(FIELD, 9)
    even = curve(prompts, doses=(0, 40, 80))
    found = reinforced_thresholds(even, resampling=asked())
    pairs = make_pairs(even)
    for index, (dose, estimate) in enumerate(found.items()):
        mean_h = FIELD + GAIN * pairs.series_tokens()[index]
        # prompts differ only in the tokens they reached, which are not symmetric: the truth by bisection
        truth = root(lambda a, h=mean_h: np.mean(1.0 / (1.0 + np.exp(-(h - SLOPE * a)))) - 0.5)
        assert estimate.value == pytest.approx(truth, abs=1e-3)
        assert estimate.low - 1e-3 <= truth <= estimate.high + 1e-3
        assert dose in (0, 40, 80)
    gain = threshold_gain(even, resampling=asked())
    assert gain.value == pytest.approx(GAIN / SLOPE, rel=0.01)
    assert gain.unit == "1/token"


def root(function):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(middle) > 0.0 else (low, middle)
    return low


def test_tokens_to_reach_a_wanted_threshold():
    # α_c = 0.5 without; 0.65 needs 0.15 · 6 / 0.02 = 45 tokens
    found = tokens_to_reach(curve(EVEN, doses=(0, 40, 80, 160)), 0.65, resampling=asked())
    assert found.value == pytest.approx(45.0, rel=0.02)
    assert 0.0 <= found.low < 45.0 < found.high < 160.0
    there = tokens_to_reach(curve(EVEN), 0.2, resampling=asked())
    assert (there.value, there.low, there.high) == (0.0, 0.0, 0.0)
    assert there.caveats == ("reached without reinforcement",)


def test_nothing_is_extrapolated():
    found = tokens_to_reach(curve(EVEN), 0.95, resampling=asked())
    assert np.isnan(found.value)
    assert np.isnan(found.high)
    assert found.low == pytest.approx(80.0)
    assert found.reason == "not reached within 80 tokens"
    # 80 tokens bring the mean over 1/2 at 0.72, but not significantly
    close = tokens_to_reach(curve(EVEN), 0.72, resampling=asked())
    assert np.isnan(close.value)
    assert close.low < 80.0
    outside = tokens_to_reach(curve(EVEN, alphas=ALPHAS[:4]), 0.95, resampling=asked())
    assert "outside the grid" in outside.reason
    few = tokens_to_reach(curve(EVEN[:7]), 0.65, resampling=asked())
    assert "too few prompts" in few.reason


def test_what_is_kept_throughout_bounds_the_gain_from_below():
    strong = threshold_gain(curve(EVEN, gains=0.2, doses=(0, 40)), resampling=asked())
    assert np.isnan(strong.value)
    assert "40 (kept at every α of the grid)" in strong.reason
    assert 0.0 < strong.low < 0.2 / SLOPE
    partly = threshold_gain(curve(EVEN, gains=0.03, doses=(0, 20, 200)), resampling=asked())
    assert partly.value == pytest.approx(0.03 / SLOPE, rel=0.02)
    assert "doses left out, not bracketed: 200" in partly.caveats[-1]
    never = threshold_gain(curve(EVEN + 10.0), resampling=asked())
    assert never.reason.startswith("not bracketed: without reinforcement kept")
    bounds = reinforced_thresholds(curve(EVEN + 10.0), resampling=asked())
    assert bounds[0].low == 1.0
    assert np.isnan(bounds[0].value)
    assert reinforced_thresholds(curve(EVEN - 30.0), resampling=asked())[0].high == 0.0


def test_neutral_filler_gains_nothing_and_is_what_reminders_are_held_against():
    filler = curve(EVEN, gains=0.0)
    for estimate in (field_gain(filler, resampling=asked()), threshold_gain(filler, resampling=asked())):
        assert estimate.value == pytest.approx(0.0, abs=1e-12)
        assert estimate.high == pytest.approx(0.0, abs=1e-12)
    beyond = gain_beyond(curve(EVEN), curve(EVEN, gains=0.005), resampling=asked())
    assert beyond.value == pytest.approx(GAIN - 0.005)
    holds = 0
    for seed in range(40):
        noisy = replace(filler, h=filler.h + np.random.default_rng(seed).normal(0.0, 0.3, filler.h.size))
        null = field_gain(noisy, resampling=asked(seed))
        holds += null.low < 0.0 < null.high
    assert holds >= 34


def test_intervals_cover_and_a_planted_fault_does_not():
    rng = np.random.default_rng(7)
    truths = {"h": GAIN, "alpha": GAIN / SLOPE, "tokens": 45.0}
    inside = dict.fromkeys([*truths, "rows as clusters", "biased"], 0)
    n = 150
    for seed in range(n):
        drawn = curve(
            rng.normal(FIELD, 0.4, 14), gains=rng.normal(GAIN, 0.004, 14), doses=(0, 40, 160), alphas=ALPHAS
        )
        drawn = replace(drawn, h=drawn.h + rng.normal(0.0, 0.05, drawn.h.size))
        found = {
            "h": field_gain(drawn, resampling=asked(seed, n=200)),
            "alpha": threshold_gain(drawn, resampling=asked(seed, n=200)),
            "tokens": tokens_to_reach(drawn, 0.65, resampling=asked(seed, n=200)),
        }
        for name, estimate in found.items():
            inside[name] += bool(estimate.low <= truths[name] <= estimate.high)
        split = replace(drawn, cluster=drawn.cluster * 100 + np.searchsorted(ALPHAS, drawn.cell))
        wrong = field_gain(split, resampling=asked(seed, n=200))
        inside["rows as clusters"] += bool(wrong.low <= GAIN <= wrong.high)
        inside["biased"] += bool(found["tokens"].low <= 1.3 * 45.0 <= found["tokens"].high)
    shares = {name: count / n for name, count in inside.items()}
    assert all(0.90 <= shares[name] <= 0.995 for name in truths), shares
    assert shares["rows as clusters"] < 0.8, shares
    assert shares["biased"] < 0.8, shares


def test_the_cheapest_and_the_best_pay_for_having_been_chosen():
    arms = {
        "weak": curve(EVEN, gains=0.005),
        "strong": curve(EVEN, gains=0.03),
        "mild": curve(EVEN, gains=0.02),
    }
    name, cost = cheapest(arms, 0.6, resampling=asked(n=8000))
    alone = tokens_to_reach(arms["strong"], 0.6, resampling=asked(n=8000))
    assert name == "strong"
    assert cost.value == alone.value
    assert cost.low == pytest.approx(alone.low, abs=1.0)  # other draws, one token apart
    assert cost.high > alone.high
    assert "cheapest of 3" in cost.caveats
    nobody, none = cheapest({"weak": arms["weak"]}, 0.95, resampling=asked())
    assert nobody == ""
    assert none.reason == "not reached within 80 tokens"
    varied = {
        k: curve(EVEN, gains=g + np.linspace(-0.01, 0.01, 9)) for k, g in (("weak", 0.005), ("strong", 0.03))
    }
    both = {
        k: tuple(threshold_gain(c, resampling=asked(level=level)) for level in (0.95, 0.975))
        for k, c in varied.items()
    }
    best_name, best = best_gain(both)
    assert best_name == "strong"
    assert best.low == both["strong"][1].low < both["strong"][0].low
    assert best.high == both["strong"][0].high


STEEP = 60.0


def steep(fields, *, alphas=ALPHAS, doses=(0, 40, 80)):
    """Falls within a tenth of α, and every 40 tokens move the crossing by 0.2."""
    even = curve(fields, doses=doses, alphas=alphas)
    return replace(even, h=STEEP * (0.31 + 0.005 * even.dose - even.alpha) + 0.1 * (even.h - FIELD))


def test_each_dose_is_refined_where_it_crosses():
    coarse = steep(EVEN)
    wide = reinforced_thresholds(coarse, resampling=asked())
    assert [(e.low, e.high) for e in wide.values()] == [
        pytest.approx(cell) for cell in ((0.2, 0.4), (0.4, 0.6), (0.6, 0.8))
    ]
    assert all("refine it" in e.caveats[0] for e in wide.values())
    assert "steep for its grid at doses 0, 40, 80" in threshold_gain(coarse, resampling=asked()).caveats[0]
    added = refined_doses(coarse)
    assert added == {
        0: pytest.approx((0.25, 0.3, 0.35)),
        40: pytest.approx((0.45, 0.5, 0.55)),
        80: pytest.approx((0.65, 0.7, 0.75)),
    }
    finer = coarse
    for dose, alphas in added.items():
        finer = joined(finer, steep(EVEN, alphas=np.array(alphas), doses=(dose,)))
    found = reinforced_thresholds(finer, resampling=asked())
    for dose in (0, 40, 80):
        assert found[dose].low <= 0.31 + 0.005 * dose <= found[dose].high
        assert found[dose].high - found[dose].low < 0.06
    # what was added for one dose takes no part in what needs pairs
    before, after = (field_gain(one, resampling=asked()) for one in (coarse, finer))
    assert (before.value, before.low, before.high) == (after.value, after.low, after.high)
    again = refined_doses(finer)
    assert all(0.5 < alpha < 0.55 for alpha in again[40])
    ahead = joined(coarse, steep(EVEN, alphas=np.array(added[0]), doses=(0,)))
    assert set(refined_doses(ahead)) == {40, 80}
    assert refined_doses(curve(EVEN, alphas=np.linspace(0.0, 1.0, 9))) == {}


def joined(one, other):
    names = ("cluster", "replicate", "cell", "alpha", "dose", "tokens", "h")
    return ReinforcedCurve(**{n: np.concatenate([getattr(one, n), getattr(other, n)]) for n in names})


def test_pairs_are_contexts_that_were_read_at_every_dose():
    whole = curve(EVEN, replicates=2)
    lost = (whole.dose == 40) & (whole.cluster == 3) & (whole.cell == ALPHAS[2])
    pairs = make_pairs(replace(whole, h=np.where(lost, np.inf, whole.h)))
    assert pairs.whole.sum() == 9 * 2 * 6 - 2
    assert pairs.doses == (0, 40, 80)
    with pytest.raises(InputError, match="without and with"):
        make_pairs(curve(EVEN, doses=(40, 80)))
    with pytest.raises(InputError, match="no context was read both"):
        make_pairs(replace(whole, h=np.where(whole.dose == 0, np.nan, whole.h)))
    with pytest.raises(InputError, match="no redundant token"):
        field_gain(replace(whole, tokens=np.zeros(whole.h.size)), resampling=asked())
    with pytest.raises(InputError, match="were not tried"):
        field_gain(whole, resampling=asked(), dose=7)
