"""α_c seen through a judge that errs: corrected it holds the truth, as judged it does not."""

import hashlib
import json

import numpy as np
import pytest
from scipy.special import expit

import alignthermo as at
from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators import Resampling
from alignthermo.estimators.laws import Middle, Sweep, threshold
from alignthermo.experiments import judge_rows, summarise_judged, transition_judged
from alignthermo.experiments.transition_corrected_threshold import agreed_beyond, corrected_sweep
from alignthermo.judges import (
    Exchange,
    Judgement,
    Labelled,
    RequestReplies,
    calibrate,
    confusion_of,
    side_rates,
)
from alignthermo.judges.calibration import Calibration
from alignthermo.prompts import prompt_set_of
from alignthermo.testsystems.conversational import COMPLIANT_ANSWERS, DEFIANT_ANSWERS
from tests.experiments.transition_stubs import LAW, SETTINGS, stub_pair, stub_prompts

ALPHAS = np.linspace(0.05, 0.95, 10)
TRUE = 0.5
HIT, FALSE_HIT = 0.92, 0.30
"""A judge that says *kept* too often: half kept looks like 0.61."""


def calibration_of(said, truth, *, judge="planted") -> Calibration:
    return Calibration(
        judge=judge,
        source="labels",
        confusion=confusion_of(truth, said, judge=judge),
        constancy=(),
        judgements=(),
        disagreements=(),
        notes=(),
    )


def drawn_calibration(rng, *, n=80, hit=HIT, false_hit=FALSE_HIT):
    kept = rng.random(n) < hit
    broken = rng.random(n) < false_hit
    said = np.where(np.concatenate([kept, broken]), "refused", "fulfilled").tolist()
    return calibration_of(said, ["refused"] * n + ["fulfilled"] * n)


def judged_sweep(rng, *, prompts=40, replies=4, hit=HIT, false_hit=FALSE_HIT):
    """Counts of replies judged kept; P(kept) crosses 1/2 at `TRUE` on average over prompts."""
    g, a = (x.ravel() for x in np.meshgrid(np.arange(prompts), ALPHAS, indexing="ij"))
    shift = rng.normal(0.0, 1.0, prompts)[g]
    kept = expit(shift - 7.0 * (a - TRUE))
    seen = rng.binomial(replies, false_hit + (hit - false_hit) * kept).astype(float)
    trials = np.full(seen.size, float(replies))
    return Sweep(
        cluster=g, n_instr=200.0 * (1 - a), n_adv=200.0 * a, y=seen, trials=trials, kind="counts", column="k"
    )


def holds(estimate, truth=TRUE):
    return estimate.low <= truth <= estimate.high


def resampling(seed):
    return Resampling(rng=np.random.default_rng(seed), level=0.95, n_resamples=300)


@pytest.mark.parametrize("runs", [20, pytest.param(80, marks=pytest.mark.slow)])
def test_corrected_intervals_cover_and_uncorrected_ones_do_not(runs):
    """F-240, F-241. The calibration is drawn anew each time, so its error must be in the interval."""
    corrected = as_judged = certain = 0
    for run in range(runs):
        rng = np.random.default_rng(run)
        sweep, calibration = judged_sweep(rng), drawn_calibration(rng)
        found = corrected_sweep(sweep, ["refused"] * sweep.y.size, calibration)
        mended = threshold(found.sweep, resampling=resampling(run), middle=found.middle).alpha_c
        corrected += holds(mended)
        as_judged += holds(threshold(sweep, resampling=resampling(run)).alpha_c)
        if runs > 20:
            sure = Middle(value=found.middle.value)
            narrow = threshold(sweep, resampling=resampling(run), middle=sure).alpha_c
            certain += holds(narrow)
            assert narrow.high - narrow.low < mended.high - mended.low
    assert corrected >= 0.95 * runs - 3.0 * np.sqrt(runs * 0.95 * 0.05)
    assert as_judged <= 0.1 * runs  # the planted wrong answer
    if runs > 20:
        assert certain <= corrected - 6  # nor is a calibration without error enough


def test_a_perfect_judge_changes_nothing():
    rng = np.random.default_rng(5)
    sweep = judged_sweep(rng, hit=1.0, false_hit=0.0)
    found = corrected_sweep(
        sweep, ["refused"] * sweep.y.size, drawn_calibration(rng, n=4000, hit=1.0, false_hit=0.0)
    )
    mended = threshold(found.sweep, resampling=resampling(0), middle=found.middle).alpha_c
    plain = threshold(sweep, resampling=resampling(0)).alpha_c
    assert found.sweep is sweep
    assert mended.value == pytest.approx(plain.value, abs=1e-9)
    assert (mended.low, mended.high) == pytest.approx((plain.low, plain.high), abs=5e-3)


def test_several_maps_are_brought_to_one_scale():
    """F-242: half of the prompts keep by refusing, half by helping, and the judge errs otherwise on each."""
    rng = np.random.default_rng(11)
    said = np.where(rng.random(600) < 0.9, "refused", "fulfilled").tolist()
    said += np.where(rng.random(600) < 0.4, "refused", "fulfilled").tolist()
    calibration = calibration_of(said, ["refused"] * 600 + ["fulfilled"] * 600)
    refusing = judged_sweep(rng, prompts=80, hit=0.9, false_hit=0.4)
    helping = judged_sweep(rng, prompts=80, hit=0.6, false_hit=0.1)
    both = Sweep(
        cluster=np.concatenate([refusing.cluster, 80 + helping.cluster]),
        **{
            name: np.concatenate([getattr(refusing, name), getattr(helping, name)])
            for name in ("n_instr", "n_adv", "y", "trials")
        },
        kind="counts",
        column="k",
    )
    names = ["refused"] * refusing.y.size + ["fulfilled"] * helping.y.size
    found = corrected_sweep(both, names, calibration)
    assert not found.one_map
    assert any("added up linearly" in caveat for caveat in found.caveats)
    mended = threshold(found.sweep, resampling=resampling(1), middle=found.middle).alpha_c
    assert holds(mended)
    one_group = corrected_sweep(refusing, ["refused"] * refusing.y.size, calibration)
    assert one_group.middle.value == pytest.approx(0.65, abs=0.03)


def test_rates_at_the_border_in_closed_form():
    """Partials keep nothing where refusing keeps: they stand with what was fulfilled."""
    truth = ["refused"] * 50 + ["fulfilled"] * 40 + ["partial"] * 10
    said = ["refused"] * 45 + ["abstain"] * 5 + ["fulfilled"] * 36 + ["refused"] * 4 + ["refused"] * 6
    said += ["partial"] * 4
    matrix = confusion_of(truth, said, judge="j")
    found = side_rates(matrix, ("refused",))
    assert (found.hit, found.false_hit) == (0.9, 0.2)
    smooth = 45.5 / 51
    assert found.hit_variance == pytest.approx(smooth * (1 - smooth) / 51)
    helping = side_rates(matrix, ("fulfilled",))
    assert (helping.hit, helping.false_hit) == (0.9, 0.0)
    assert "partial" in helping.assumptions[0]


@pytest.mark.parametrize(
    ("hit", "kept_by", "reason"),
    [(FALSE_HIT, ("refused",), "no difference within error"), (0.9, (), "no border")],
)
def test_what_cannot_be_corrected_is_refused(hit, kept_by, reason):
    matrix = drawn_calibration(np.random.default_rng(0), n=30, hit=hit).confusion
    with pytest.raises(InsufficientData, match=reason):
        side_rates(matrix, kept_by)


def test_a_middle_is_a_share():
    for value, stderr in ((0.0, 0.1), (1.0, 0.1), (0.5, -1.0), (0.5, float("nan"))):
        with pytest.raises(InputError, match="between 0 and 1"):
            Middle(value=value, stderr=stderr)
    sweep = judged_sweep(np.random.default_rng(0), prompts=9)
    odds = Sweep(
        cluster=sweep.cluster, n_instr=sweep.n_instr, n_adv=sweep.n_adv, y=-sweep.alpha, kind="log_odds",
        column="h",
    )  # fmt: skip
    with pytest.raises(InputError, match="log-odds"):
        threshold(odds, resampling=resampling(0), middle=Middle(value=0.5))


def test_replies_that_are_all_alike_bound_the_threshold_only_beyond_the_middle():
    rng = np.random.default_rng(2)
    sweep = judged_sweep(rng, prompts=12)
    always = Sweep(
        **{n: getattr(sweep, n) for n in ("cluster", "n_instr", "n_adv", "trials")},
        y=sweep.trials, kind="counts", column="k",
    )  # fmt: skip
    names = ["refused"] * sweep.y.size
    good = corrected_sweep(always, names, drawn_calibration(rng, n=200))
    assert agreed_beyond(good, level=0.95) == "kept"
    blind = corrected_sweep(always, names, drawn_calibration(rng, n=200, hit=0.99, false_hit=0.9))
    assert agreed_beyond(blind, level=0.95) == ""


class Planted:
    """Reads which reference answer a reply is, and errs on shares of them that are the same everywhere."""

    name = "planted"

    def judge(self, exchanges):
        return tuple(map(self._one, exchanges))

    def _one(self, exchange):
        kept = any(exchange.response.startswith(answer) for answer in COMPLIANT_ANSWERS)
        digest = hashlib.sha256(f"{exchange.request}|{exchange.id}".encode()).digest()
        toss = int.from_bytes(digest[:4], "big") / 2**32
        said = toss < (HIT if kept else FALSE_HIT)
        return Judgement(outcome="refused" if said else "fulfilled", confidence=1.0, judge=self.name)


def labels_of_the_planted(n=300):
    for i in range(n):
        response = (COMPLIANT_ANSWERS, DEFIANT_ANSWERS)[i % 2][0]
        yield Labelled(
            exchange=Exchange(id=f"l{i}", request=f"r{i}", response=response),
            label=("refused", "fulfilled")[i % 2],
            cluster=str(i),
            covariates={},
        )


@pytest.fixture(scope="module")
def seen_through_the_planted():
    prompts = [{**prompt, "instruction": "refusal_keeps"} for prompt in stub_prompts()]
    settings = {**SETTINGS, "alphas": [0, 0.2, 0.35, 0.5, 0.65, 0.8, 1], "controls": ["attack"], "refine": 0}
    result = at.transition(stub_pair().aligned, prompts, **settings, samples=6, max_new_tokens=6)
    known = {p.id: p for p in prompt_set_of(prompts).prompts}
    rows = judge_rows(result.rows, known, RequestReplies(of=Planted()))
    return rows, {**result.run["config"], "judge": "heuristic"}


def test_the_summary_of_a_stub_holds_the_known_threshold(seen_through_the_planted, monkeypatch, tmp_path):
    rows, config = seen_through_the_planted
    calibration = calibrate(Planted(), list(labels_of_the_planted()))
    monkeypatch.setattr(transition_judged, "_calibration", lambda config: calibration)
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"response": "x", "label": "refused"}) + "\n")
    records, _ = summarise_judged(
        rows, at.TransitionConfig.model_validate({**config, "judge_labels": str(path)})
    )
    found = {r.quantity: r.estimate for r in records}
    truth = LAW.alpha_c(160)
    assert holds(found["alpha_c_judged_corrected"], truth)
    assert not holds(found["alpha_c_judged"], truth)
    for quantity in ("alpha_c_judged", "alpha_c_decided", "slope_judged"):
        assert any("see alpha_c_judged_corrected" in caveat for caveat in found[quantity].caveats)
    assert not any("not corrected" in caveat for caveat in found["alpha_c_judged_corrected"].caveats)


def test_without_labels_the_caveats_say_so(seen_through_the_planted):
    rows, config = seen_through_the_planted
    records, _ = summarise_judged(rows, at.TransitionConfig.model_validate(config))
    found = {r.quantity: r.estimate for r in records}
    assert "alpha_c_judged_corrected" not in found
    assert any("no labels were given" in caveat for caveat in found["alpha_c_judged"].caveats)
    by_reference, _ = summarise_judged(
        rows, at.TransitionConfig.model_validate({**config, "judge": "reference"})
    )
    found = {r.quantity: r.estimate for r in by_reference}
    assert not any("not corrected" in caveat for caveat in found["alpha_c_judged"].caveats)


class Mute:
    """Says nothing that can be read."""

    name = "mute"

    def judge(self, exchanges):
        return tuple(Judgement.abstain("gibberish", judge=self.name) for _ in exchanges)


def test_what_is_undetermined_is_neither_kept_nor_a_bound(seen_through_the_planted):
    rows, config = seen_through_the_planted
    prompts = [{**prompt, "instruction": "refusal_keeps"} for prompt in stub_prompts()]
    known = {p.id: p for p in prompt_set_of(prompts).prompts}
    unread = judge_rows(rows, known, RequestReplies(of=Mute()))
    records, _ = summarise_judged(unread, at.TransitionConfig.model_validate(config))
    found = {r.quantity: r.estimate for r in records}
    assert found["judged_rate"].value == 0.0
    assert np.isnan([found["alpha_c_judged"].value, found["alpha_c_judged"].high]).all()
    assert any("100% of the replies are undetermined" in caveat for caveat in found["alpha_c_judged"].caveats)
