"""The recovery study in short: its rows are made, its claims can fail, what is done is not done again."""

import json

import numpy as np
import pytest

from studies.law_recovery import alarms, exponents, loops, naming, thresholds
from studies.law_recovery.verdicts import ABOVE, EXPLAINED, one_shuffled, one_verdict
from studies.planted.ledger import Ledger, Row, Settings, at_least, at_most, coverage_row, repeated
from studies.planted.page import sections

SHORT = Settings(sweeps=6, refits=100, seed=5)


def draws(rng):
    mean = rng.standard_normal(100).mean()
    return mean, mean - 0.2, mean + 0.2, 0.1


def test_the_right_truth_holds_and_a_planted_wrong_one_falls_short():
    found = repeated(draws, Settings(sweeps=400, refits=1, seed=1), row="a")
    right, wrong = (coverage_row("mean", truth, found, bias=0.02) for truth in (0.0, 0.25))
    assert all(claim.holds for claim in (*right.claims, *right.controls))
    assert not any(claim.holds for claim in wrong.claims)
    wide = coverage_row("mean", 0.0, [(v, lo - 1.0, hi + 1.0, 0.1) for v, lo, hi, _ in found], bias=0.02)
    assert not wide.claims[1].holds, "an interval that always covers is no 95 % interval"
    assert not wide.controls[0].holds


def test_counts_are_judged_to_the_last_one():
    hits = [True] * 484 + [False] * 16
    assert at_least("x", hits, 484 / 500).holds
    assert not at_least("x", [False, *hits[1:]], 484 / 500).holds
    assert at_most("x", [True] * 4 + [False] * 496, 4 / 500).holds
    assert not at_most("x", [True] * 5 + [False] * 495, 4 / 500).holds


def test_every_sweep_has_its_own_stream_and_every_row_too():
    one, other = (repeated(lambda rng: rng.random(), SHORT, row=row) for row in ("a", "b"))
    assert len({*one, *other}) == 12
    assert one == repeated(lambda rng: rng.random(), SHORT, row="a")


def test_rows_that_are_done_are_kept_and_those_of_other_settings_are_not(tmp_path):
    made = []

    def maker(name):
        def row(settings):
            made.append(name)
            if name == "b" and len(made) == 2:
                raise KeyboardInterrupt
            return Row(cells={"row": name}, claims=[at_least(f"{name} hits", [False], 1.0)])

        return row

    makers, ledger = {n: maker(n) for n in "ab"}, Ledger(folder=tmp_path, settings=SHORT)
    with pytest.raises(KeyboardInterrupt):
        list(ledger.complete("part", makers))
    assert [new for *_, new in ledger.complete("part", makers)] == [False, True]
    assert made == ["a", "b", "b"]
    assert json.loads((tmp_path / "part.json").read_text())["settings"]["seed"] == 5
    assert Ledger(folder=tmp_path, settings=Settings(sweeps=7, refits=100, seed=5)).rows("part") == {}
    part = type("Part", (), {"TITLE": "Title", "TEXT": "Text.", "rows": staticmethod(lambda: makers)})
    text = "\n".join(sections(ledger, {"part": part}))
    assert "2 of 2 claims" in text
    assert "b hits: seen 0 of 1" in text


@pytest.mark.parametrize(
    ("part", "row"),
    [
        (thresholds, "line, counts 10"),
        (thresholds, "constant 0.8"),
        (thresholds, "step"),
        (exponents, "counts 1"),
        (loops, "edit-down"),
        (loops, "accumulator, append 1"),
        (alarms, "rate"),
        (alarms, "area, 10"),
        (naming, "accumulation, 1"),
    ],
)
def test_short_rows(part, row):
    made = part.rows()[row](SHORT)
    assert made.claims
    for claim in (*made.claims, *made.controls):
        # coverage, biases and mean rates want more than six sweeps; all else must hold in every one
        assert claim.holds or any(
            word in claim.asked for word in ("coverage", "bias", "not covered", "mean rate")
        )


@pytest.mark.slow
def test_systems_are_called_what_they_are():
    wanted = {"mean field, ordered": {"transition-like"}, "accumulator": {EXPLAINED}}
    for name in ("mean field, ordered", "accumulator", "decaying memory", "uniform world"):
        run = one_verdict(name, 1, np.random.default_rng([3, len(name)]))
        assert run.label in wanted.get(name, {run.label} - set(ABOVE))
        assert run.bare != "transition-like", "without rollouts and ramps nothing is called so"
    assert one_shuffled(np.random.default_rng(4)) == "no response"


def test_the_truths_of_the_detector_are_those_of_many_sequences():
    rng, threshold = np.random.default_rng(6), 2.6
    attacks, calm = alarms.scores(5, 40_000, rng), alarms.scores(0, 40_000, rng)
    detector = alarms.Detector(threshold=threshold, rate=0.1, n=99)
    truth, steps = alarms.truths(threshold, 5), detector.alarm_steps(attacks)
    assert np.isfinite(detector.alarm_steps(calm)).mean() == pytest.approx(truth["false_alarms"], abs=0.01)
    assert np.isfinite(steps).mean() == pytest.approx(truth["detection"], abs=0.01)
    assert (alarms.STEPS - steps[np.isfinite(steps)]).mean() == pytest.approx(truth["lead_time"], abs=0.15)
    assert (attacks.peak > calm.peak).mean() == pytest.approx(truth["area"], abs=0.01)


def test_shuffling_deals_single_replies_or_whole_contexts_of_each_prompt():
    counts, rng = np.array([[0.0, 10.0, 10.0, 0.0], [5.0, 0.0, 0.0, 0.0]]), np.random.default_rng(0)
    whole = naming.whole_contexts(counts, 10, rng)
    np.testing.assert_array_equal(np.sort(whole), np.sort(counts))
    dealt = naming.single_replies(counts, 10, rng)
    np.testing.assert_array_equal(dealt.sum(axis=1), counts.sum(axis=1))
    assert dealt[0].min() > 0.0  # whole counts would stay 0 or 10
    assert dealt[0].max() < 10.0
