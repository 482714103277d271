"""The page of a transition: the certificate first, every panel or a line that says why not."""

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import pytest

from alignthermo.quantities import Estimate, Record, Verdict
from alignthermo.report.estimate_table import estimate_cell
from alignthermo.report.page import MAX_BYTES
from alignthermo.report.transition import TransitionData, render_transition, render_transition_summary
from alignthermo.report.transition.glossary import TRANSITION_GLOSSARY
from tests.report.page_checks import (
    charts,
    check_fetches_nothing,
    check_hostile_text_is_text,
    check_ids,
    section,
    turned,
)
from tests.report.test_render import HOSTILE, read
from tests.report.transition_synthetic import number, record, transition_data

EMPTY = TransitionData(title="Nothing", records=())

PANELS = {
    "curves": ("p_kept", "the run holds no points"),
    "laws": ("law_gap", "they need 8 prompts and 3 values of α"),
    "slopes": ("gamma", "one length was measured"),
    "field": ("constant_field", "--base ID"),
    "memory": ("kernel", "no contexts in random order"),
    "outcomes": ("judged_rate", "--samples 8"),
    "fluctuations": ("rollout_p_kept", "--rollouts 200"),
    "hysteresis": ("loop_", "--ramps 32"),
    "warning": ("warning_", "--warnings 60"),
    "raising": ("reinforcement_gain", "--reinforce start,end,interleaved"),
}
"""Section, how the quantities begin that it needs, and what it says without them."""


@pytest.fixture(scope="module")
def page():
    return render_transition(transition_data())


def without(prefix):
    data = transition_data()
    kept = [r for r in data.records if not r.quantity.removeprefix("base_").startswith(prefix)]
    return dataclasses.replace(data, records=kept)


def test_the_page_is_well_formed_and_every_id_is_used_once(page):
    for html in (page, render_transition(EMPTY)):
        check_ids(html)


def test_the_same_data_make_the_same_page(page):
    data = transition_data()
    again = dataclasses.replace(data, records=list(data.records), verdicts=list(data.verdicts))
    assert render_transition(again) == page
    assert len(page.encode("utf-8")) <= MAX_BYTES


def test_a_stored_run_makes_the_same_page(page):
    assert render_transition(turned(transition_data())) == page


def test_the_certificate_comes_first_and_says_what_is_not_bracketed(page):
    first = page.index('<section id="certificate">')
    assert all(page.index(f'id="{anchor}"') > first for anchor in PANELS)
    text = section(page, "certificate")
    assert (
        text.count("<tr>") == 13
    )  # a head, and 2 families x 2 orders x 2 lengths, and one category of one family
    assert "0.580 to 0.660" in text
    assert text.count("not bracketed<small>kept up to 1.00</small>") == 2
    assert "kept at every α of the grid" in text
    assert "without rollouts and ramps at two holds nothing above a sigmoid can be said" in text


def test_a_threshold_that_is_not_bracketed_is_an_arrow_and_never_a_point(page):
    chart = re.search(r'<svg[^>]*labelledby="certificate-w-t.*?</svg>', page, re.DOTALL)
    assert chart is not None
    drawn = ET.fromstring(chart[0])
    texts = [element.text for element in drawn.iter("text")]
    assert texts.count("not bracketed") == 2
    points = [e for e in drawn.iter("circle") if "dot" in e.get("class", "")]
    assert len(points) == 10  # of twelve lines


def test_on_a_phone_the_names_of_the_lines_can_be_told_apart(page):
    (chart,) = re.findall(r'<svg[^>]*labelledby="certificate-n-t.*?</svg>', page, re.DOTALL)
    data = transition_data()
    kept = [
        r for r in data.records if r.slice.get("family") == "many_shot" and r.slice.get("length") == "200"
    ]
    alone = render_transition(dataclasses.replace(data, records=kept))
    (short,) = re.findall(r'<svg[^>]*labelledby="certificate-n-t.*?</svg>', alone, re.DOTALL)
    assert "many shot" in chart
    assert "adversarial last" in short
    assert "many shot" not in short


def test_a_gain_that_is_not_known_keeps_its_words_and_says_why(page):
    assert "α c" not in page
    data = transition_data()
    few = "too few prompts: 3, an interval needs 8"
    blank = {"low": math.nan, "high": math.nan, "n": 3, "reason": few}
    records = [
        dataclasses.replace(r, estimate=dataclasses.replace(r.estimate, **blank))
        if r.quantity == "reinforcement_gain_h"
        else r
        for r in data.records
    ]
    text = section(render_transition(dataclasses.replace(data, records=records)), "raising")
    assert f"{few} (" in text
    assert "intervals over 3 prompts" in text


def test_the_words_name_the_lowest_threshold_and_hold_no_number_that_was_not_measured(page):
    words = re.search(r'<p class="words">(.*?)</p>', page)
    assert words is not None
    text = words[1].replace("\u00a0", " ")
    assert "A threshold is bracketed in 6 of 8 curves over all prompts." in text
    assert (
        "The lowest is α_c = 0.310 (95 % interval 0.270 to 0.350) under many shot · adversarial last" in text
    )
    assert "order is not established" not in text


def test_points_that_refinement_added_stand_on_their_curve():
    data = transition_data()
    first = next(r for r in data.records if r.quantity == "p_kept" and r.slice["control"] == "attack")
    where = {**first.slice, "wanted_alpha": "0.654321", "stage": "refine1"}
    more = [record("p_kept", number(0.4321), where), record("base_p_kept", number(0.1234), where)]
    html = render_transition(dataclasses.replace(data, records=[*data.records, *more]))
    (row,) = [r for r in re.findall(r"<tr>.*?</tr>", section(html, "curves"), re.S) if "0.654" in r]
    assert row.index("0.43") < row.index("0.12")
    assert "0.654321" not in row
    assert "to –" not in row


@pytest.mark.parametrize(
    ("reason", "bounds", "text"),
    [
        ("not bracketed: kept at every α of the grid", {"low": 0.9}, "not bracketed<small>kept up to 0.900"),
        ("not bracketed: broken at every α", {"high": 0.1}, "not bracketed<small>broken from 0.100"),
        ("not bracketed: with reinforcement of 32 (kept)", {"low": 0.02}, "not bracketed<small>above 0.0200"),
        ("not reached within 128 tokens", {"low": 128.0}, "unknown<small>above 128"),
    ],
)
def test_only_thresholds_are_bounded_in_the_words_of_thresholds(reason, bounds, text):
    unknown = Estimate(value=math.nan, n=20, unit="1", method="m", reason=reason, **bounds)
    assert estimate_cell(unknown).startswith(text)


def test_every_quantity_is_defined_on_the_page(page):
    measured = {r.quantity for r in transition_data().records if not r.quantity.startswith("tokens_")}
    assert measured <= set(TRANSITION_GLOSSARY)
    for quantity in ("loop_excess", "reinforcement_gain", "warning_area", "judged_undetermined"):
        assert TRANSITION_GLOSSARY[quantity].definition in page


def test_words_without_any_threshold():
    data = transition_data()
    blank = Estimate.unknown("not bracketed: an end of the grid", n=9, unit="1", method="m")
    records = [dataclasses.replace(r, estimate=blank) if r.quantity == "alpha_c" else r for r in data.records]
    page = render_transition(dataclasses.replace(data, records=records))
    assert "No threshold is bracketed." in page
    assert "α_c not bracketed" in section(page, "curves")


@pytest.mark.parametrize("anchor", PANELS)
def test_a_panel_is_drawn_from_its_records(page, anchor):
    text = section(page, anchor)
    assert "<svg" in text or anchor == "slopes"
    assert "<table" in text
    assert PANELS[anchor][1] not in text


@pytest.mark.parametrize("anchor", PANELS)
def test_a_panel_without_records_says_why_and_how_to_get_them(anchor):
    prefix, line = PANELS[anchor]
    text = section(render_transition(without(prefix)), anchor)
    assert 'class="soft absent-panel"' in text
    assert line in re.sub("</?code>", "", text)
    if anchor not in ("slopes", "outcomes"):
        assert "<svg" not in text


def test_an_empty_run_says_so_everywhere():
    page = render_transition(EMPTY)
    assert page.count("absent-panel") >= 12
    assert "No curve was measured in this run." in page
    assert "No check was recorded" in page
    assert "Tokens forwarded were not counted" in page
    assert "The run recorded no command" in page
    assert "<svg" not in page


def test_own_words_are_never_cut(page):
    """Cells of foreign text are clipped; what the report says itself must fit."""
    assert "characters)" not in page


def test_every_chart_has_a_table_and_a_text_alternative(page):
    reader = read(page)
    assert reader.tags.count("svg") == reader.tags.count("desc") > 40
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert sum("<table" not in figure for figure in figures) == 1  # the certificate's stands below it
    assert "In 48 cells" not in page
    assert "the reference answers hold less than 0.9 of the probability, at worst 0.77" in page


def test_nothing_is_fetched_and_nothing_can_run(page):
    check_fetches_nothing(page, render_transition_summary(transition_data()))


def hostile_transition():
    """Every text that somebody else chose, chosen badly."""
    data = transition_data()
    bad = "".join(HOSTILE) + "\ud800`x`"

    def renamed(where):
        return {k: HOSTILE[0] + "\u202e" if (k, v) == ("category", "secret") else v for k, v in where.items()}

    records = [
        dataclasses.replace(
            r,
            slice=renamed(r.slice),
            policies={**r.policies, "judge": HOSTILE[1]},
            estimate=dataclasses.replace(r.estimate, caveats=(bad,))
            if r.quantity == "alpha_c"
            else r.estimate,
        )
        for r in data.records
    ]
    phrasing = {
        "category": "all",
        "family": "many_shot",
        "order": "random",
        "length": "200",
        "placement": "end",
    }
    records.append(record("reinforcement_gain_h", number(0.1), {**phrasing, "phrasing": HOSTILE[2]}))
    records.append(
        record("kernel_total", Estimate.unknown(bad, n=1, unit="nat", method=bad), {"category": bad})
    )
    verdicts = [dataclasses.replace(v, slice=renamed(v.slice)) for v in data.verdicts]
    verdicts.append(Verdict(name=f"null:{HOSTILE[0]}", outcome=HOSTILE[1], statement=bad))
    return dataclasses.replace(
        data,
        title=HOSTILE[0],
        records=records,
        verdicts=verdicts,
        left_out=[f"{HOSTILE[0]}: {HOSTILE[1]}"],
        run={**data.run, "aligned": HOSTILE[1], "command": bad, HOSTILE[2]: HOSTILE[3]},
    )


def test_hostile_text_is_shown_and_never_interpreted():
    data = hostile_transition()
    check_hostile_text_is_text(render_transition(data), render_transition_summary(data))


@pytest.mark.parametrize(("outcome", "state"), [("pass", "checks passed"), ("fail", "check fired")])
def test_a_fired_null_check_stands_above_the_certificate(outcome, state):
    data = transition_data()
    verdicts = [
        dataclasses.replace(v, outcome=outcome) if v.name.startswith("null:") else v for v in data.verdicts
    ]
    page = render_transition(dataclasses.replace(data, verdicts=verdicts))
    assert f"<b>{state}</b>" in page
    assert ("do not use these numbers" in page) == (outcome == "fail")
    assert page.index(f"<b>{state}</b>") < page.index('<section id="certificate">')


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 1e300])
def test_the_page_survives_any_value(value):
    data = transition_data()
    records = [
        dataclasses.replace(r, estimate=Estimate(value=value, n=1, unit="1", method="m", reason="because"))
        for r in data.records
    ]
    for chart in charts(render_transition(dataclasses.replace(data, records=records))):
        assert "nan" not in ET.tostring(chart, encoding="unicode").lower()


def test_append_only_designs_are_drawn_over_the_instruction_they_hold():
    def moved(where):
        return {("n_instr" if k == "length" else k): v for k, v in where.items()}

    data = transition_data()
    records = [dataclasses.replace(r, slice=moved(r.slice)) for r in data.records]
    verdicts = [dataclasses.replace(v, slice=moved(v.slice)) for v in data.verdicts]
    page = render_transition(dataclasses.replace(data, records=records, verdicts=verdicts))
    assert "over α and N_instr" in page
    assert "N_instr = 200" in section(page, "curves")


def test_many_categories_give_way_before_the_page_is_too_large():
    data = transition_data()
    own = [r for r in data.records if r.slice.get("category") == "secret"]
    more = [
        dataclasses.replace(r, slice={**r.slice, "category": f"category {n}"}) for n in range(30) for r in own
    ]
    page = render_transition(dataclasses.replace(data, records=[*data.records, *more]))
    assert len(page.encode("utf-8")) <= MAX_BYTES
    assert "more categories are drawn in no panel" in page


def test_what_was_left_out_is_listed_once_per_reason(page):
    assert "Left out: 2 prompts or rows" in page
    assert "no compliant reference answer (p7 under override); likewise: p9" in page


def test_cost_stands_against_the_naive_count(page):
    text = section(page, "methods")
    assert "1,000,000" in text
    assert "9.2 %" in text
    assert isinstance(transition_data().records[0], Record)
