"""The study of planted drifts in short: rows are made and kept, and wrong procedures fail."""

import numpy as np
import pytest

from studies.drift_laws import correlates, entropy, growth, laws, null, rates, schedules
from studies.drift_laws.__main__ import STUDY
from studies.planted.ledger import Ledger, Settings

SHORT = Settings(sweeps=2, refits=100, seed=5)
LONG = Settings(sweeps=200, refits=200, seed=6)


@pytest.mark.parametrize(
    ("part", "row"),
    [
        (null, "none, 20"),
        (rates, "linear, 20: rate (law)"),
        (rates, "none, 20: average rate"),
        (entropy, "0.3, 0.3, 20"),
        (schedules, "20"),
        (schedules, "never"),
        (correlates, "24, 0.4"),
        (correlates, "kinds"),
        (growth, "none, 20"),
    ],
)
def test_short_rows(part, row):
    made = part.rows()[row](SHORT)
    assert made.cells
    assert made.claims


def test_rows_are_kept_and_the_page_says_what_is_open(tmp_path):
    ledger = Ledger(folder=tmp_path, settings=SHORT)
    makers = {"none, 20": growth.rows()["none, 20"]}
    assert [new for *_, new in ledger.complete("growth", makers)] == [True]
    assert [new for *_, new in ledger.complete("growth", makers)] == [False]
    text = STUDY.written(ledger)
    assert "growth (1 of 24 rows)" in text
    assert "laws (0 of 16 rows)" in text
    assert set(STUDY.parts) == {"null", "rates", "laws", "entropy", "schedules", "correlates", "growth"}


def test_what_was_named_is_judged(monkeypatch):
    """Of sets with a clear gap, nine in ten must be right; of the others none may be wrong in silence."""
    outcomes = iter([*["right"] * 18, *["smaller"] * 3, *["inconclusive with n"] * 19, "smaller"])
    gaps = iter([4.0] * 21 + [1.0] * 20)
    monkeypatch.setattr(
        laws,
        "repeated",
        lambda *_, **__: [laws.Named(g, o, 50.0) for g, o in zip(gaps, outcomes, strict=True)],
    )
    made = laws.law_row("linear", 20, SHORT)
    assert [claim.holds for claim in made.claims] == [False, True]
    assert [claim.seen for claim in made.claims] == ["18 of 21", "19 of 20"]


def test_outcomes():
    def found(named, remains, n_needed):
        score = type("Score", (), {"name": "linear", "remains": remains})
        return type("Found", (), {"named": named, "scores": (score,), "n_needed": n_needed})

    assert laws.outcome_of(found("linear", True, np.nan), "linear") == "right"
    assert laws.outcome_of(found("none", True, 90.0), "linear") == "smaller, n given"
    assert laws.outcome_of(found("none", True, np.nan), "linear") == "smaller"
    assert laws.outcome_of(found("inconclusive", True, 90.0), "linear") == "inconclusive with n"
    assert laws.outcome_of(found("none", False, 90.0), "linear") == "planted law excluded"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "row"),
    [
        (null, "none, 20"),
        (laws, "linear, 50"),
        (laws, "step, 50"),
        (rates, "none, 20: average rate"),
        (rates, "linear, 20: average rate"),
        (rates, "linear, 20: rate (law)"),
        (rates, "OU, 20: initial rate (law)"),
        (entropy, "0.45, 0.2, 20"),
        (correlates, "24, 0.4"),
    ],
)
def test_rows_of_two_hundred_sets_hold(part, row):
    made = part.rows()[row](LONG)
    assert made.claims
    for claim in (*made.claims, *made.controls):
        assert claim.holds, f"{claim.asked}: {claim.seen}"
