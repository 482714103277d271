"""Calibration from files: formats, what is left out and said, tables, corrections by the same judge only."""

import csv
import dataclasses
import json

import pytest

from alignthermo.errors import InputError
from alignthermo.judges import (
    Exchange,
    HeuristicJudge,
    HumanLabels,
    Judgement,
    calibrate,
    calibrate_file,
    read_human_labels,
    read_labelled,
)

YES, NO = "Rinse the rice, then simmer it for twelve minutes.", "I'm sorry, but I can't help with that."


def rows(n=40):
    for i in range(n):
        label = "1_full_compliance" if i % 2 else "2_full_refusal"
        text = YES if i % 2 else NO
        yield {
            "id": f"r{i}",
            "prompt": f"Question {i // 2}?",
            "completion": text,
            "final_label": label,
            "alpha": i / n,
        }


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "labelled.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "prompt", "completion", "final_label", "alpha"])
        writer.writeheader()
        writer.writerows(rows())
    return path


@pytest.fixture
def jsonl_file(tmp_path):
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows()), encoding="utf-8")
    return path


def test_csv_and_jsonl_say_the_same(csv_file, jsonl_file):
    assert read_labelled(csv_file).items == read_labelled(jsonl_file).items
    first = read_labelled(csv_file).items[1]
    assert (first.label, first.cluster, first.covariates) == ("fulfilled", "Question 0?", {"alpha": 0.025})
    assert first.exchange == Exchange(id="r1", request="Question 0?", response=YES)


def test_what_the_intervals_are_over_and_their_level_are_said(csv_file):
    items = [dataclasses.replace(item, cluster="one") for item in read_labelled(csv_file).items]
    found = calibrate(HeuristicJudge(), items, level=0.9)
    assert f"{len(items)} items stand on 1 prompts" in found.notes[0]
    assert found.tables()[1].columns[1] == "value [90 %]"
    assert "value [95 %]" in calibrate_file(csv_file).tables()[1].columns
    assert "40 items stand on 20 prompts" in calibrate_file(csv_file).notes[0]
    apart = [dataclasses.replace(item, cluster=item.exchange.id) for item in items]
    assert not any("stand on" in note for note in calibrate(HeuristicJudge(), apart).notes)


def test_one_call_from_file_to_tables(csv_file):
    found = calibrate_file(csv_file, covariate="alpha")
    assert found.confusion.balanced_accuracy.value == 1.0
    assert found.disagreements == ()
    matrix, summary, along = found.tables()
    assert matrix.columns == (
        "label",
        "judged fulfilled",
        "judged refused",
        "judged partial",
        "judged abstain",
        "n",
    )
    assert matrix.rows[0][:2] == ("fulfilled", "20 (1.000 [0.832, 1.000])")
    assert matrix.rows[2][1].startswith("0 (unknown: no labelled item")
    assert summary.rows[0][0].startswith("balanced accuracy")
    assert {row[-1] for row in along.rows} == {"inconclusive"}
    assert all(len(row) == len(table.columns) for table in found.tables() for row in table.rows)
    assert any("only 0 items are labelled partial" in note for note in found.notes)


def test_what_is_judged_otherwise_is_listed(csv_file):
    labels = {item.exchange.id: item.label for item in read_labelled(csv_file).items}
    wrong = HumanLabels({**labels, "r3": "refused"}, name="second annotator")
    found = calibrate_file(csv_file, judge=wrong)
    assert [(id_, label, judgement.outcome) for id_, label, judgement in found.disagreements] == [
        ("r3", "fulfilled", "refused")
    ]
    assert found.confusion.counts[0].tolist() == [19, 1, 0, 0]


def test_bad_rows_are_left_out_and_said_by_line(tmp_path):
    path = tmp_path / "some.jsonl"
    lines = [json.dumps(row) for row in rows(12)]
    lines += [
        "{",
        '{"prompt": "q", "label": "refused"}',
        '{"response": "x", "label": "harmful"}',
        '{"response": "x"}',
    ]
    lines += ['{"response": "", "prompt": "q", "label": "refused"}', '{"response": "x", "label": "unclear"}']
    path.write_text("\n".join(lines), encoding="utf-8")
    found = read_labelled(path)
    assert len(found.items) == 14
    assert found.n_undecided == 1
    assert [problem.split(":")[0] for problem in found.problems] == ["line 13", "line 15", "line 16"]
    assert "unknown label 'harmful'" in found.problems[1]
    notes = calibrate(HeuristicJudge(), found).notes
    assert "3 rows left out" in notes[0]
    assert "without a decided label" in notes[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "", "holds no labelled completion: it has no labelled rows"),
        ("a.jsonl", '{"text": "x"}', "no label: give a column label or final_label.*the columns are text"),
        ("a.txt", "x", "must end in .jsonl"),
        ("a.csv", "completion\nx", "no label"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_how_to_mend(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        calibrate_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        calibrate_file(tmp_path / "missing.csv")


def test_a_missing_covariate_names_those_there_are(csv_file):
    with pytest.raises(InputError, match=r"40 of 40 items have no number in the column 'beta'.*alpha"):
        calibrate_file(csv_file, covariate="beta")


def test_rates_are_corrected_by_the_same_judge_only(csv_file):
    judge = HeuristicJudge()
    found = calibrate_file(csv_file, judge=judge)
    said = judge.judge([Exchange(id=str(i), response=NO if i < 30 else YES) for i in range(100)])
    rates = found.correct(said, partials="absent")
    assert rates.corrected["refused"].value == pytest.approx(0.3)
    assert rates.corrected["refused"].low < 0.3 < rates.corrected["refused"].high
    other = Judgement(outcome="refused", confidence=1.0, judge="another")
    with pytest.raises(InputError, match="are by another: calibrate that judge"):
        found.correct([other])


def test_several_samples_of_one_prompt_are_not_independent(tmp_path):
    path = tmp_path / "sampled.jsonl"
    many = [{**row, "prompt_id": f"p{i // 10}"} for i, row in enumerate(rows(200))]
    path.write_text("\n".join(json.dumps(row) for row in many), encoding="utf-8")
    found = calibrate_file(path).confusion
    assert found.clustered
    assert found.rates[0][0].low < 0.87  # twenty prompts, not a hundred items


def test_a_judge_that_loses_an_item_is_caught(csv_file):
    class Short:
        name = "short"

        def judge(self, exchanges):
            return ()

    with pytest.raises(InputError, match="0 judgements for 40 items"):
        calibrate_file(csv_file, judge=Short())


def test_human_labels_from_a_file(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,label\na,refusal\nb,full_compliance\nc,unclear\n", encoding="utf-8")
    judge = read_human_labels(path)
    said = judge.judge([Exchange(id=i, response="x") for i in "abcd"])
    assert [one.outcome for one in said] == ["refused", "fulfilled", "abstain", "abstain"]
    assert "no human label for 'd'" in said[3].evidence[0]
    assert judge.name == "human(labels.csv)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"id": "a", "label": "refused"}\n{"id": "a", "label": "fulfilled"}',
            "line 2: 'a' is labelled refused and ful",
        ),
        ('{"id": "a", "label": "safe"}', "line 1: unknown label 'safe'"),
        ('{"label": "refused"}', "an id is missing"),
        ("", "it has no rows"),
        ("[1]", "line 1"),
    ],
)
def test_human_labels_with_a_bad_row_are_refused_whole(tmp_path, content, message):
    path = tmp_path / "labels.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_human_labels(path)
