# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the fleet in a real browser: nothing is fetched, light and dark can be read, the search finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Browser, find_browser, install_browser
from tests.testbed.errors import ClusterError
from tests.unit.plugins.plugin_utils.test_fleet_report import given_clusters, written

# The least contrast of text with its ground, and of larger text. Source: WCAG 2.2, success criterion 1.4.3.
ENOUGH, LARGE_ENOUGH = 4.5, 3.0
# Every element that has text of its own, its colour, and the first ground behind it that is not clear.
COLOURS = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = channels(colour).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (item) => {
    const box = item.closest("svg") && item.parentElement.querySelector(".box");
    if (box) return getComputedStyle(box).fill;
    const own = getComputedStyle(item).backgroundColor;
    return channels(own)[3] === 0 ? ground(item.parentElement) : own;
  };
  return [...document.querySelectorAll("body *")]
    .filter((item) => [...item.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((item) => !item.closest("script, style, title, desc, .skip") && item.getClientRects().length)
    .map((item) => {
      const style = getComputedStyle(item);
      const text = luminance(item.closest("svg") ? style.fill : style.color), back = luminance(ground(item));
      const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
      const what = `${item.tagName}.${item.getAttribute("class")}: ${item.textContent.trim().slice(0, 40)}`;
      return { what, ratio, size: parseFloat(style.fontSize) };
    });
})()"""
OVERFLOWING = """[...document.querySelectorAll("g.node")].flatMap((node) => {
  const box = node.querySelector(".box").getBoundingClientRect();
  const texts = [...node.querySelectorAll("text")];
  return texts.filter((text) => text.getBoundingClientRect().right > box.right + 1).map((text) => text.textContent);
})"""
VISIBLE_ROWS = "document.querySelectorAll('tbody tr:not([hidden])').length"
FIND = """(() => {{
  const box = document.querySelector("input");
  box.value = {!r};
  box.dispatchEvent(new Event("input"));
}})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not find_browser():
        if os.geteuid() != 0:
            pytest.skip("there is no Chromium here, and only root can install it")
        try:
            install_browser()
        except ClusterError as error:
            pytest.skip(f"Chromium cannot be had here: {error}")
    found = Browser(find_browser())
    yield found
    found.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    lost: dict[str, Any] = {**given_clusters("lost")[0], "diagnosis": {"msg": "no answer"}, "drift": {}}
    written(folder, *given_clusters(), lost)
    return (folder / "page.html").as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_stands_out_from_its_ground(dark: bool, browser: Browser, page: str) -> None:
    browser.open(page, dark)
    found = browser.evaluate(COLOURS)
    assert len(found) > 60
    assert [one for one in found if one["ratio"] < (LARGE_ENOUGH if one["size"] >= 24 else ENOUGH)] == []


def test_light_and_dark_differ(browser: Browser, page: str) -> None:
    grounds = set()
    for dark in (False, True):
        browser.open(page, dark)
        grounds.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_nothing_is_fetched_and_nothing_is_wrong(browser: Browser, page: str) -> None:
    browser.open(page)
    assert [url for url in browser.requested_addresses if not url.startswith(("file:", "data:"))] == []
    assert browser.complaints == []


@pytest.mark.parametrize("width", [1280, 600])
def test_the_page_is_as_wide_as_the_window_and_texts_as_their_boxes(width: int, browser: Browser, page: str) -> None:
    browser.open(page, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(OVERFLOWING) == []


def test_the_search_hides_what_does_not_have_all_words(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.evaluate("document.getElementById('search').hidden") is False
    every = browser.evaluate(VISIBLE_ROWS)
    browser.evaluate(FIND.format("gateway PROD"))
    found = browser.evaluate("[...document.querySelectorAll('tbody tr:not([hidden])')].map((row) => row.textContent)")
    assert 0 < len(found) < every
    assert all("gateway" in text for text in found)
    assert browser.evaluate("document.querySelector('output').value").endswith("rows")
    assert browser.evaluate("document.querySelectorAll('g.node.dim').length") > 0
    browser.evaluate(FIND.format(""))
    assert browser.evaluate(VISIBLE_ROWS) == every


def test_without_javascript_all_of_it_is_there(browser: Browser, page: str) -> None:
    browser.open(page)
    rows = browser.evaluate(VISIBLE_ROWS)
    browser.open(page, scripts=False)
    body = browser.send_command("DOM.getDocument", depth=-1)["root"]
    counted = browser.send_command("DOM.querySelectorAll", nodeId=body["nodeId"], selector="tbody tr:not([hidden])")
    assert len(counted["nodeIds"]) == rows


def test_hostile_names_run_nothing(browser: Browser, tmp_path: Path) -> None:
    hostile = "<script>window.bad = 1</script><img src=x onerror='window.bad = 1'>"
    written(tmp_path, *given_clusters(hostile, hostile), title=hostile)
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.evaluate("window.bad === undefined && document.images.length === 0") is True
