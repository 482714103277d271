"""What every page of a run must do, whatever it shows."""

import dataclasses
import re
import xml.etree.ElementTree as ET

from tests.report.test_render import FETCHING, read


def section(page, anchor):
    return page[page.index(f'<section id="{anchor}">') :].partition("</section>")[0]


def charts(html):
    return [ET.fromstring(chart) for chart in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def turned(data):
    """Give the slices their keys in another order, as what was read back has them."""

    def reversed_keys(one):
        return dataclasses.replace(one, slice=dict(sorted(one.slice.items(), reverse=True)))

    records, verdicts = (list(map(reversed_keys, many)) for many in (data.records, data.verdicts))
    return dataclasses.replace(data, records=records, verdicts=verdicts)


def check_ids(html):
    """Every id is used once, and every link and label leads to one; returned are all."""
    reader = read(html)
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {v[1:] for name, v in reader.attributes if name == "href" and v.startswith("#")}
    assert targets <= set(ids)
    labels = {part for name, v in reader.attributes if name == "aria-labelledby" for part in v.split()}
    assert labels <= set(ids)
    return set(ids)


def check_harmless(html):
    """Nothing is fetched, nothing can run."""
    reader = read(html)
    assert not FETCHING.intersection(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    return reader


def check_fetches_nothing(page, *parts):
    for html in (page, *parts):
        check_harmless(html)
        assert not re.search(r"https?:|//[a-z]|url\(|@import", html)
    assert "default-src 'none'" in page


def check_hostile_text_is_text(page, *parts):
    for html in (page, *parts):
        html.encode("utf-8")
        assert check_harmless(html).tags.count("style") <= 1
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", html)
    text = "".join(read(page).text)
    assert "<script>alert(1)</script>" in text
    assert "⟨U+202E⟩" in text
    assert "{{ 7 * 7 }}" in text
