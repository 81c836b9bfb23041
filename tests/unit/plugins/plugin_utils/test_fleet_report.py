# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page itself: whole, safe whatever names are, and of use to everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.checks_start import CHANGE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _fleet_report
from hypothesis import given
from hypothesis import strategies as st

from tests.support.html import Page, read
from tests.unit.plugins.module_utils._report.helpers import Fleet, config, to
from tests.unit.plugins.module_utils._report.test_page_model import FINDING, diagnosed

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(1)>'{{ 7*7 }}</style></title>&amp;"""
WHOLE: dict[str, Any] = {"problem": "", "products": {}, "asked": True}


def summaries(fleet: Fleet) -> list[dict[str, Any]]:
    """Return what otel_render says of collectors; JSON is YAML."""
    configs = fleet.configs
    return [item | {"config": json.dumps(configs[f"{item['namespace']}/{item['name']}"])} for item in fleet.collectors]


def given_clusters(name: str = "prod", text: str = "m", **more: Any) -> list[dict[str, Any]]:
    fleet = Fleet().add("agent", to("gateway:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": [FINDING | {"message": text}]}
    objects = [{"action": "changed", "kind": text, "namespace": text, "name": text}]
    found = diagnosed(agent="error", gateway="healthy")
    found["collectors"][0] |= {"verdict": [text], "image": text}
    drift = {"ready": True, "objects": objects}
    return [{"name": name, "rendered": rendered, "diagnosis": found, "drift": drift, **WHOLE, **more}]


def test_the_page_counts_the_collectors_that_planned_versions_break(tmp_path: Path) -> None:
    batched = to("otlp.example.com:443") | {"processors": {"batch": None}}
    batched["service"]["pipelines"]["traces"]["processors"] = ["batch"]
    fleet = Fleet().add("a", batched).add("b", to("otlp.example.com:443"))
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": []}
    cluster = {"name": "prod", "rendered": rendered, **WHOLE}
    _fleet_report.report({"clusters": [cluster], "path": str(tmp_path / "p.html"), "title": "", "time": ""}, False)
    text = (tmp_path / "p.html").read_text()
    for version in ("0.171.0", "0.177.0"):
        assert f"Collectors that {version} breaks" in text
    assert "in prod " in text and "1 of 2: 1 of namespace obs (obs/a)" in text


def written(folder: Path, *clusters: dict[str, Any], **more: str) -> str:
    path = folder / "page.html"
    arguments = {"clusters": clusters, "path": str(path), "title": "Fleet", "time": "now", **more}
    _fleet_report.report(arguments, check=False)
    return path.read_text(encoding="utf-8")


def page(folder: Path, *clusters: dict[str, Any], **more: str) -> Page:
    return read(written(folder, *(clusters or given_clusters()), **more))


def test_it_is_well_formed_and_all_its_links_lead_somewhere(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert found.faults == []
    assert len(found.ids) == len(set(found.ids))
    assert [link for link in found.links if link.startswith("#") and link[1:] not in found.ids] == []


CHANGED = "a change has been under way since 2026-01-01, as ConfigMap agent-change records"


@pytest.mark.parametrize("verdict", [f"{CHANGED} → run `site`", "agent crashes"])
def test_a_change_that_is_not_complete_is_counted_and_shown_also_behind_an_error(verdict: str, tmp_path: Path) -> None:
    (prod,) = given_clusters(text=verdict)
    prod["diagnosis"]["collectors"][0]["problems"] = [{"id": CHANGE, "message": CHANGED}]
    prod["rendered"]["findings"], prod["drift"] = [], {}
    found = page(tmp_path, prod)
    tiles = [element.text for element in found.all("li") if "changes not complete" in element.text]
    assert tiles == ["1 changes not complete"]
    assert any("change not complete" in element.text and "error" in element.text for element in found.all("td"))
    shown = [element.text for element in found.all("a", "div") if CHANGED in element.text]
    assert len(shown) >= 2, "among what needs attention, and in the row of the collector"


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    text = written(tmp_path, *given_clusters())
    found = read(text)
    assert (found.loads, found.handlers) == ([], [])
    assert {link for link in found.links if not link.startswith("#")} == {"data:,"}
    assert not re.search(r"@import|url\((?!#)|https?:", text)


def test_the_policy_admits_our_style_and_script_and_no_others(tmp_path: Path) -> None:
    found = page(tmp_path)
    (policy,) = (one.attributes["content"] for one in found.all("meta") if "http-equiv" in one.attributes)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for element in found.all("style", "script"):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{element.name}-src 'sha256-{digest}'" in policy
    assert [len(found.all(name)) for name in ("style", "script")] == [1, 1]
    assert [element for element in found.elements if "style" in element.attributes] == []


@pytest.mark.parametrize("where", ["name", "text", "problem", "title", "time"])
def test_hostile_text_is_text(where: str, tmp_path: Path) -> None:
    in_cluster = {where: HOSTILE} if where in ("name", "text", "problem") else {}
    more = {where: HOSTILE} if where in ("title", "time") else {}
    found = page(tmp_path, *given_clusters(**in_cluster), **more)
    assert (found.faults, found.handlers, found.loads) == ([], [], [])
    assert len(found.all("script")) == 1
    assert found.all("img") == []
    assert any(HOSTILE in element.text for element in found.all("h1", "h2", "p", "th", "td"))


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_names_are_the_page_is_whole(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    found = page(tmp_path_factory.mktemp("page"), *given_clusters(name, text))
    assert found.faults == []


def test_headings_follow_each_other_and_tables_have_heads(tmp_path: Path) -> None:
    found = page(tmp_path)
    levels = [int(element.name[1]) for element in found.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(found.all("table")) == len(found.all("thead")) == len(found.all("tbody"))
    assert all(element.attributes.get("scope") in ("col", "row") for element in found.all("th"))


def test_the_picture_says_what_it_shows(tmp_path: Path) -> None:
    found = page(tmp_path)
    for svg in found.all("svg"):
        assert all(name in found.ids for name in svg.attributes["aria-labelledby"].split())
    assert len(found.all("svg")) == len(found.all("desc")) == 1
    assert all(element.attributes["lang"] == "en" for element in found.all("html"))


def test_without_javascript_nothing_is_hidden_but_the_search(tmp_path: Path) -> None:
    hidden = [element for element in page(tmp_path).elements if "hidden" in element.attributes]
    assert [element.attributes["id"] for element in hidden] == ["search"]


def test_the_same_input_gives_the_same_page_and_changes_nothing(tmp_path: Path) -> None:
    arguments = {"clusters": given_clusters(), "path": str(tmp_path / "a" / "page.html"), "title": "t", "time": ""}
    assert _fleet_report.report(arguments, check=True)["changed"]
    assert not (tmp_path / "a").exists()
    assert _fleet_report.report(arguments, check=False)["changed"]
    assert not _fleet_report.report(arguments, check=False)["changed"]
    assert not _fleet_report.report(arguments, check=True)["changed"]


def test_its_result_names_what_could_not_be_read_or_rendered(tmp_path: Path) -> None:
    lost = {**given_clusters("lost")[0], "diagnosis": {"msg": "no answer"}, "drift": {}}
    odd = {"name": "odd", "rendered": {}, **WHOLE, "problem": "no recipe", "asked": False}
    arguments = {"clusters": [lost, odd], "path": str(tmp_path / "page.html"), "title": "t", "time": ""}
    result = _fleet_report.report(arguments, check=False)
    assert result["unread"] == [{"name": "lost", "why": "how the collectors are: no answer"}]
    assert result["unrendered"] == [{"name": "odd", "why": "no recipe"}]
    assert result["msg"].startswith("2 collectors in 2 clusters, 1 error and 0 warnings in their configs, 1 cluster")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = {"clusters": [], "path": str(tmp_path / "file" / "page.html"), "title": "t", "time": ""}
    with pytest.raises(Problem, match="cannot create the folder"):
        _fleet_report.report(arguments, check=False)


def test_two_hundred_collectors_are_read_in_one_picture(tmp_path: Path) -> None:
    fleet = Fleet().add("hub", config({"debug": {}}))
    for number in range(199):
        fleet.add(f"app-{number:03}", to("hub:4317"))
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": []}
    found = page(tmp_path, {"name": "big", "rendered": rendered, **WHOLE})
    assert found.faults == []
    assert len([one for one in found.all("g") if one.attributes["class"].startswith("node")]) <= 3
    assert len(found.all("tr")) > 400
