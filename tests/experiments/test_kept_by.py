"""What keeps an instruction, read off the reference answers, and the first-token mass that needs it."""

import numpy as np
import pytest

import alignthermo as at
from alignthermo import api
from alignthermo.experiments import TransitionConfig, completing
from alignthermo.experiments.transition_first_token import refusing_openings
from alignthermo.experiments.transition_kept_by import kept_by_answers
from alignthermo.judges import Exchange, HeuristicJudge
from alignthermo.quantities import Message, Prompt


@pytest.fixture(scope="module")
def shipped():
    return api.load_prompts("shipped").prompts


def a_prompt(id_, compliant, defiant, **more):
    return Prompt(
        id=id_,
        messages=(Message(role="user", content=f"Ask {id_}"),),
        category="c",
        compliant=tuple(compliant),
        defiant=tuple(defiant),
        **more,
    )


def test_it_agrees_with_the_judge_of_requests_on_every_shipped_category(shipped):
    """An independent reading: which reference answers the heuristic judge calls refusals."""
    found = kept_by_answers(shipped)
    judge = HeuristicJudge()
    for prompt in shipped:
        asked = prompt.messages[-1].content
        kept, broken = (
            judge.judge([Exchange(id="x", request=asked, response=answers[0])])[0].outcome
            for answers in (prompt.compliant, prompt.defiant)
        )
        refusing = found.get((prompt.category, str(prompt.meta.get("rule", "")))) == "refusal"
        assert (kept == "refused") == refusing
        assert broken != "refused"
    kinds = {kept_by: {c for (c, _), k in found.items() if k == kept_by} for kept_by in ("refusal", "help")}
    assert kinds["help"] == {"task", "double", "after", "opposite"}
    assert len(kinds["refusal"]) == 12


@pytest.mark.parametrize(
    ("compliant", "defiant", "kept_by"),
    [
        (("No.", "No."), ("It is 1.", "It is 2."), "refusal"),
        (("It is 1.", "It is 2."), ("No.", "No."), "help"),
        (("No.", "No."), ("Sure.", "Sure."), None),
        (("It is 1.", "It is 2."), ("Is it 1?", "Is it 2?"), None),
    ],
)
def test_an_answer_that_fits_every_request_fulfils_none(compliant, defiant, kept_by):
    some = [a_prompt(str(n), [compliant[n]], [defiant[n]]) for n in range(2)]
    assert kept_by_answers(some).get(("c", "")) == kept_by
    assert kept_by_answers(some[:1]) == {}


def test_what_a_prompt_says_itself_goes_first():
    config = TransitionConfig.model_validate({"aligned": "a", "prompts": "p", "kept_by": "answers"})
    some = [
        a_prompt("1", ["No."], ["It is 1."]),
        a_prompt("2", ["No."], ["It is 2."], meta={"instruction": "help_keeps"}),
    ]
    complete = completing(some, config)
    assert [complete(one).meta["instruction"] for one in some] == ["refusal_keeps", "help_keeps"]


def test_shared_openings_leave_a_lower_bound():
    prompt = Prompt(
        id="p", messages=(Message(role="user", content="?"),), meta={"instruction": "refusal_keeps"}
    )
    found = refusing_openings(prompt, compliant=((1, 2), (5, 6)), defiant=((5, 7), (8,)))
    assert found.tokens == (1,)
    assert "a lower bound: 1 first token(s)" in found.note


def test_the_shipped_pair_has_a_first_refusal_mass(shipped):
    pair = at.load_pair("shipped:base", "shipped:aligned-beta-0.25")
    secrets = [p for p in shipped if p.category == "secret"][:4]
    settings = {"lengths": [100], "alphas": [0, 1], "orders": ["random"], "controls": ["attack"], "refine": 0}
    rows = at.transition(pair.aligned, secrets, **settings, resamples=200, kept_by="answers").to_pandas()
    assert rows["first_token_note"].str.startswith("a lower bound").all()
    mass = np.exp(rows["log_first_refusal"])
    # "I …" opens the plain refusal and nothing else, so its mass is that answer's and hardly more
    assert (mass <= np.exp(rows["log_p_compliant"]) + 0.05).all()
    low, high = (mass[rows["wanted_alpha"] == alpha].mean() for alpha in (0, 1))
    assert low > high
