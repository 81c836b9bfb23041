# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights by component, and those that are missing as people and roles say them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.rights import Right, missing, needed

CONFIG: dict[str, Any] = {
    "receivers": {"kubelet_stats": {}, "k8s_events": {}, "otlp": {}},
    "processors": {"k8s_attributes": {"extract": {"metadata": ["k8s.pod.name"]}}},
    "service": {"pipelines": {"logs": {"receivers": ["kubelet_stats", "otlp"], "processors": ["k8s_attributes"]}}},
}
STATS = Right("get", "", "nodes/stats")


def test_only_components_in_use_need_rights() -> None:
    assert set(needed(CONFIG)) == {"receivers/kubelet_stats", "processors/k8s_attributes"}
    assert needed(CONFIG)["receivers/kubelet_stats"] == [STATS]
    assert needed({}) == {}


def test_a_right_is_asked_as_the_api_server_wants_it() -> None:
    assert STATS.attributes() == {
        "resourceAttributes": {"verb": "get", "resource": "nodes", "subresource": "stats", "namespace": ""}
    }
    assert Right("get", "", "", path="/metrics").attributes("x") == {
        "nonResourceAttributes": {"verb": "get", "path": "/metrics"}
    }
    assert Right("list", "apps", "replicasets").attributes("ns")["resourceAttributes"]["namespace"] == "ns"


def test_what_is_missing_is_merged() -> None:
    rights = [Right(verb, "apps", name) for name in ("daemonsets", "jobs") for verb in ("get", "list")]
    (row,) = missing({"receivers/x": [*rights, STATS]}, dict.fromkeys(rights, "none"), "sa", "ns")
    assert row["missing"] == "get, list daemonsets.apps, jobs.apps"
    assert row["rules"] == [{"apiGroups": ["apps"], "resources": ["daemonsets", "jobs"], "verbs": ["get", "list"]}]
    assert (row["about"], row["id"], row["account"], row["state"]) == ("receivers/x", "x", "sa", "none")


def test_names_and_urls_stay_in_rules() -> None:
    named, url = Right("get", "", "configmaps", "a"), Right("get", "", "", path="/metrics")
    (row,) = missing({"x/y": [named, url]}, {named: "namespace", url: "namespace"}, "sa", "ns")
    assert row["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["a"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    assert row["missing"] == "get configmaps, /metrics"
