# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that components of a config need, and those that an account lacks."""

from __future__ import annotations

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import component_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right

CONFIG = yaml.safe_load("""
receivers: {kubelet_stats: {}, k8s_events: {}, otlp: {}}
processors: {k8s_attributes: {extract: {metadata: [k8s.pod.name]}}}
service: {pipelines: {logs: {receivers: [kubelet_stats, otlp], processors: [k8s_attributes]}}}
""")
STATS = Right("get", "", "nodes/stats")


def test_components_in_use_need_rights_which_are_asked_as_the_api_server_wants_it() -> None:
    assert set(component_rights.list_needed_rights(CONFIG)) == {"receivers/kubelet_stats", "processors/k8s_attributes"}
    assert component_rights.list_needed_rights(CONFIG)["receivers/kubelet_stats"] == [STATS]
    assert component_rights.list_needed_rights({}) == {}
    attributes = {"verb": "get", "resource": "nodes", "subresource": "stats", "namespace": ""}
    assert STATS.build_attributes() == {"resourceAttributes": attributes}
    metrics = {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}
    assert Right("get", "", "", path="/metrics").build_attributes("x") == metrics
    assert Right("list", "apps", "replicasets").build_attributes("ns")["resourceAttributes"]["namespace"] == "ns"


def test_what_is_missing_is_merged_and_keeps_names_and_urls() -> None:
    rights = [Right(verb, "apps", name) for name in ("daemonsets", "jobs") for verb in ("get", "list")]
    (row,) = component_rights.find_missing_rights(
        {"receivers/x": [*rights, STATS]}, dict.fromkeys(rights, "none"), "sa", "ns"
    )
    assert row["missing"] == "get, list daemonsets.apps, jobs.apps"
    assert row["rules"] == [{"apiGroups": ["apps"], "resources": ["daemonsets", "jobs"], "verbs": ["get", "list"]}]
    assert (row["about"], row["id"], row["account"], row["state"]) == ("receivers/x", "x", "sa", "none")
    named, url = Right("get", "", "configmaps", "a"), Right("get", "", "", path="/metrics")
    (row,) = component_rights.find_missing_rights(
        {"x/y": [named, url]}, {named: "namespace", url: "namespace"}, "sa", "ns"
    )
    assert row["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["a"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    assert row["missing"] == "get configmaps, /metrics"
