# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync is complete when workloads run what their files say, however the server writes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.synced_parts import list_unlike_parts

from tests.support.cases import cases


def deployment(container: Any, *volumes: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", **container} if isinstance(container, dict) else container]}
    return {"kind": "Deployment", "spec": {"template": {"spec": {**pod, "volumes": list(volumes)}}}}


def collector(**spec: Any) -> dict[str, Any]:
    return {"kind": "OpenTelemetryCollector", "spec": spec}


def unlike(wanted: Any, live: Any) -> list[str]:
    return list_unlike_parts(deployment(wanted), deployment(live))


# Fields that Kubernetes' types leave out when they are empty, so a server that stores them drops them.
@pytest.mark.parametrize("part", ["env", "args", "command", "envFrom", "volumeMounts"])
def test_an_empty_list_is_stored_as_none(part: str) -> None:
    assert unlike({part: []}, {}) == []
    assert unlike({part: None}, {}) == []


@cases(
    "wanted, live",
    ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
    ({"volumeMounts": [{"name": "v", "readOnly": False}]}, {"volumeMounts": [{"name": "v"}]}),
    ({"securityContext": {}}, {}),
    ({"env": [{"name": "A", "value": None}]}, {"env": [{"name": "A", "value": ""}]}),
    ({"securityContext": {"capabilities": None}}, {"securityContext": {"capabilities": {}}}),
    (
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": 1}}}]},
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1"}}}]},
    ),
)
def test_what_the_server_leaves_out_or_writes_otherwise_is_no_difference(wanted: Any, live: Any) -> None:
    assert unlike(wanted, live) == []


@cases(
    "wanted, live, part",
    ({"args": []}, {"args": ["--set=a"]}, "args"),
    ({"args": ["--set=a"]}, {}, "args"),
    ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A", "value": "a"}]}, "env"),
    ({"env": [{"name": "A", "value": "a"}]}, {"env": [{"name": "A"}]}, "env"),
    ({"env": [{"name": "A", "value": None}]}, {"env": [{"name": "A", "value": "a"}]}, "env"),
    ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "B"}]}, "env"),
    ({"volumeMounts": [{"readOnly": False}]}, {"volumeMounts": [{"readOnly": True}]}, "volumeMounts"),
    ({"securityContext": {"privileged": False}}, {"securityContext": {}}, "securityContext"),
)
def test_what_is_not_stored_yet_is_a_difference(wanted: Any, live: Any, part: str) -> None:
    assert unlike(wanted, live) == [f"{part} of container c"]


@cases(
    "resource, wanted, live",
    ("memory", "1024Mi", "1Gi"),
    ("memory", "1024Ti", "1Pi"),
    ("memory", "1e3", "1k"),
    ("memory", 1.5, "1500m"),
    ("cpu", 0.5, "500m"),
    ("cpu", "1", 1),
    ("ephemeral-storage", "1024Mi", "1Gi"),
    ("nvidia.com/gpu", 1, "1"),
    ("hugepages-2Mi", "1E", "1000P"),
    ("cpu", "no quantity", "no quantity"),
)
def test_amounts_are_compared_by_value(resource: str, wanted: Any, live: Any) -> None:
    assert unlike({"resources": {"limits": {resource: wanted}}}, {"resources": {"limits": {resource: live}}}) == []


@cases(
    "resource, wanted, live",
    ("memory", "1G", "1Gi"),
    ("ephemeral-storage", "1Gi", "2Gi"),
    ("cpu", "1", "no quantity"),
    ("memory", "1e999999999", "1k"),
    ("memory", "9" * 100_000, "1k"),
)
def test_other_amounts_are_a_difference(resource: str, wanted: Any, live: Any) -> None:
    parts = unlike({"resources": {"limits": {resource: wanted}}}, {"resources": {"limits": {resource: live}}})
    assert parts == ["resources of container c"]


def test_a_null_or_a_text_in_a_file_is_no_crash() -> None:
    assert list_unlike_parts(deployment({}, {"name": "v", "configMap": None}), deployment({})) == []
    assert list_unlike_parts(deployment({}, "a text"), deployment({})) == []
    assert unlike("a text", {}) == []


def test_ids_of_components_may_be_numbers() -> None:
    wanted = collector(config={"receivers": {1: {}, "otlp": {}}})
    assert list_unlike_parts(wanted, wanted) == []


def test_what_the_operator_adds_is_no_difference_and_another_pipeline_is_one() -> None:
    config = {"receivers": {"otlp": {"a": 1}}, "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}}}
    live = {"receivers": {"otlp": {"a": 1, "b": 2}}, "service": {**config["service"], "telemetry": {}}}
    wanted = collector(config=config, mode="deployment", args={})
    assert list_unlike_parts(wanted, collector(config=live, mode="deployment", replicas=1)) == []
    live["service"] = {"pipelines": {"traces": {"receivers": ["otlp"]}, "logs": {}}}
    assert list_unlike_parts(wanted, collector(config=live, mode="deployment")) == ["pipelines"]


def test_another_config_map_in_a_volume_is_a_difference() -> None:
    wanted, live = ({"name": "v", "configMap": {"name": name, "items": []}} for name in ("a", "b"))
    assert list_unlike_parts(deployment({}, wanted), deployment({}, wanted, live)) == ["volume v"]
    assert list_unlike_parts(deployment({}, wanted), deployment({}, {**wanted, "configMap": {"name": "a"}})) == []
