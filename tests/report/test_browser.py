"""The page in a real browser: nothing runs, nothing is requested, nothing is cut off.

The page itself holds no script, so the browser is watched from outside: through its network log,
through the document it made of the page, and through a script of the test's own that measures the layout.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest

from alignthermo.report import render_report
from alignthermo.report.transition import render_transition
from tests.report.synthetic import WORDS, report_data
from tests.report.test_render import FETCHING, HOSTILE, Reader
from tests.report.test_transition_page import hostile_transition

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying",
    "--hide-scrollbars",
)
OURS = """
addEventListener("load", () => {
  const wide = document.documentElement.scrollWidth, room = innerWidth;
  const past = [...document.querySelectorAll("body *")].filter(e => !e.closest("svg, .scroll, .prompt")
    && e.getBoundingClientRect().right > room + 0.5).map(e => e.className || e.tagName);
  const svg = [...document.querySelectorAll("svg text")].filter(e => {
    const box = e.ownerSVGElement.getBoundingClientRect(), own = e.getBoundingClientRect();
    return own.width && (own.right > box.right + 1 || own.left < box.left - 1 || own.bottom > box.bottom + 1);
  }).map(e => e.textContent);
  const overlaps = [...document.querySelectorAll("svg")].flatMap(chart => {
    const boxes = [...chart.querySelectorAll("text")].map(e => [e.getBoundingClientRect(), e.textContent]);
    return boxes.flatMap(([a, s], i) => boxes.slice(i + 1).filter(([b]) => a.width && b.width
      && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
      .map(([, t]) => s + " | " + t));
  });
  document.title = JSON.stringify({wide, room, past, svg, overlaps});
});
"""
"""Measures the layout; allowed into a copy of the page by its hash, so that only this script can run."""


@pytest.fixture(scope="module")
def chromium():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no chromium on the path: the report was not opened in a browser"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def hostile_page():
    return render_report(report_data(words=[*HOSTILE, *WORDS], prompts=4))


def drive(chromium, folder, *arguments):
    """Run headless Chromium once on a profile of its own and return what it wrote."""
    profile = folder / "profile"
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    shutil.rmtree(profile, ignore_errors=True)
    return done.stdout.decode("utf-8")


def measured(chromium, folder, page, *, width):
    """Open a copy of the page that lets our measuring script in, at a viewport of `width` pixels."""
    digest = base64.b64encode(hashlib.sha256(OURS.encode()).digest()).decode()
    copy = page.replace("default-src 'none'", f"default-src 'none'; script-src 'sha256-{digest}'", 1)
    copy = copy.replace("</head>", f"<script>{OURS}</script></head>", 1)
    # A window of headless Chromium cannot be narrower than 500 pixels: a frame can.
    (folder / "inner.html").write_text(copy, "utf-8")
    outer = f"<iframe src=inner.html style='border:0;width:{width}px;height:900px'></iframe>"
    outer += "<script>addEventListener('load',()=>{document.title=frames[0].document.title})</script>"
    (folder / "outer.html").write_text(outer, "utf-8")
    dom = drive(
        chromium,
        folder,
        "--allow-file-access-from-files",
        f"--window-size={max(width + 40, 520)},1000",
        "--dump-dom",
        (folder / "outer.html").as_uri(),
    )
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title is not None, "the measuring script did not run: the test cannot see the layout"
    return json.loads(title[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


@pytest.fixture(scope="module")
def hostile_transition_page():
    return render_transition(hostile_transition())


@pytest.mark.parametrize("width", [390, 820, 1180])
@pytest.mark.parametrize("name", ["hostile_page", "hostile_transition_page"])
def test_nothing_overflows_or_is_cut_off(chromium, tmp_path, request, name, width):
    layout = measured(chromium, tmp_path, request.getfixturevalue(name), width=width)
    assert layout["room"] == width
    assert layout["wide"] <= width
    assert layout["past"] == []
    assert layout["svg"] == []
    assert layout["overlaps"] == []


@pytest.mark.parametrize("name", ["hostile_page", "hostile_transition_page"])
def test_no_script_runs_and_no_request_is_made(chromium, tmp_path, request, name):
    path, log = tmp_path / "report.html", tmp_path / "net.json"
    path.write_text(request.getfixturevalue(name), "utf-8")
    reader = Reader()
    reader.feed(drive(chromium, tmp_path, f"--log-net-log={log}", "--dump-dom", path.as_uri()))
    assert not FETCHING.intersection(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in "".join(reader.text)
    assert requested(log) == set()


def test_the_network_log_would_show_a_request(chromium, tmp_path):
    """A planted image: the check above can fail."""
    path, log = tmp_path / "leaky.html", tmp_path / "net.json"
    path.write_text("<img src='http://127.0.0.1:9/leak.png'>", "utf-8")
    drive(chromium, tmp_path, f"--log-net-log={log}", "--dump-dom", path.as_uri())
    assert "http://127.0.0.1:9/leak.png" in requested(log)


def requested(log):
    """Addresses of the requests a page started; those of Chromium itself name no origin."""
    started = r'"initiator":"(?!not an origin)[^"]*".*?"url":"([^"]*)"'
    return set(re.findall(started, log.read_text("utf-8")))


def test_it_prints(chromium, tmp_path, hostile_page):
    path, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    path.write_text(hostile_page, "utf-8")
    drive(chromium, tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", path.as_uri())
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_size > 50_000
