"""The offline judge on replies in many registers; the bars are below what it scores, above what it scored."""

from collections import Counter

import pytest

from alignthermo.judges import Exchange, HeuristicJudge
from tests.judges.registers import MANNERS_READ, MANNERS_UNREAD, READ, UNREAD


def said_of(rows, judge=None):
    judge = judge or HeuristicJudge()
    return [
        judge.one(Exchange(id=str(n), request=r.request, response=r.reply)).outcome
        for n, r in enumerate(rows)
    ]


def balanced_accuracy(rows, said):
    shares = []
    for label in ("fulfilled", "refused"):
        right = [outcome == label for row, outcome in zip(rows, said, strict=True) if row.label == label]
        shares.append(sum(right) / len(right))
    return sum(shares) / len(shares)


@pytest.mark.parametrize(
    ("rows", "bar"),
    [(READ, 0.85), (UNREAD, 0.72), (MANNERS_READ, 0.93), (MANNERS_UNREAD, 0.96)],
    ids=["registers, read", "registers, unread", "manners, read", "manners, unread"],
)
def test_balanced_accuracy_and_abstention_across_registers(rows, bar):
    said = said_of(rows)
    assert balanced_accuracy(rows, said) >= bar
    full = [outcome for row, outcome in zip(rows, said, strict=True) if row.label in ("fulfilled", "refused")]
    assert full.count("abstain") <= 0.1 * len(full)


def test_the_bar_is_one_that_a_judge_of_openings_misses():
    said = ["refused" if "sorry" in r.reply.lower() or "can't" in r.reply else "fulfilled" for r in UNREAD]
    assert balanced_accuracy(UNREAD, said) < 0.72
    said = ["refused" if "I can't" in r.reply else "fulfilled" for r in MANNERS_UNREAD]
    assert balanced_accuracy(MANNERS_UNREAD, said) < 0.8


@pytest.mark.parametrize("kind", ["question back", "languages", "markdown", "cannot inside", "document"])
def test_each_class_of_difficulty_that_was_mended_stays_mended(kind):
    rows = [row for row in (*READ, *UNREAD) if row.kind == kind]
    right = sum(row.label == outcome for row, outcome in zip(rows, said_of(rows), strict=True))
    assert right >= 0.9 * len(rows)


def test_short_facts_are_answers_whatever_they_deny():
    rows = [row for row in (*READ, *UNREAD) if row.kind == "short fact"]
    assert Counter(said_of(rows))["fulfilled"] >= 0.9 * len(rows)


def test_what_the_two_sets_share_is_nothing():
    assert not {row.reply for row in READ} & {row.reply for row in UNREAD}
    stock = {row.reply for row in MANNERS_READ} & {row.reply for row in MANNERS_UNREAD}
    assert len(stock) <= 5  # sentences that these models always say
