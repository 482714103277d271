"""The page of a drift run in a real browser, made of hostile text: nothing runs over or is cut off."""

import pytest

from alignthermo.report.drift import render_drift
from tests.report.test_browser import chromium as chromium
from tests.report.test_browser import measured
from tests.report.test_drift_page import hostile_drift

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1180])
def test_nothing_overflows_or_is_cut_off(chromium, tmp_path, width):
    layout = measured(chromium, tmp_path, render_drift(hostile_drift()), width=width)
    assert layout["wide"] <= width
    assert layout["past"] == []
    assert layout["svg"] == []
    assert layout["overlaps"] == []
