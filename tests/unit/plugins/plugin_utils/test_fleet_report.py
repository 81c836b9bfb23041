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
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.checks_start import CHANGE_CHECK_ID
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._report.fleet_waves import FleetWaves
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _fleet_report
from hypothesis import given
from hypothesis import strategies as st

from tests.support.html import Page, parse_page
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
    _fleet_report.write_fleet_report(
        {"clusters": [cluster], "path": str(tmp_path / "p.html"), "title": "", "time": ""}, False
    )
    text = (tmp_path / "p.html").read_text()
    for version in ("0.171.0", "0.177.0"):
        assert f"Collectors that {version} breaks" in text
    assert "in prod " in text and "1 of 2: 1 of namespace obs (obs/a)" in text


def written(folder: Path, *clusters: dict[str, Any], **more: str) -> str:
    path = folder / "page.html"
    arguments = {"clusters": clusters, "path": str(path), "title": "Fleet", "time": "now", **more}
    _fleet_report.write_fleet_report(arguments, check=False)
    return path.read_text(encoding="utf-8")


def page(folder: Path, *clusters: dict[str, Any], **more: str) -> Page:
    return parse_page(written(folder, *(clusters or given_clusters()), **more))


def test_it_is_well_formed_and_all_its_links_lead_somewhere(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert found.faults == []
    assert len(found.ids) == len(set(found.ids))
    assert [link for link in found.links if link.startswith("#") and link[1:] not in found.ids] == []


CHANGED = "a change has been under way since 2026-01-01, as ConfigMap agent-change records"


@pytest.mark.parametrize("verdict", [f"{CHANGED} → run `site`", "agent crashes"])
def test_a_change_that_is_not_complete_is_counted_and_shown_also_behind_an_error(verdict: str, tmp_path: Path) -> None:
    (prod,) = given_clusters(text=verdict)
    prod["diagnosis"]["collectors"][0]["problems"] = [{"id": CHANGE_CHECK_ID, "message": CHANGED}]
    prod["rendered"]["findings"], prod["drift"] = [], {}
    found = page(tmp_path, prod)
    tiles = [element.text for element in found.find_elements("li") if "changes not complete" in element.text]
    assert tiles == ["1 changes not complete"]
    assert any(
        "change not complete" in element.text and "error" in element.text for element in found.find_elements("td")
    )
    shown = [element.text for element in found.find_elements("a", "div") if CHANGED in element.text]
    assert len(shown) >= 2, "among what needs attention, and in the row of the collector"


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    text = written(tmp_path, *given_clusters())
    found = parse_page(text)
    assert (found.loaded_addresses, found.script_attributes) == ([], [])
    assert {link for link in found.links if not link.startswith("#")} == {"data:,"}
    assert not re.search(r"@import|url\((?!#)|https?:", text)


def test_the_policy_admits_our_style_and_script_and_no_others(tmp_path: Path) -> None:
    found = page(tmp_path)
    (policy,) = (one.attributes["content"] for one in found.find_elements("meta") if "http-equiv" in one.attributes)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for element in found.find_elements("style", "script"):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{element.name}-src 'sha256-{digest}'" in policy
    assert [len(found.find_elements(name)) for name in ("style", "script")] == [1, 1]
    assert [element for element in found.elements if "style" in element.attributes] == []


@pytest.mark.parametrize("where", ["name", "text", "problem", "title", "time"])
def test_hostile_text_is_text(where: str, tmp_path: Path) -> None:
    in_cluster = {where: HOSTILE} if where in ("name", "text", "problem") else {}
    more = {where: HOSTILE} if where in ("title", "time") else {}
    found = page(tmp_path, *given_clusters(**in_cluster), **more)
    assert (found.faults, found.script_attributes, found.loaded_addresses) == ([], [], [])
    assert len(found.find_elements("script")) == 1
    assert found.find_elements("img") == []
    assert any(HOSTILE in element.text for element in found.find_elements("h1", "h2", "p", "th", "td"))


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_names_are_the_page_is_whole(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    found = page(tmp_path_factory.mktemp("page"), *given_clusters(name, text))
    assert found.faults == []


def test_headings_follow_each_other_and_tables_have_heads(tmp_path: Path) -> None:
    found = page(tmp_path)
    levels = [int(element.name[1]) for element in found.find_elements("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(found.find_elements("table")) == len(found.find_elements("thead")) == len(found.find_elements("tbody"))
    assert all(element.attributes.get("scope") in ("col", "row") for element in found.find_elements("th"))


def test_the_picture_says_what_it_shows(tmp_path: Path) -> None:
    found = page(tmp_path)
    for svg in found.find_elements("svg"):
        assert all(name in found.ids for name in svg.attributes["aria-labelledby"].split())
    assert len(found.find_elements("svg")) == len(found.find_elements("desc")) == 1
    assert all(element.attributes["lang"] == "en" for element in found.find_elements("html"))


def test_without_javascript_nothing_is_hidden_but_the_search(tmp_path: Path) -> None:
    hidden = [element for element in page(tmp_path).elements if "hidden" in element.attributes]
    assert [element.attributes["id"] for element in hidden] == ["search"]


def test_the_same_input_gives_the_same_page_and_changes_nothing(tmp_path: Path) -> None:
    arguments = {"clusters": given_clusters(), "path": str(tmp_path / "a" / "page.html"), "title": "t", "time": ""}
    assert _fleet_report.write_fleet_report(arguments, check=True)["changed"]
    assert not (tmp_path / "a").exists()
    assert _fleet_report.write_fleet_report(arguments, check=False)["changed"]
    assert not _fleet_report.write_fleet_report(arguments, check=False)["changed"]
    assert not _fleet_report.write_fleet_report(arguments, check=True)["changed"]


def test_its_result_names_what_could_not_be_read_or_rendered(tmp_path: Path) -> None:
    lost = {**given_clusters("lost")[0], "diagnosis": {"msg": "no answer"}, "drift": {}}
    odd = {"name": "odd", "rendered": {}, **WHOLE, "problem": "no recipe", "asked": False}
    arguments = {"clusters": [lost, odd], "path": str(tmp_path / "page.html"), "title": "t", "time": ""}
    result = _fleet_report.write_fleet_report(arguments, check=False)
    assert result["unread"] == [{"name": "lost", "why": "how the collectors are: no answer"}]
    assert result["unrendered"] == [{"name": "odd", "why": "no recipe"}]
    assert result["msg"].startswith("2 collectors in 2 clusters, 1 error and 0 warnings in their configs, 1 cluster")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = {"clusters": [], "path": str(tmp_path / "file" / "page.html"), "title": "t", "time": ""}
    with pytest.raises(Problem, match="cannot create the folder"):
        _fleet_report.write_fleet_report(arguments, check=False)


def test_two_hundred_collectors_are_read_in_one_picture(tmp_path: Path) -> None:
    fleet = Fleet().add("hub", config({"debug": {}}))
    for number in range(199):
        fleet.add(f"app-{number:03}", to("hub:4317"))
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": []}
    found = page(tmp_path, {"name": "big", "rendered": rendered, **WHOLE})
    assert found.faults == []
    assert len([one for one in found.find_elements("g") if one.attributes["class"].startswith("node")]) <= 3
    assert len(found.find_elements("tr")) > 400


def service(name: str, **more: Any) -> dict[str, Any]:
    """Return what host_render says of a collector; JSON is YAML."""
    named = {"name": name, "service": f"otelcol-{name}.service", "program": "contrib 0.158.0"}
    return {**named, "config": json.dumps(to("otlp.example.com:443")), **more}


def told_by_host(name: str, status: str, **more: Any) -> dict[str, Any]:
    """Return what host_diagnose says of a collector."""
    said = {"name": name, "namespace": "web1", "kind": "service", "status": status, "ready_text": "running"}
    known = {"release": "000002", "differs": [], "verdict": [f"{name} is {status}"], "problems": [], "unseen": []}
    return {**said, **known, **more}


def host(*collectors: dict[str, Any], **more: Any) -> dict[str, Any]:
    rendered = {"collectors": list(collectors), "findings": []}
    return {"name": "web1", "asked": True, "problem": "", "rendered": rendered, **more}


def of_hosts(folder: Path, *hosts: dict[str, Any]) -> tuple[Page, dict[str, Any]]:
    """Return the page of these hosts alone, and the result of its module."""
    path = folder / "hosts.html"
    arguments = {"clusters": [], "hosts": list(hosts), "path": str(path), "title": "Fleet", "time": "now"}
    done = _fleet_report.write_fleet_report(arguments, check=False)
    return parse_page(path.read_text(encoding="utf-8")), done


def rows_of(page: Page) -> list[str]:
    return [element.text for element in page.find_elements("tr") if "otelcol-" in element.text]


def test_a_host_has_a_row_for_each_collector_with_its_release_and_what_differs(tmp_path: Path) -> None:
    found = {
        "verdict": [],
        "collectors": [
            told_by_host("agent", "healthy"),
            told_by_host("gateway", "error", differs=["config.yaml"], release="000007"),
        ],
    }
    page, done = of_hosts(tmp_path, host(service("agent"), service("gateway"), diagnosis=found))
    assert page.faults == []
    agent, gateway = rows_of(page)
    for text in ("web1", "agent", "contrib 0.158.0", "000002", "healthy", "none"):
        assert text in agent, agent
    for text in ("000007", "error", "gateway is error", "config.yaml"):
        assert text in gateway, gateway
    assert "web1/gateway: gateway is error" in "".join(element.text for element in page.find_elements("li"))
    assert done["msg"].startswith("2 collectors in 1 host, ") and done["unread"] == []
    counts = {name: done["summary"][name] for name in ("hosts", "unread_hosts", "healthy", "ailing", "drift")}
    assert counts == {"hosts": 1, "unread_hosts": 0, "healthy": 1, "ailing": 1, "drift": 1}


@pytest.mark.parametrize(
    ("diagnosis", "why"),
    [
        ({"unreachable": True, "msg": "no route to host"}, "the host cannot be reached: no route to host"),
        ({"failed": True, "msg": "Missing sudo password"}, "Missing sudo password"),
        ({}, "the host gave no reason"),
    ],
)
def test_a_host_that_cannot_be_read_is_named_with_the_reason(
    diagnosis: dict[str, Any], why: str, tmp_path: Path
) -> None:
    page, done = of_hosts(tmp_path, host(service("agent"), diagnosis=diagnosis))
    said = f"how the collectors are: {why}"
    assert done["unread"] == [{"name": "web1", "why": said}]
    assert f"web1 could not be read: {said}" in "".join(element.text for element in page.find_elements("section"))
    assert f"web1 cannot read {said}" in "".join(element.text for element in page.find_elements("li"))
    (row,) = rows_of(page)
    assert row.count("not read") == 3, row
    assert done["summary"]["unseen"] == 1


def test_a_host_without_collectors_and_one_that_cannot_be_rendered_are_named(tmp_path: Path) -> None:
    broken = {"name": "odd", "asked": False, "problem": "there is no recipe", "rendered": {}}
    page, done = of_hosts(tmp_path, host(diagnosis={"verdict": [], "collectors": []}), broken)
    told = "".join(element.text for element in page.find_elements("section"))
    assert "web1: The inventory has no collector for it." in told
    assert "odd: its collectors cannot be rendered: there is no recipe" in told
    assert done["unrendered"] == [{"name": "odd", "why": "there is no recipe"}]


def test_the_page_shows_no_secret_of_a_host_and_no_html_of_its_names(tmp_path: Path) -> None:
    secret = config({"otlp_http": {"endpoint": "https://x", "headers": {"api_key": "hunter2secretvalue"}}})
    found = {"verdict": [], "collectors": [told_by_host("agent", "error", verdict=["hunter2secretvalue", HOSTILE])]}
    page, _done = of_hosts(tmp_path, host(service("agent", config=json.dumps(secret)), diagnosis=found, name=HOSTILE))
    assert page.faults == []
    assert list(page.find_elements("img")) == []
    assert "hunter2secretvalue" not in (tmp_path / "hosts.html").read_text(encoding="utf-8")


# ── Waves ──


def row_of(page: Page, start: str) -> str:
    return next(
        " ".join(element.text.split()) for element in page.find_elements("tr") if element.text.startswith(start)
    )


def test_the_fleet_is_shown_by_wave_with_versions_states_and_what_has_passed(tmp_path: Path) -> None:
    passed = {"wave": "first", "verdict": "passed", "by": "ada", "when": "2027-01-15T08:00:00Z"}
    found = {
        "verdict": [],
        "collectors": [
            told_by_host("agent", "healthy", wave=passed),
            told_by_host("gateway", "error", differs=["config.yaml"]),
        ],
    }
    fleet = Fleet().add("agent", to("otlp.example.com:443"))
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": []}
    arguments = {
        "clusters": [{"name": "prod", "rendered": rendered, **WHOLE}],
        "hosts": [host(service("agent"), service("gateway"), diagnosis=found)],
        "path": str(tmp_path / "page.html"),
        "title": "Fleet",
        "time": "now",
    }
    waves = FleetWaves({"first": ["web1"], "last": ["prod", "not in this report"]})
    _fleet_report.write_fleet_report(arguments, check=False, waves=waves)
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.faults == []
    version = "contrib 0.158.0 \N{MULTIPLICATION SIGN} 1contrib 0.158.0 wanted \N{MULTIPLICATION SIGN} 1"
    counts, record = "1 1 0 1", "1 of 2 collectors last 2027-01-15T08:00:00Z by ada"
    assert row_of(page, "first").replace(" ", "") == f"first1:web1{version}{counts}{record}".replace(" ", "")
    assert row_of(page, "last").startswith("last1: prod")
    assert row_of(page, "last").endswith("not read")
    assert "first2027-01-15T08:00:00Z by ada" in row_of(page, "web1agent")


def test_clusters_show_what_has_passed_their_wave(tmp_path: Path) -> None:
    passed = {"wave": "last", "verdict": "passed", "by": "ada", "when": "2027-01-15T08:00:00Z"}
    (cluster,) = given_clusters()
    cluster["diagnosis"]["collectors"][1]["wave"] = passed
    arguments = {"clusters": [cluster], "hosts": [], "path": str(tmp_path / "p.html"), "title": "Fleet", "time": "now"}
    _fleet_report.write_fleet_report(arguments, check=False, waves=FleetWaves({"first": [], "last": ["prod"]}))
    page = parse_page((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert row_of(page, "last").endswith("1 of 2 collectorslast 2027-01-15T08:00:00Z by ada")
    assert row_of(page, "first").endswith("no record")


def test_waves_that_cannot_be_planned_are_told_on_the_page(tmp_path: Path) -> None:
    arguments = {"clusters": [], "hosts": [], "path": str(tmp_path / "page.html"), "title": "Fleet", "time": "now"}
    _fleet_report.write_fleet_report(arguments, check=False, waves=FleetWaves(problem="web1 is in no wave"))
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "The waves of the inventory cannot be planned: web1 is in no wave" in [
        one.text for one in page.find_elements("p")
    ]


def test_collectors_of_hosts_are_in_the_pictures_of_what_they_send_to(tmp_path: Path) -> None:
    fleet = Fleet().add("agent", to("gateways.internal:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))
    ways = [{"sender": "obs/agent", "exporter": "otlp_grpc", "place": "gw1", "collector": "relay"}]
    rendered = {"collectors": summaries(fleet), "manifests": fleet.manifests, "findings": [], "sends_to_hosts": ways}
    to_cluster = {"exporter": "otlp_grpc", "place": "prod", "collector": "obs/gateway"}
    to_host = {"exporter": "otlp_grpc", "place": "gw1", "collector": "relay"}
    hosts = [
        host(service("agent", sends_to=[to_cluster]), name="web1"),
        host(service("agent", sends_to=[to_host]), name="web2"),
        host(service("relay", config=json.dumps(to("127.0.0.1:9999"))), name="gw1"),
    ]
    path = tmp_path / "page.html"
    clusters = [{"name": "prod", "rendered": rendered, **WHOLE}]
    _fleet_report.write_fleet_report(
        {"clusters": clusters, "hosts": hosts, "path": str(path), "title": "", "time": ""}, False
    )
    page = parse_page(path.read_text(encoding="utf-8"))
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    ways_told = [" ".join(element.text.split()) for element in page.find_elements("li") if "→" in element.text]
    assert ways_told == [
        "agent → relay: traces, logs by otlp_grpc",
        "gateway → otlp.example.com:443: traces, logs by otlp_grpc",
        "agent → gateway: by otlp_grpc",
        "relay → 127.0.0.1:9999: traces, logs by otlp_grpc",
        "agent → obs/gateway: traces, logs by otlp_grpc",
        "agent → relay: traces, logs by otlp_grpc",
    ]
    boxes = [element.text for element in page.find_elements("g") if "node" in element.attributes["class"]]
    assert any("agent (on a Linux host): on web1" in box for box in boxes)
    assert any("127.0.0.1:9999 (backend): otlp_grpc, on the same host" in box for box in boxes)
