# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms as data, the page about them, and what follows from them."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.platform import Platform
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render, _sources, _target

from .role import PLATFORMS, ROOT
from .source import files

ABILITIES = {"daemonsets", "host_paths", "host_paths_writable", "host_ports", "host_network"}
PAGE = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")


def rendered(platform: str, *recipes: Any, **options: Any) -> list[dict[str, Any]]:
    item = {"name": "one", "mode": "daemonset", "platform": platform, "recipes": [*recipes, "debug_output"], **options}
    made: list[dict[str, Any]] = _render.bundle(_render.plan(_render.Request([item], {"namespace": "a"})))["manifests"]
    return made


def of_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in manifests if item["kind"] == kind]
    return found


def test_generic_facts_are_the_abilities_that_a_place_has_by_itself() -> None:
    facts = {key: tuple(value) if isinstance(value, list) else value for key, value in PLATFORMS["generic"].items()}
    own = {key: value for key, value in asdict(Platform()).items() if key != "name"}
    assert {key: facts[key] for key in own} == own


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_says_what_there_is_instead_of_each_ability_that_it_lacks(name: str) -> None:
    platform = asdict(Platform.from_facts(name, _sources.platform(name, _sources.find([], "platforms"))))
    lacking = {
        ability for ability in ABILITIES if platform[ability] in (False, ()) or platform[ability] == ("/var/log",)
    }
    said = set(platform["instead"])
    assert said <= lacking
    # Who may mount nothing has nothing to write to.
    assert lacking - said <= ({"host_paths_writable"} if platform["host_paths"] == () else set())


@pytest.mark.parametrize("name", PLATFORMS)
def test_its_detectors_are_those_of_the_processor(name: str) -> None:
    settings = (_target.tables().fields("processors", "resource_detection") or {})["fields"]
    known = {key for key, shape in settings.items() if "resource_attributes" in shape} | {"env"}  # it has no settings
    assert set(PLATFORMS[name].get("resource_detectors", [])) <= known


def test_the_page_has_a_row_for_each() -> None:
    (table,) = re.findall(r"^\| platform \| what differs \|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(PLATFORMS), "the first table of docs/platforms.md needs one row for each platform"


def test_every_file_of_a_platform_is_found() -> None:
    folder = "roles/otel_collector/platforms"
    assert set(files(f"{folder}/*")) == {f"{folder}/{name}.yml" for name in PLATFORMS}


@pytest.mark.parametrize("name", PLATFORMS)
def test_its_distribution_is_one_that_the_receiver_k8s_cluster_takes(name: str) -> None:
    """Source: receiver/k8sclusterreceiver/config.go of contrib."""
    assert PLATFORMS[name].get("cluster_distribution", "kubernetes") in ("kubernetes", "openshift")


@pytest.mark.parametrize(
    ("platform", "options", "verified", "mounted"),
    [
        ("generic", {}, False, False),
        ("k3s", {}, True, False),
        ("openshift", {}, False, False),
        ("openshift", {"ca_config_map": "kubelet-serving-ca"}, True, True),
    ],
)
def test_kubelets_are_verified_where_their_ca_is_at_hand(
    platform: str, options: dict[str, str], verified: bool, mounted: bool
) -> None:
    manifests = rendered(platform, {"kubelet_metrics": options})
    text = of_kind(manifests, "ConfigMap")["data"]["config"]
    assert f"insecure_skip_verify: {str(not verified).lower()}" in text
    volumes = of_kind(manifests, "DaemonSet")["spec"]["template"]["spec"]["volumes"]
    names = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    assert ("kubelet-serving-ca" in names) is mounted


def test_where_nodes_have_no_ports_agents_have_a_service_of_their_node() -> None:
    manifests = rendered("gke_autopilot", "otlp_ingest", "pod_logs")
    service, agent = of_kind(manifests, "Service"), of_kind(manifests, "DaemonSet")
    spec = agent["spec"]["template"]["spec"]
    assert service["spec"]["internalTrafficPolicy"] == "Local"
    assert not any("hostPort" in port for port in spec["containers"][0]["ports"])
    assert {"name": "state", "emptyDir": {}} in spec["volumes"]
