"""Judged replies and first-token mass in a sweep: what is planted comes out, what is wrong is caught."""

import json

import numpy as np
import pyarrow as pa
import pytest

import alignthermo as at
from alignthermo.experiments import TransitionConfig, judge_rows, summarise_judged
from alignthermo.experiments.transition_corrected import corrected_share
from alignthermo.experiments.transition_first_token import first_token_mass, refusing_openings
from alignthermo.judges import Exchange, Judgement, Labelled, ReferenceReplies, calibrate
from alignthermo.prompts import prompt_set_of
from alignthermo.quantities import LogitReadout, Message, Prompt
from alignthermo.testsystems.conversational import ConstantResponse
from tests.experiments.transition_stubs import LAW, SETTINGS, stub_pair, stub_prompts

JUDGED = {**SETTINGS, "samples": 4, "max_new_tokens": 6, "alphas": [0, 0.4, 0.6, 1], "refine": 0}


def keeping(n=10):
    return [{**prompt, "instruction": "refusal_keeps"} for prompt in stub_prompts(n)]


@pytest.fixture(scope="module")
def sampled():
    return at.transition(stub_pair().aligned, keeping(), **{**JUDGED, "controls": ["attack"]})


def records(result, quantity):
    return [r for r in result.records if r.quantity == quantity]


def test_judged_rates_hold_the_exact_probability(sampled):
    """F-187: with a reference judge and no other replies the rate estimates σ(h)."""
    rows = sampled.to_pandas()
    assert (rows["n_undetermined"] == 0).all()
    assert (rows["n_kept"] + rows["n_broken"] == 4).all()
    inside = []
    for record in records(sampled, "judged_rate"):
        truth = rows[np.isclose(rows["wanted_alpha"], float(record.slice["wanted_alpha"]))]["p_kept"].mean()
        inside.append(record.estimate.low <= truth <= record.estimate.high)
        assert record.policies["decoding"] == "sampled at T = 1"
    assert sum(inside) >= len(inside) - 1 >= 3


def test_sampler_and_scorer_agree(sampled):
    rows = sampled.to_pandas()
    p = np.exp(rows["log_p_compliant"])
    z = (rows["n_kept"] - 4 * p).sum() / np.sqrt((4 * p * (1 - p)).sum())
    assert abs(z) < 4


def test_alpha_c_of_counts_holds_the_truth_and_slopes_are_named_by_decoding(sampled):
    found = sampled.value("alpha_c_judged").estimate
    assert found.low <= LAW.alpha_c(160) <= found.high
    assert sampled.value("alpha_c_decided").estimate.value == found.value
    assert sampled.value("slope_judged").estimate.value > 0
    assert not records(sampled, "slope_greedy")


def test_first_token_mass_is_that_of_the_compliant_openings(sampled):
    rows = sampled.to_pandas()
    np.testing.assert_allclose(rows["log_first_refusal"], rows["log_p_compliant"], atol=1e-9)
    by_alpha = {
        float(r.slice["wanted_alpha"]): r.estimate.value for r in records(sampled, "first_refusal_mass")
    }
    assert by_alpha[0.0] > 0.9 > 0.1 > by_alpha[1.0]


def test_first_token_mass_in_closed_form():
    """F-185."""
    torch = pytest.importorskip("torch")
    readout = LogitReadout(logits=torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4]])))
    assert first_token_mass(readout, (1, 3)) == pytest.approx(np.log(0.6))
    assert first_token_mass(readout, (0, 1, 2, 3)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("instruction", "compliant", "note"),
    [
        (None, ((1, 2),), "does not say"),
        ("help_keeps", ((1, 2),), "not what keeps"),
        ({"fulfilled": "kept", "refused": "kept"}, ((1, 2),), "not what keeps"),
        ("refusal_keeps", ((5, 2), (5, 6)), "share every first token"),
        ("refusal_keeps", ((1, 2), (3, 4), (1, 9)), ""),
    ],
)
def test_openings_are_undefined_with_the_reason(instruction, compliant, note):
    meta = {} if instruction is None else {"instruction": instruction}
    prompt = Prompt(id="p", messages=(Message(role="user", content="?"),), meta=meta)
    found = refusing_openings(prompt, compliant=compliant, defiant=((5, 7),))
    assert note in found.note
    assert found.tokens == (() if note else (1, 3))


def test_identical_replies_are_no_response_and_bounded_by_the_grid():
    always = stub_pair(ConstantResponse(field=60.0)).aligned
    result = at.transition(
        always, keeping(8), **{**JUDGED, "samples": 1, "temperature": 0, "controls": ["attack"]}
    )
    found = result.value("alpha_c_judged").estimate
    assert np.isnan(found.value)
    assert "same in every context" in found.reason
    assert found.low == pytest.approx(1.0)
    slope = result.value("slope_greedy").estimate
    assert np.isnan(slope.value)
    assert {r.policies["decoding"] for r in records(result, "judged_rate")} == {"greedy"}


def test_judging_again_is_repeatable_and_another_judge_is_another_result(sampled):
    prompts = {p.id: p for p in prompt_set_of(keeping()).prompts}
    again = judge_rows(sampled.rows, prompts, ReferenceReplies())
    assert all(again[name].equals(sampled.rows[name]) for name in ("verdicts", "n_kept", "replies", "judge"))
    config = TransitionConfig.model_validate({**sampled.run["config"]})
    twice = [summarise_judged(table, config)[0] for table in (sampled.rows, again)]
    assert list(map(str, twice[0])) == list(map(str, twice[1]))
    swapped = {
        id_: Prompt(id=id_, messages=p.messages, compliant=p.defiant, defiant=p.compliant)
        for id_, p in prompts.items()
    }
    wrong = judge_rows(sampled.rows, swapped, ReferenceReplies())
    assert wrong["n_kept"].to_pylist() == sampled.rows["n_broken"].to_pylist()


def test_rows_without_replies_stay_without_verdicts():
    config = {key: value for key, value in JUDGED.items() if key not in ("samples", "max_new_tokens")}
    result = at.transition(
        stub_pair().aligned, keeping(3), **{**config, "alphas": [0, 1], "controls": ["attack"]}
    )
    assert result.rows["n_kept"].null_count == result.rows.num_rows
    assert not records(result, "judged_rate")


class Flipping:
    """Judges the request by a word in the reply, and flips a share of its judgements that may grow with α."""

    name = "flipping"

    def __init__(self, share):
        self._share = share

    def judge(self, exchanges):
        return tuple(map(self._one, exchanges))

    def _one(self, exchange):
        truth, number, alpha = exchange.response.split()
        flip = (int(number) * 0.6180339887) % 1.0 < self._share(float(alpha))
        other = {"refused": "fulfilled", "fulfilled": "refused"}
        return Judgement(outcome=other[truth] if flip else truth, confidence=1.0, judge=self.name)


def labelled(n=400):
    rng = np.random.default_rng(3)
    for i in range(n):
        truth, alpha = ("refused", "fulfilled")[i % 2], round(float(rng.random()), 3)
        exchange = Exchange(id=str(i), response=f"{truth} {i} {alpha}")
        yield Labelled(exchange=exchange, label=truth, cluster=str(i), covariates={"alpha": alpha})


def judged_table(judge, *, kept_by="refused", refused=0.8, n=40, each=10):
    rows = []
    for p in range(n):
        truths = ["refused"] * round(refused * each) + ["fulfilled"] * round((1 - refused) * each)
        said = judge.judge([Exchange(id="x", response=f"{t} {7 * p + k} 0.5") for k, t in enumerate(truths)])
        rows.append({"prompt_id": f"p{p}", "outcomes": [s.outcome for s in said], "kept_by": kept_by})
    return pa.Table.from_pylist(rows)


def test_a_judge_that_errs_alike_everywhere_is_corrected():
    """F-188: with 30 % flipped the corrected share holds the truth, and the raw one does not."""
    judge = Flipping(lambda alpha: 0.3)
    calibration = calibrate(judge, list(labelled()), covariate="alpha")
    table = judged_table(judge)
    found = corrected_share(table, calibration, level=0.95, seed=0)
    raw = np.mean([outcome == "refused" for row in table["outcomes"].to_pylist() for outcome in row])
    assert found.low <= 0.8 <= found.high
    assert not found.low <= raw <= found.high
    assert not any("not valid" in caveat for caveat in found.caveats)
    helping = corrected_share(judged_table(judge, kept_by="fulfilled"), calibration, level=0.95, seed=0)
    assert helping.low <= 0.2 <= helping.high


def test_a_judge_that_errs_more_along_alpha_is_caught():
    judge = Flipping(lambda alpha: 0.6 * alpha)
    calibration = calibrate(judge, list(labelled()), covariate="alpha")
    found = corrected_share(judged_table(judge), calibration, level=0.95, seed=0)
    assert any("not valid along alpha" in caveat for caveat in found.caveats)


def test_a_judge_that_tosses_a_coin_corrects_nothing():
    judge = Flipping(lambda alpha: 0.5)
    found = corrected_share(judged_table(judge), calibrate(judge, list(labelled(100))), level=0.95, seed=0)
    assert np.isnan(found.value)
    assert "does not tell" in found.reason


def test_groups_of_prompts_with_other_maps_are_corrected_apart():
    judge = Flipping(lambda alpha: 0.1)
    calibration = calibrate(judge, list(labelled()))
    parts = [judged_table(judge), judged_table(judge, kept_by="fulfilled")]
    ends = [corrected_share(part, calibration, level=0.95, seed=0) for part in parts]
    both = corrected_share(pa.concat_tables(parts), calibration, level=0.95, seed=0)
    assert both.value == pytest.approx(np.mean([one.value for one in ends]))
    assert both.low == pytest.approx(np.mean([one.low for one in ends]))
    assert "added up linearly" in both.caveats[-1]
    odd = corrected_share(judged_table(judge, kept_by=""), calibration, level=0.95, seed=0)
    assert "no border" in odd.reason


def test_labels_reach_the_summary(tmp_path):
    path = tmp_path / "labels.jsonl"
    rows = [
        {
            "prompt": f"q{n}",
            "response": "I can't help with that." if n % 2 else "Rinse and boil it.",
            "label": label,
        }
        for n, label in enumerate(["fulfilled", "refused"] * 30)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {
        **JUDGED,
        "judge": "heuristic",
        "judge_labels": str(path),
        "alphas": [0, 1],
        "controls": ["attack"],
    }
    result = at.transition(stub_pair().aligned, keeping(8), **settings)
    assert len(records(result, "judged_rate_corrected")) == 2
    assert result.value("judge_balanced_accuracy").estimate.value == 1.0
    (check,) = [v for v in result.verdicts if v.name.startswith("judge:")]
    assert check.outcome == "inconclusive"
    assert "no column alpha" in check.statement


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"samples": 2, "temperature": 0}, "greedy replies"),
        ({"judge": "umpire"}, "there is no judge"),
        ({"judge_labels": "x.csv"}, "nothing is judged"),
        ({"judge_labels": "x.csv", "samples": 1}, "not calibrated by labels"),
    ],
)
def test_impossible_settings_of_judges_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        TransitionConfig.model_validate({"aligned": "a", "prompts": "p", **changes})


def test_prompts_that_the_judge_can_make_nothing_of_are_skipped_by_name():
    settings = {**JUDGED, "judge": "heuristic", "alphas": [0, 1], "controls": ["attack"]}
    result = at.transition(stub_pair().aligned, [*keeping(2), stub_prompts(3)[2]], **settings)
    assert set(result.to_pandas()["prompt_id"]) == {"p0", "p1"}
    assert "does not say what a refusal means" in result.skipped[0]


def test_replies_of_the_shipped_pair_are_as_frequent_as_their_probability():
    """Every reply of the family is a reference answer, up to the mass that no answer has."""
    from alignthermo import api

    pair = at.load_pair("shipped:base", "shipped:aligned-beta-0.25")
    prompts = [p for p in api.load_prompts("shipped").prompts if p.category == "secret"][:4]
    settings = {"lengths": [100], "alphas": [0, 1], "orders": ["random"], "controls": ["attack"], "refine": 0}
    result = at.transition(pair.aligned, prompts, **settings, samples=8, max_new_tokens=24, resamples=200)
    rows = result.to_pandas()
    for log_p, n in (("log_p_compliant", "n_kept"), ("log_p_defiant", "n_broken")):
        p = np.exp(rows[log_p])
        z = (rows[n] - 8 * p).sum() / np.sqrt((8 * p * (1 - p)).sum())
        assert abs(z) < 4
    assert rows["n_undetermined"].sum() < 0.2 * 8 * len(rows)
    assert all(note.startswith("the prompt does not say whether") for note in rows["first_token_note"])
