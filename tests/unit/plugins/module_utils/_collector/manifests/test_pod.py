# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a pod and what is beside it; tests/contract/test_examples.py shows whole pods."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.build import (
    frame_manifest,
    omit_empty,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.namespaces import (
    render_collector_namespace,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod import (
    render_pod_template,
)

from ...helpers import METADATA, PODS, SELECTOR, build, cases, manifest, running

MINE = {"labelSelector": {"matchLabels": {"a": "b"}}, "maxSkew": 2}
SPREAD = {"labelSelector": {"matchLabels": SELECTOR}, "maxSkew": 1}


def spec(config: Any = None, **options: Any) -> Any:
    return render_pod_template(build(config, **options))["spec"]


def test_labels_and_annotations_of_the_user_cannot_replace_ours() -> None:
    labels = {"team": "a", "component": "mine", "app.kubernetes.io/version": "9"}
    found = render_pod_template(build(pod_labels=labels, pod_annotations={"a": "b", "checksum/config": "mine"}))[
        "metadata"
    ]
    assert found["labels"] == {"team": "a", **SELECTOR, **PODS, "app.kubernetes.io/version": "1.2.3"}
    assert found["annotations"] == {"a": "b", "checksum/config": "f00"}


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
