# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a pod and what is beside it; tests/contract/test_examples.py shows whole pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.build import (
    frame_manifest,
    omit_empty,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.namespaces import (
    render_collector_namespace,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod import (
    render_config_map,
    render_pod_template,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import METADATA, PODS, SELECTOR, build, cases, manifest, running

MINE = {"labelSelector": {"matchLabels": {"a": "b"}}, "maxSkew": 2}
SPREAD = {"labelSelector": {"matchLabels": SELECTOR}, "maxSkew": 1}
HEALTH = running(extensions={"health_check": {"endpoint": "${env:MY_POD_IP}:13133", "path": "/health"}})
RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
AS_ROOT = {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}
JOURNAL = running(receivers={"journald": {}})
KEY = {"name": "s", "key": "k"}


def spec(config: Any = None, **options: Any) -> Any:
    return render_pod_template(build(config, **options))["spec"]


def container(config: Any = None, **options: Any) -> Any:
    return spec(config, **options)["containers"][0]


def test_labels_and_annotations_of_the_user_cannot_replace_ours() -> None:
    labels = {"team": "a", "component": "mine", "app.kubernetes.io/version": "9"}
    found = render_pod_template(build(pod_labels=labels, pod_annotations={"a": "b", "checksum/config": "mine"}))[
        "metadata"
    ]
    assert found["labels"] == {"team": "a", **SELECTOR, **PODS, "app.kubernetes.io/version": "1.2.3"}
    assert found["annotations"] == {"a": "b", "checksum/config": "f00"}


@cases(
    "options, on_node",
    ({"mode": "daemonset"}, True),
    ({"mode": "daemonset", "host_ports": False}, False),
    ({"mode": "deployment"}, False),
    ({"mode": "deployment", "host_ports": True}, True),
)
def test_receivers_are_opened_on_the_node_and_the_health_check_is_not(options: dict[str, Any], on_node: bool) -> None:
    config = {**HEALTH, "receivers": {"statsd": {}}}
    config["service"] = {**HEALTH["service"], "pipelines": {"metrics": {"receivers": ["statsd"], "exporters": ["nop"]}}}
    receiver = {"name": "statsd", "containerPort": 8125, "protocol": "UDP"} | ({"hostPort": 8125} if on_node else {})
    health = {"name": "healthcheck", "containerPort": 13133, "protocol": "TCP"}
    ports = container(config, **options)["ports"]
    assert sorted(ports, key=str) == sorted([receiver, health], key=str)


@cases(
    "options, field, value",
    ({"image_pull_secrets": ["a", "b"]}, "imagePullSecrets", [{"name": "a"}, {"name": "b"}]),
    ({}, "nodeSelector", {"kubernetes.io/os": "linux"}),
    ({"node_selector": {"a": "b"}}, "nodeSelector", {"kubernetes.io/os": "linux", "a": "b"}),
    ({"node_selector": {"kubernetes.io/os": "windows"}}, "nodeSelector", {"kubernetes.io/os": "windows"}),
    ({"tolerations": [{"operator": "Exists"}]}, "tolerations", [{"operator": "Exists"}]),
    ({"mode": "daemonset", "every_node": True}, "tolerations", [{"operator": "Exists"}]),
    ({"affinity": {"nodeAffinity": {}}}, "affinity", {"nodeAffinity": {}}),
    ({"priority_class_name": "high"}, "priorityClassName", "high"),
    ({"host_network": True}, "hostNetwork", True),
    ({"host_network": True}, "dnsPolicy", "ClusterFirstWithHostNet"),
    ({"termination_grace_seconds": 0}, "terminationGracePeriodSeconds", 0),
    ({"service_account_name": "shared"}, "serviceAccountName", "shared"),
    ({"topology_spread": [{"maxSkew": 1}, MINE]}, "topologySpreadConstraints", [SPREAD, MINE]),
)
def test_the_pod_is_as_asked_for(options: dict[str, Any], field: str, value: Any) -> None:
    assert spec(**options)[field] == value


def test_the_health_check_is_probed() -> None:
    get = {"path": "/health", "port": 13133}
    one = container(HEALTH)
    assert one["livenessProbe"] == {"httpGet": get, "periodSeconds": 10, "failureThreshold": 6}
    assert one["readinessProbe"] == {"httpGet": get, "periodSeconds": 2, "failureThreshold": 3}
    assert not {"livenessProbe", "readinessProbe"} & set(container())


@cases("queue, waits", ({"storage": "file_storage"}, 600), ({"queue_size": 5}, None), (None, None))
def test_a_kept_queue_has_ten_minutes_to_be_put_in_order(queue: Any, waits: int | None) -> None:
    made = container({**HEALTH, "exporters": {"otlp_grpc": {"sending_queue": queue}, "debug": None}})
    start = made.get("startupProbe")
    assert (start and start["periodSeconds"] * start["failureThreshold"]) == waits
    assert "livenessProbe" in made


@cases(
    "options, seconds",
    ({}, 5),
    ({"pre_stop_seconds": 0}, None),
    ({"pre_stop_seconds": 12}, 12),
    ({"termination_grace_seconds": 9}, 4),
    ({"termination_grace_seconds": 1}, None),
    ({"mode": "daemonset"}, None),
    ({"mode": "daemonset", "service": {"enabled": True}}, 5),
    ({"service": {"enabled": False}}, None),
    ({"config": running(receivers={"host_metrics": {}})}, None),
    ids=str,
)
def test_a_pod_behind_a_service_still_receives_until_clients_know_that_it_goes(options: Any, seconds: Any) -> None:
    found = container(**{"pre_stop_seconds": 5, **options})
    assert found.get("lifecycle") == ({"preStop": {"sleep": {"seconds": seconds}}} if seconds else None)


@cases("config, user, security", (None, None, RESTRICTED), (JOURNAL, None, AS_ROOT), (JOURNAL, 10001, AS_ROOT))
def test_the_user_follows_from_the_platform_and_the_config(config: Any, user: int | None, security: Any) -> None:
    assert render_pod_template(replace(build(config), run_as_user=user))["spec"]["securityContext"] == security


def test_a_cpu_limit_is_there_when_it_is_given() -> None:
    wanted = {"limits": {"cpu": "2", "memory": "512Mi"}, "requests": {"memory": "512Mi"}}
    assert container(cpu_limit="2", cpu_request="")["resources"] == wanted


def test_a_config_is_an_immutable_object_of_its_own_which_the_pod_names() -> None:
    named = METADATA | {"name": "gateway-0123456789"}
    new = replace(build(), config_hash="0123456789abcdef")
    assert render_config_map(new) == manifest(
        "v1", "ConfigMap", named, immutable=True, data={"config": "the: config\n"}
    )
    assert render_pod_template(new)["spec"]["volumes"][0]["configMap"]["name"] == "gateway-0123456789"


@pytest.mark.parametrize(("mode", "root"), [("daemonset", True), ("statefulset", False), ("deployment", False)])
def test_state_on_the_node_is_kept_as_root_because_its_folder_is_roots(mode: str, root: bool) -> None:
    keeping = running(extensions={"file_storage": None})
    assert (spec(keeping, mode=mode)["securityContext"].get("runAsUser") == 0) is root


def test_a_frame_may_have_a_name_of_its_own_and_a_namespace_is_the_same_for_every_collector_in_it() -> None:
    assert frame_manifest(build(), "v1", "Thing", spec={"a": 1}) == manifest("v1", "Thing", spec={"a": 1})
    one = build(annotations={"a": "all", "b": "all"})
    metadata = frame_manifest(one, "v1", "Thing", name="other", namespaced=False, annotations={"b": "own"})["metadata"]
    assert metadata == {"name": "other", "labels": METADATA["labels"], "annotations": {"a": "all", "b": "own"}}
    ours = {"app.kubernetes.io/managed-by": "o11y.opentelemetry", "o11y.opentelemetry/release": "telemetry_shared"}
    made = render_collector_namespace(build(labels={"team": "a"}, annotations={"a": "b"}))
    assert made == manifest("v1", "Namespace", {"name": "telemetry", "labels": ours})


@cases("options", {"namespace": "default"}, {"namespace": "kube-system"}, {"create_namespace": False})
def test_a_namespace_of_another_owner_is_not_among_the_objects(options: dict[str, Any]) -> None:
    assert render_collector_namespace(build(**options)) is None
    assert render_collector_namespace(build(namespace="kubeflow")) is not None


@cases(
    "value, stays",
    *((value, False) for value in (None, {}, [], "", ())),
    *((value, True) for value in (0, False, "0", [None])),
)
def test_what_says_nothing_is_left_out(value: Any, stays: bool) -> None:
    assert omit_empty(a=value) == ({"a": value} if stays else {})


def test_only_ports_of_clients_are_exposed() -> None:
    one = build(running(receivers={"zipkin": {}}, extensions={"health_check": {"endpoint": ":1"}}))
    assert [port.name for port in one.exposed_ports] == ["zipkin"]


def env(config: Any = None, **given: Any) -> dict[str, Any]:
    entries = render_pod_template(build(config, env=given))["spec"]["containers"][0]["env"]
    assert len({entry["name"] for entry in entries}) == len(entries)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


@cases(
    "given, source",
    ("text", "text"),
    ("", ""),
    (None, ""),
    (5, "5"),
    (True, "true"),
    ({"secret": "s", "key": "k"}, {"secretKeyRef": KEY}),
    ({"secret": "s", "key": "k", "optional": True}, {"secretKeyRef": {**KEY, "optional": True}}),
    ({"secret": "s", "key": "k", "optional": False}, {"secretKeyRef": {**KEY, "optional": False}}),
    ({"config_map": "s", "key": "k"}, {"configMapKeyRef": KEY}),
    ({"field": "spec.nodeName"}, field("spec.nodeName")),
)
def test_a_variable_has_a_source(given: Any, source: Any) -> None:
    assert env(MINE=given)["MINE"] == source


UNKNOWN_SOURCES: list[Any] = [
    *({}, {"secret": "s"}, {"key": "k"}, {"vault": "v", "key": "k"}),
    # Two sources, and words that nobody reads.
    {"secret": "s", "config_map": "c", "key": "k"},
    {"secret": "s", "key": "k", "field": "status.podIP"},
    {"secret": "s", "key": "k", "optinal": True},
    # No names.
    *({"secret": None, "key": "k"}, {"secret": "", "key": "k"}, {"secret": ["s"], "key": "k"}, {"field": ""}),
]


@pytest.mark.parametrize("given", UNKNOWN_SOURCES, ids=str)
def test_another_source_is_refused_with_those_there_are(given: Any) -> None:
    with pytest.raises(Problem, match=r"environment variable MINE has a source that is not understood") as refused:
        env(MINE=given)
    assert "{secret: NAME, key: KEY}" in refused.value.fix


def test_what_the_config_reads_is_given_and_what_the_user_gives_counts_in_an_order_that_does_not_change() -> None:
    config = running(receivers={"nop": {"a": "${env:K8S_NODE_NAME} ${env:MY_POD_NAME} ${env:OTHER:-x}"}})
    assert env(config) == {
        "GOMEMLIMIT": "409MiB",
        "K8S_NODE_NAME": field("spec.nodeName"),
        "MY_POD_IP": field("status.podIP"),
        "MY_POD_NAME": field("metadata.name"),
    }
    assert env(GOMEMLIMIT="1GiB", MY_POD_IP="::") == {"GOMEMLIMIT": "1GiB", "MY_POD_IP": "::"}
    assert list(env(B="", A="")) == ["GOMEMLIMIT", "MY_POD_IP", "A", "B"]
