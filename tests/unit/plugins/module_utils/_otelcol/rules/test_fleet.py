# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on several collectors together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector import conflicts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_ports import CollectorPort

from ...helpers import cases, collector

OTLP = CollectorPort("otlp", 4317)
METRICS = CollectorPort("metrics", 8888, is_exposed=False)
JAEGER = CollectorPort("jaeger", 4317, "UDP")


def member(name: str, *ports: CollectorPort, mode: str = "daemonset", **options: Any) -> conflicts.PortOwner:
    return conflicts.PortOwner(collector(name=name, mode=mode, **options), ports)


def test_collectors_of_one_name_may_live_in_two_namespaces() -> None:
    conflicts.check_conflicts([member("a"), member("a", namespace="other")])


def test_two_of_one_name_in_one_namespace_are_refused() -> None:
    with pytest.raises(Problem, match=r"two collectors are named 'a' in namespace 'telemetry'\. Rename one\."):
        conflicts.check_conflicts([member("a"), member("b"), member("a", mode="deployment")])


def test_two_that_would_select_each_others_pods_are_refused() -> None:
    with pytest.raises(Problem, match=r"'a' and 'b' would select each other's pods.*Give each its own `instance`"):
        conflicts.check_conflicts([member("a", instance="x"), member("b", instance="x")])


def test_an_agent_and_a_gateway_may_share_an_instance() -> None:
    conflicts.check_conflicts([member("a", OTLP, instance="x"), member("b", OTLP, instance="x", mode="deployment")])


@pytest.mark.parametrize("name", ["a-collector", "a-collector-headless", "a-targetallocator"])
def test_what_the_operator_makes_needs_its_name(name: str) -> None:
    one, two = member("a", backend="operator"), member(name)
    for pair in ([one, two], [two, one]):
        with pytest.raises(Problem, match=f"'{name}' has the name that the operator gives.* of collector 'a'"):
            conflicts.check_conflicts(pair)
    conflicts.check_conflicts([member("a"), two])
    conflicts.check_conflicts([one, member(name, namespace="other")])


SHARING = [
    ("two agents", member("a", OTLP), member("b", OTLP)),
    ("host networks", member("a", METRICS, host_network=True), member("b", METRICS, host_network=True)),
    ("a host network and an agent", member("a", OTLP, host_network=True), member("b", OTLP)),
    ("perhaps one node", member("a", OTLP, node_selector={"x": "1"}), member("b", OTLP, node_selector={"y": "2"})),
    ("a gateway on the node", member("a", OTLP, mode="deployment", host_ports=True), member("b", OTLP)),
]
APART = [
    ("other ports", member("a", OTLP), member("b", CollectorPort("zipkin", 9411))),
    ("other protocols", member("a", OTLP), member("b", JAEGER)),
    ("other protocols of a host network", member("a", OTLP, host_network=True), member("b", JAEGER, host_network=True)),
    ("other nodes", member("a", OTLP, node_selector={"x": "1"}), member("b", OTLP, node_selector={"x": "2"})),
    ("nodes of Windows", member("a", OTLP, node_selector={"kubernetes.io/os": "windows"}), member("b", OTLP)),
    ("ports of pods", member("a", OTLP), member("b", OTLP, host_ports=False)),
    ("ports that are not exposed", member("a", METRICS), member("b", METRICS)),
    ("a gateway", member("a", OTLP), member("b", OTLP, mode="deployment")),
]


@cases("one, two", *(row[1:] for row in SHARING), ids=[row[0] for row in SHARING])
def test_one_port_of_a_node_is_opened_once(one: conflicts.PortOwner, two: conflicts.PortOwner) -> None:
    with pytest.raises(Problem) as refused:
        conflicts.check_conflicts([one, two])
    number = one.ports[0].number
    assert refused.value.wrong == f"'a' and 'b' both open {number}/TCP on the node"
    assert "node_selectors" in refused.value.fix


@cases("one, two", *(row[1:] for row in APART), ids=[row[0] for row in APART])
def test_what_never_meets_does_not_clash(one: conflicts.PortOwner, two: conflicts.PortOwner) -> None:
    conflicts.check_conflicts([one, two])


def test_five_clashes_are_named_at_once_and_the_others_counted() -> None:
    members = [member(name, OTLP, CollectorPort("zipkin", 9411)) for name in "abcd"]
    with pytest.raises(Problem) as refused:
        conflicts.check_conflicts(members)
    assert refused.value.wrong.count("both open") == 5
    assert "; and 7 more. " in str(refused.value)


def thing(kind: str, name: str, namespace: str | None = "n", **more: Any) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"kind": kind, "metadata": {"name": name, **place}, **more}


def test_an_object_that_is_shared_is_there_once_and_first() -> None:
    namespace, one, two = thing("Namespace", "n", None), thing("Service", "a"), thing("Service", "a", "m")
    assert conflicts.merge_manifests([namespace, one, namespace, two, one]) == [namespace, one, two]


def test_kinds_of_one_name_in_two_groups_are_two_objects() -> None:
    one, two = ({**thing("Service", "a"), "apiVersion": version} for version in ("v1", "serving.knative.dev/v1"))
    assert conflicts.merge_manifests([one, two]) == [one, two]


def test_objects_that_two_want_to_be_different_are_named() -> None:
    with pytest.raises(Problem, match=r"two collectors define ServiceAccount 'a' in namespace 'n' differently\. Give"):
        conflicts.merge_manifests([thing("ServiceAccount", "a"), thing("ServiceAccount", "a", x=1)])
