"""A real transition with all its stages, killed at random instants: the tables of an uninterrupted run."""

import pytest

from tests.api.verb_process import check_survives_kills

ARGUMENTS = (
    *("transition", "--aligned", "shipped:aligned-beta-0.25", "--prompts", "shipped", "--limit", "12"),
    *("--alphas", "0,0.5,1", "--lengths", "120", "--orders", "adversarial_last", "--controls", "attack"),
    *("--reinforce", "end", "--reinforce-phrasings", "short", "--reinforce-tokens", "20"),
    *("--resamples", "200"),
)


@pytest.mark.slow
def test_kills_in_and_between_stages_lose_and_double_no_row(tmp_path):
    check_survives_kills(ARGUMENTS, tmp_path, kills=4, stages={"sweep", "reinforce"})
