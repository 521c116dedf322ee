"""The page holds the table whatever a label holds, asks no host for anything, and sorts and remembers in a real browser."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report.html.curves import round_values
from vgbench.report.html.page import render

HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(2)>", "a&b", "</title><b>", "{{ 7 * 7 }}", "\ufdfa\u202eabc"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def table(made_run):
    def make(labels):
        rng = np.random.default_rng(0)
        return build_leaderboard(
            [
                made_run(
                    {
                        label: [
                            [{"mse@mean": [1.0 + place + one, 2.0 + place], "psnr@frame": [20.0 - place + one, 21.0]}]
                            for one in rng.normal(size=12) * 0.1
                        ]
                        for place, label in enumerate(labels)
                    }
                )
            ]
        )

    return make


class Page(HTMLParser):
    """Tags with their attributes, and the text of the table's first column."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[str] = []
        self._is_row = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._is_row = tag == "th" and ("scope", "row") in attrs

    def handle_data(self, data):
        if self._is_row:
            self.rows.append(data)
            self._is_row = False


def test_text_from_outside_is_text(table):
    board = table(HOSTILE)
    page = Page(render(board))
    assert set(page.rows) == {row.label for row in board.rows}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [tag for tag, _ in page.tags if tag in ("img", "b", "iframe", "object", "embed", "link", "form", "base")]
    assert not [attribute for _, attributes in page.tags for attribute in attributes if attribute.startswith("on")]


def test_it_refers_to_nothing_outside_itself(table):
    page = Page(render(table(["one", "other"])))
    assert not [attributes for _, attributes in page.tags if {"src", "href", "srcset", "data", "action"} & attributes.keys()]
    (policy,) = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")


def test_it_says_what_the_other_formats_say(table):
    board = table(["one", "other", "far"])
    text = render(board)
    for word in ("1.5", "≈", "rank", "Ranks are by mse@mean", "Only 12 source videos", "Mean squared error of values in [0, 1]."):
        assert word in text
    assert len(re.findall(r'<svg class="bar"', text)) == 6
    assert len(re.findall("<polyline", text)) == 6


def test_the_command_writes_it(vgbench, tiny):
    assert vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise,real", "--metrics", "mse,psnr,motion-ratio").status == 0
    assert vgbench("report", "-o", "report.html").status == 0
    text = Path("report.html").read_text()
    assert "real (reference)" in text
    assert str(Path.cwd()) not in text


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_has_a_few_round_values_within_its_ends(low, span):
    values = round_values(low, low + span)
    assert 1 <= len(values) <= 7
    slack = 1e-9 * (abs(low) + span)
    assert all(low - slack <= value <= low + span + slack for value in values)
    assert round_values(low, low) == [low]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page's text from disk; nothing may be asked of any host, and nothing may be said on the console."""
    context = browser.new_context(viewport={"width": 380, "height": 800})
    said, asked = [], []

    def open_page(text: str, fragment: str = ""):
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield open_page
    context.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked} == {(tmp_path / "report.html").as_uri()}


def labels_of(page):
    return page.locator("#results tbody th").all_inner_texts()


@pytest.mark.slow
def test_a_click_sorts_and_the_address_remembers(table, opened):
    text = render(table(["one", "other", "far"]))
    page = opened(text)
    assert labels_of(page) == ["one", "other", "far"]
    button = page.get_by_role("button", name="mse@mean")
    button.click()
    button.click()
    assert labels_of(page) == ["far", "other", "one"]
    assert page.locator('th[aria-sort="descending"]').inner_text().startswith("mse@mean")
    fragment = page.evaluate("location.hash")
    assert labels_of(opened(text, fragment)) == ["far", "other", "one"]
    page.get_by_role("button", name="generator").focus()
    page.keyboard.press("Enter")
    assert labels_of(page) == ["far", "one", "other"]


@pytest.mark.slow
def test_the_theme_is_chosen_and_remembered(table, opened):
    text = render(table(["one", "other"]))
    page = opened(text)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(background) != light
    again = opened(text, page.evaluate("location.hash"))
    assert again.evaluate(background) == page.evaluate(background)


@pytest.mark.slow
def test_hostile_labels_do_nothing_and_a_phone_needs_no_sideways_scrolling(table, opened):
    board = table(HOSTILE)
    page = opened(render(board), "#sort=%3Cscript%3E,ascending&theme=<b>")
    assert set(labels_of(page)) == {" ".join(row.label.split()) for row in board.rows}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
