"""A real drift run, held and measured, killed at random instants: the tables of an uninterrupted run."""

import pytest

from tests.api.verb_process import check_survives_kills

ARGUMENTS = (
    *("drift", "--mode", "self_chat", "--aligned", "shipped:aligned-beta-0.25", "--base", "shipped:base"),
    *("--prompts", "shipped", "--user-turns", "shipped", "--conversations", "8", "--turns", "4"),
    *("--reply-tokens", "24", "--every", "20", "--answers", "1", "--answer-tokens", "12"),
    *("--reminders", "repeat@end", "--attention", "--conversations-per-shard", "2", "--resamples", "200"),
)


@pytest.mark.slow
def test_kills_while_talking_and_while_probing_lose_and_double_no_row(tmp_path):
    check_survives_kills(ARGUMENTS, tmp_path, kills=5, stages={"talk", "probe"})
