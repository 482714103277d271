"""The page: whole, honest about what is missing, safe whatever a model wrote."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from alignthermo.errors import InsufficientData
from alignthermo.quantities import Estimate, Verdict
from alignthermo.report import ReportData, landscape_svg, render_report, render_summary_html
from alignthermo.report.render import MAX_BYTES
from alignthermo.report.text_view import SHADES, text_view
from tests.report.synthetic import CATEGORIES, estimate, record, report_data, token_table

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "a\x00b",
    "line\u2028separator",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
]
FETCHING = {
    "script",
    "iframe",
    "object",
    "embed",
    "img",
    "audio",
    "video",
    "source",
    "base",
    "form",
    "input",
    "use",
    "image",
}


class Reader(HTMLParser):
    """Collects tags, attributes, ids and text; checks that tags close."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page():
    return render_report(report_data())


@pytest.fixture(scope="module")
def hostile_data():
    words = [*HOSTILE, " fine"]
    clean = report_data(words=words)
    tokens = clean.tokens
    category = "<b>bold</b>\u202e"
    renamed = [category if c == "secret" else c for c in tokens["category"].to_pylist()]
    index = tokens.schema.get_field_index("category")
    prompts = {key: "\ud800" + "".join(HOSTILE) for key in clean.prompts}
    records = [
        dataclasses.replace(r, slice={**r.slice, "category": category})
        if r.slice["category"] == "secret"
        else r
        for r in clean.records
    ]
    return dataclasses.replace(
        clean,
        title=HOSTILE[0],
        records=[*records, record("f_align", estimate(1.0, caveats=(HOSTILE[1],)), category=HOSTILE[0])],
        verdicts=(*clean.verdicts, Verdict(name=HOSTILE[0], outcome=HOSTILE[1], statement=HOSTILE[2])),
        tokens=tokens.set_column(index, "category", pa.array(renamed)),
        prompts=prompts,
        run={
            **clean.run,
            "base": HOSTILE[1],
            HOSTILE[0]: HOSTILE[2],
            "command": "\n".join(HOSTILE) + "\udfff",
        },
    )


def test_the_page_is_well_formed_and_every_id_is_used_once(page):
    reader = read(page)
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for name, value in reader.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(ids)
    labels = {
        part for name, value in reader.attributes if name == "aria-labelledby" for part in value.split()
    }
    assert labels <= set(ids)


def test_the_page_shows_the_four_numbers_with_intervals(page):
    text = " ".join("".join(read(page).text).split())
    for number in (
        "0.0362 nat/token",
        "0.0326 to 0.0398",
        "3.80 tokens",
        "3.20 %",
        "branching factor: 1.080",
    ):
        assert number in text
    assert "Drift rate: not measured by a landscape; it takes long conversations" in text
    assert (
        "Critical context ratio α_c: not measured by a landscape; it takes a sweep of adversarial context"
        in text
    )


def test_every_chart_has_a_table_and_a_description(page):
    reader = read(page)
    assert reader.tags.count("svg") == reader.tags.count("desc") > 10
    for number in ("0.0490", "0.0441 to 0.0539", "too few prompts"):
        assert number in page


def test_nothing_is_fetched_and_nothing_can_run(page):
    for html in (page, render_summary_html(report_data())):
        reader = read(html)
        assert not FETCHING.intersection(reader.tags)
        assert not [name for name, _ in reader.attributes if name.startswith("on")]
        assert not re.search(r"https?:|//[a-z]|url\(|@import", html)
        links = {value for name, value in reader.attributes if name in {"href", "src"}}
        assert all(link.startswith("#") or link == "data:," for link in links)
    assert "default-src 'none'" in page


def test_hostile_text_is_shown_and_never_interpreted(hostile_data):
    for html in (render_report(hostile_data), render_summary_html(hostile_data)):
        html.encode("utf-8")
        reader = read(html)
        assert not FETCHING.intersection(reader.tags)
        assert not [name for name, _ in reader.attributes if name.startswith("on")]
        assert reader.tags.count("style") <= 1
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", html)
    text = "".join(read(render_report(hostile_data)).text)
    assert "<script>alert(1)</script>" in text
    assert "⟨U+202E⟩gnp.exe" in text
    assert "␛[31mred" in text
    assert "⟨U+D800⟩" in text
    assert "{{ 7 * 7 }}" in text


def test_an_empty_run_says_so_everywhere():
    page = render_report(ReportData(title="Nothing", records=[]))
    text = "".join(read(page).text)
    assert text.count("not measured") >= 6
    assert "No self-check was recorded" in text
    assert "The run recorded no command" in text
    assert not re.search(r">0(\.0+)?<", page)


def test_an_unknown_number_gives_its_reason():
    missing = Estimate.unknown("no response was finished", n=0, unit="token", method="m")
    page = render_report(ReportData(title="T", records=[record("depth_90", missing)]))
    assert "no response was finished" in page
    assert "unknown" in page


@pytest.mark.parametrize(
    ("outcome", "state"), [("pass", "no check fired"), ("fail", "check fired"), ("fired", "check fired")]
)
def test_a_fired_self_check_stands_under_the_headline(outcome, state):
    page = render_report(report_data(outcome=outcome))
    assert f"<b>{state}</b>" in page
    assert ("do not use these numbers" in page) == (outcome != "pass")
    assert page.index(f"<b>{state}</b>") < page.index('class="cards"')


def test_a_large_run_stays_below_three_megabytes():
    categories = [f"category {i:02d}" for i in range(20)]
    page = render_report(report_data(categories=categories, prompts=4, length=250))  # 20,000 tokens
    assert len(page.encode("utf-8")) <= MAX_BYTES
    assert page.count('class="response in-print"') == 3 * len(categories)
    assert "more tokens stand in the run folder" in page


def test_a_megabyte_in_one_token_or_cell_is_cut():
    data = report_data(words=["<" * 1_000_000], prompts=2, length=3, categories=("secret", "harm"))
    huge = dataclasses.replace(data, run={"note": "&" * 5_000_000}, prompts={"secret-0": "\x1b" * 2_000_000})
    page = render_report(huge)
    assert len(page.encode("utf-8")) <= MAX_BYTES
    assert "characters)" in page


def test_other_context_policies_are_shown_apart_and_never_in_the_headline():
    data = report_data()
    other = [
        record("f_align", estimate(9.87), category=c, policy="base_policy") for c in ("all", *CATEGORIES)
    ]
    page = render_report(dataclasses.replace(data, records=[*other, *data.records]))
    head, _, rest = page.partition('id="landscape"')
    assert "9.87" not in head
    assert "Context policy base_policy" in rest


def test_the_text_view_shows_highest_median_and_lowest():
    tokens = token_table(prompts=5, length=4, categories=("secret",))
    levels = {f"secret-{i}": 10.0**-i for i in range(5)}
    kl = np.array([levels[prompt] for prompt in tokens["prompt_id"].to_pylist()])
    tokens = tokens.set_column(
        tokens.schema.get_field_index("kl_aligned_base"), "kl_aligned_base", pa.array(kl)
    )
    (view,) = text_view(tokens, policy="on_policy", categories=("secret",), prompts={}, budget=1000)
    assert [(r.place, r.prompt_id) for r in view.responses] == [
        ("highest", "secret-0"),
        ("median", "secret-2"),
        ("lowest", "secret-4"),
    ]
    assert [r.text.count('class="k7"') for r in view.responses] == [4, 0, 0]


def test_infinite_and_unknown_tokens_have_shades_of_their_own():
    tokens = token_table(prompts=1, length=3, categories=("secret",))
    column = tokens.schema.get_field_index("kl_aligned_base")
    tokens = tokens.set_column(column, "kl_aligned_base", pa.array([np.inf, 0.02, 0.0]))
    (view,) = text_view(tokens, policy="on_policy", categories=("secret",), prompts={}, budget=1000)
    assert view.responses[0].sequence_kl == "∞"
    assert [f'class="{shade}"' in view.responses[0].text for shade in ("kinf", "k3", "k0", "k8")] == [
        True,
        True,
        True,
        False,
    ]


def test_the_standalone_figure_is_an_svg_with_its_own_style():
    picture = landscape_svg(report_data())
    assert picture.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in picture
    assert "prefers-color-scheme: dark" in picture
    assert picture.count("http") == 1
    with pytest.raises(InsufficientData, match="f_align"):
        landscape_svg(ReportData(title="T", records=[]))


def test_every_shade_is_readable_on_its_background(page):
    """WCAG AA: at least 4.5 : 1 between the text and each shade, light and dark."""
    for scheme in (0, 1):
        colours = {name: _colour(page, name, scheme) for name in (*_SHADE_NAMES, "--on-shade", "--on-deep")}
        for k, name in enumerate(_SHADE_NAMES, start=1):
            text = colours["--on-shade"] if k < 6 else ALWAYS_DARK if k == 6 else colours["--on-deep"]
            assert _contrast(text, colours[name]) >= 4.5, (scheme, name)


_SHADE_NAMES = [f"--k{k}" for k in range(1, len(SHADES) + 1)]
ALWAYS_DARK = "#14171a"


def _colour(page, name, scheme):
    """Return the value of a style variable, light (0) or dark (1); the style sheet sets each twice."""
    light_and_dark = re.findall(rf"{name}: (#[0-9a-f]{{6}})", page)
    assert len(light_and_dark) == 2
    return light_and_dark[scheme]


def _contrast(one, other):
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_caveats_of_one_kind_share_a_line():
    warned = [
        record("f_align", estimate(1.0, caveats=(f"too few prompts: {n} of 30",)), category=name)
        for n, name in ((8, "secret"), (9, "harm"))
    ]
    page = render_report(ReportData(title="T", records=warned))
    assert page.count("too few prompts") == 1
    alike = "likewise, with other numbers: F_align,"
    assert f"{alike} harm" in page or f"{alike} secret" in page


def test_depth_is_marked_at_the_position_where_its_last_token_stands():
    """depth_90 counts tokens from one, positions count from zero."""
    profile = [record("profile", estimate(1.0, unit="nat"), position=k) for k in range(11)]
    depth = record("depth_90", Estimate(value=6.0, low=6.0, high=6.0, n=9, unit="token", method="m"))
    page = render_report(ReportData(title="T", records=[*profile, depth]))
    chart = page[page.index('aria-labelledby="depth-w-t') :]
    marker = re.search(r'<line x1="([\d.]+)"[^>]*class="marker"', chart)
    axis = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"[^>]*class="axis"', chart)
    assert marker is not None
    assert axis is not None
    middle = (float(axis[1]) + float(axis[2])) / 2
    assert float(marker[1]) == pytest.approx(middle, abs=0.1)  # position 5 of 0 … 10


@pytest.mark.parametrize(
    ("fact", "said"), [(0.88, "shallow in every category"), (0.03, "by category from 3.0")]
)
def test_shallow_is_said_of_all_categories_or_of_none(fact, said):
    shares = {"all": 0.85, "secret": 0.95, "fact": fact}
    records = [
        record("first_3_share", estimate(v, unit="1", width=0.04), category=c) for c, v in shares.items()
    ]
    page = render_report(ReportData(title="T", records=[record("f_align", estimate(0.1)), *records]))
    assert said in page
    assert ("shallow" in page) == (fact > 0.75)
