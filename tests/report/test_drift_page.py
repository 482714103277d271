"""The page of a drift run: compliance beside drift, every panel or a line that says why not."""

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import pytest

from alignthermo.quantities import Estimate, Verdict
from alignthermo.report.drift import DriftData, render_drift, render_drift_summary
from alignthermo.report.drift.attention import attention_section
from alignthermo.report.drift.cost import tokens_table
from alignthermo.report.drift.drifting import drift_section
from alignthermo.report.drift.index import index_drift
from alignthermo.report.drift.words import plain_words
from alignthermo.report.page import MAX_BYTES
from tests.report.drift_synthetic import ARMS, drift_data, number, record
from tests.report.page_checks import (
    charts,
    check_fetches_nothing,
    check_hostile_text_is_text,
    check_ids,
    section,
    turned,
)
from tests.report.test_render import HOSTILE

EMPTY = DriftData(title="Nothing", records=())

PANELS = {
    "drift": (("drift_",), "Probes must be asked at several points"),
    "laws": (("law_gap",), "They need 8 conversations"),
    "influence": (("influence_",), "conversations need a system message"),
    "destination": (("went_to_",), "--wish TEXT"),
    "schedule": (("lag_", "schedule_", "gain_"), "--reminders repeat@256 --bound 0.2"),
    "controls": (("shuffled_", "no_instruction_"), "--controls shuffled and --controls no_instruction"),
    "correlates": (("drift_vs_", "instruction_"), "They need 8 instructions"),
    "entropy": (("entropy_", "surprisal_", "path_"), "at least two replies"),
    "attention": (("attention_",), "Give --attention"),
    "composition": (("composition_",), "It is counted with every point"),
    "literal": (("literal_",), "Give --literal"),
}
"""Section, how the quantities begin that it needs, and what it says without them."""
WITHOUT_CHARTS = {"controls"}
OTHER_CHARTS = {"drift", "influence"}
"""Sections that have further charts without the quantities named above."""


@pytest.fixture(scope="module")
def page():
    return render_drift(drift_data())


@pytest.fixture(scope="module")
def small():
    """Plain conversations and one reminder, all instructions: enough for every panel."""
    data = drift_data()
    kept = {"plain", "repeat@256", None}
    records = [r for r in data.records if r.slice.get("arm") in kept and r.slice.get("category") != "persona"]
    return dataclasses.replace(data, records=records)


def without(data, *prefixes):
    kept = [r for r in data.records if not r.quantity.startswith(prefixes)]
    return dataclasses.replace(data, records=kept)


def test_the_page_is_well_formed_and_every_id_is_used_once(page):
    for html in (page, render_drift(EMPTY)):
        assert {*PANELS, "overview", "checks", "methods", "reading"} <= check_ids(html)


def test_the_same_data_make_the_same_page(page):
    assert render_drift(turned(drift_data())) == page
    assert len(page.encode("utf-8")) <= MAX_BYTES


def test_every_panel_is_drawn_from_its_records(page):
    for anchor, (_, line) in PANELS.items():
        text = section(page, anchor)
        assert line not in re.sub("</?code>", "", text)
        assert "<table" in text
        assert ("<svg" in text) == (anchor not in WITHOUT_CHARTS)


@pytest.mark.parametrize("half", [0, 1])
def test_a_panel_without_records_says_why_and_how_to_get_them(small, half):
    gone = list(PANELS)[half::2]
    page = render_drift(without(small, *(prefix for anchor in gone for prefix in PANELS[anchor][0])))
    for anchor, (_, line) in PANELS.items():
        text = section(page, anchor)
        assert (line in re.sub("</?code>", "", text)) == (anchor in gone)
        if anchor in gone:
            assert 'class="soft absent-panel"' in text
            assert anchor in OTHER_CHARTS or "<svg" not in text


def test_drift_never_stands_without_compliance_or_a_word_about_it(page, small):
    for figure in re.findall(r"<figure>.*?</figure>", section(page, "drift"), re.DOTALL):
        titles = [chart.find("title").text for chart in charts(figure)]
        assert [title.partition(",")[0] for title in titles] == ["probe drift", "compliance"]
    blind = without(small, "compliance_", "kept_", "control_", "excess_")
    index = index_drift(blind.records)
    said = " ".join(drift_section(index, blind.verdicts, budget=0).missing)
    assert "that answers changed, not that the instruction was forgotten" in said
    assert "whether length or content moves the answers" in said
    words = plain_words(index, blind.verdicts, blind.config)
    assert "nobody can say whether anything was forgotten" in words
    assert "how much of that is length alone was not measured" in words


def test_reasons_that_the_run_gives_are_said(small):
    why = "the model’s attention kernel hands nothing out"
    unknown = Estimate.unknown(why, n=40, unit="1", method="mean over heads")
    records = [
        dataclasses.replace(r, estimate=unknown) for r in small.records if r.quantity.startswith("attention_")
    ]
    found = attention_section(index_drift(records))
    assert found.parts == ()
    assert found.missing[0].startswith(f"Attention: {why}. Give `--attention`")


def test_every_arm_has_its_chart_and_all_share_one_scale(page):
    text = section(page, "drift")
    drawn = [c for c in charts(text) if c.find("title").text.startswith("probe drift,")]
    assert len(drawn) == 1 + len(ARMS) + 1  # all arms together, and the plain one of a category
    ticks = {
        tuple(e.text for e in chart.iter("text") if e.get("text-anchor") == "end" and "." in (e.text or ""))
        for chart in drawn[1 : 1 + len(ARMS)]
    }
    assert len(ticks) == 1


def test_the_words_say_what_was_measured(page):
    words = re.search(r'<p class="words">(.*?)</p>', page)[1]
    assert "drifted by 0.634 nat per answer (95 % interval 0.614 to 0.654)" in words
    assert "beyond neutral history of as many tokens: 0.554 nat per answer" in words
    assert "Compliance goes from 0.950 to 0.618 (change −0.332" in words
    assert "The law is “saturating”, its growth “bounded so far”. Forgetting: “forgets”." in words
    assert "To keep drift under 0.2: repeat@256 is the cheapest that was tried, 66 reminder tokens" in words


def test_the_bound_and_the_upper_limit_are_drawn(page):
    text = section(page, "schedule")
    assert "upper limit 0.31 above the bound already 32 after a reminder" in text
    lags = [chart for chart in charts(text) if "by lag" in chart.find("title").text]
    assert len(lags) == 3
    assert all(any("level" in e.get("class", "") for e in chart.iter("line")) for chart in lags)
    assert "tokens since the last reminder" in "".join(lags[0].itertext())
    assert "tokens said since the instruction" in "".join(lags[1].itertext())  # moved along: never far


def test_an_empty_run_says_so_everywhere():
    page = render_drift(EMPTY)
    assert page.count("absent-panel") >= 14
    assert "No drift was measured in this run." in page
    assert "No check was recorded" in page
    assert "Tokens forwarded were not counted" in page
    assert "<svg" not in page


def test_own_words_are_never_cut_and_charts_have_tables(page):
    assert "characters)" not in page
    assert all("<table" in figure for figure in re.findall(r"<figure>.*?</figure>", page, re.DOTALL)[1:])
    assert page.count("<svg") == page.count("<desc") > 40


def test_nothing_is_fetched_and_nothing_can_run(page):
    check_fetches_nothing(page, render_drift_summary(drift_data()))


def hostile_drift():
    """Every text that somebody else chose, chosen badly."""
    data = drift_data()
    bad = "".join(HOSTILE) + "\ud800`x`"
    names = {"repeat@256": HOSTILE[0] + "\u202e", "persona": HOSTILE[1]}

    def renamed(where):
        return {key: names.get(value, value) for key, value in where.items()}

    records = [
        dataclasses.replace(
            r,
            slice=renamed(r.slice),
            estimate=dataclasses.replace(r.estimate, caveats=(bad,))
            if r.quantity in ("drift_end", "drift_along")
            else r.estimate,
        )
        for r in data.records
        if not r.quantity.startswith("went_to")
    ]
    unknown = Estimate.unknown(bad, n=1, unit="nat", method=bad)
    records += [
        record("went_to_base", unknown, arm="plain", category="all"),
        record("law_gap", number(0.1), arm="plain", category="all", law=bad),
        record("instruction_drift_rate", number(0.1), arm="plain", category="all", instruction=bad),
        record("instruction_relaxation", number(0.1), arm="plain", category="all", instruction=bad),
    ]
    verdicts = [dataclasses.replace(v, slice=renamed(v.slice)) for v in data.verdicts]
    verdicts.append(Verdict(name=f"check:{HOSTILE[0]}", outcome=HOSTILE[1], statement=bad))
    verdicts.append(Verdict(name="forgetting", outcome=bad, statement=bad))
    return dataclasses.replace(
        data,
        title=HOSTILE[0],
        records=records,
        verdicts=verdicts,
        left_out=[f"{HOSTILE[0]}: {HOSTILE[1]}"],
        run={**data.run, "aligned": HOSTILE[1], "command": bad, HOSTILE[2]: HOSTILE[3]},
    )


def test_hostile_text_is_shown_and_never_interpreted():
    data = hostile_drift()
    check_hostile_text_is_text(render_drift(data), render_drift_summary(data))


def test_a_fired_check_stands_above_everything(page, small):
    verdicts = [
        dataclasses.replace(v, outcome="fail") if v.name == "start_is_zero" else v for v in small.verdicts
    ]
    fired = render_drift(dataclasses.replace(without(small, ""), verdicts=verdicts))
    assert "<b>checks passed</b>" in page
    assert "A check fired (start is zero): do not use these numbers" in fired
    assert fired.index("<b>check fired</b>") < fired.index('<section id="overview">')


@pytest.mark.parametrize("values", [(math.nan,), (math.inf, -math.inf, 0.0, 1e300, math.nan)])
def test_the_page_survives_any_value(small, values):
    odd = [Estimate(value=value, n=1, unit="1", method="m", reason="because") for value in values]
    records = [dataclasses.replace(r, estimate=odd[n % len(odd)]) for n, r in enumerate(small.records)]
    for chart in charts(render_drift(dataclasses.replace(small, records=records))):
        assert "nan" not in ET.tostring(chart, encoding="unicode")


def test_many_categories_give_way_before_the_page_is_too_large():
    data = drift_data()
    own = [r for r in data.records if r.slice.get("category") == "persona"]
    own = [r for r in own if r.quantity in ("drift_along", "compliance_along")]
    more = [
        dataclasses.replace(r, slice={**r.slice, "category": f"category {n}"}) for n in range(14) for r in own
    ]
    page = render_drift(dataclasses.replace(data, records=more))
    assert len(page.encode("utf-8")) <= MAX_BYTES
    assert "2 more pairs of arm and category are drawn in no panel" in page


def test_cost_definitions_and_what_was_left_out(page):
    text = section(page, "methods")
    assert "9.2 %" in text
    assert "Left out: 3 conversations or rows" in text
    assert "no message of a user (line 12); likewise: line 31" in text
    assert text.count(">probe drift</th>") == 1  # one entry for along, start and end
    assert ">entropy S</th>" in text


def test_counts_of_shards_are_added_up():
    shards = [
        dataclasses.replace(
            record(f"tokens_{name}", Estimate(value=count, n=1, unit="token", method="counted")), unit_id=unit
        )
        for unit in ("probe-00000", "probe-00001")
        for name, count in (("naive", 3000.0), ("forwarded", 200.0))
    ]
    assert [row[:3] for row in tokens_table(shards).rows] == [
        ("naive", "6,000", "100 %"),
        ("forwarded", "400", "6.67 %"),
    ]
    whole = [dataclasses.replace(shards[0], unit_id="all")]
    assert tokens_table([*shards[::2], *whole]).rows[0][1] == "3,000"
