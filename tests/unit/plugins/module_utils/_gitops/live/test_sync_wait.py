# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync is complete when each workload runs what its file says."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.live.sync_wait import await_sync
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..._change.live.bundle_helpers import DEFINITION
from ...fake_api import FakeApi
from ...live_helpers import obj

CONFIG = {"receivers": {"otlp": {}}}


def workload(config: str = "a-1", image: str = "otelcol:1", memory: str = "512Mi") -> dict[str, Any]:
    container = {
        "name": "otc",
        "image": image,
        "args": ["--config=/conf/c"],
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "resources": {"limits": {"memory": memory}},
    }
    volumes = [{"name": "config", "configMap": {"name": config}}, {"name": "tmp", "emptyDir": {"sizeLimit": "1024Mi"}}]
    pod = {"containers": [container], "volumes": volumes}
    return obj("Deployment", "a", api="apps/v1", spec={"template": {"spec": pod}})


def custom(**config: Any) -> dict[str, Any]:
    spec = {"mode": "deployment", "image": "otelcol:1", "config": {**CONFIG, **config}}
    return obj("OpenTelemetryCollector", "a", api="opentelemetry.io/v1beta1", spec=spec)


def with_argument(argument: str) -> dict[str, Any]:
    found = workload()
    found["spec"]["template"]["spec"]["containers"][0]["args"].append(argument)
    return found


def piped(*processors: str) -> dict[str, Any]:
    return {"service": {"pipelines": {"traces": {"processors": list(processors)}}}}


def as_the_server_has_it(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return an object with defaults, and with quantities in their canonical form."""
    live = copy.deepcopy(manifest)
    pod = live["spec"].get("template", {}).get("spec", {})
    for container in pod.get("containers", []):
        container["resources"]["limits"]["memory"] = "1Gi"
        container["env"].append({"name": "OF_A_WEBHOOK", "value": "1"})
        container["terminationMessagePath"] = "/dev/termination-log"
        container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    for volume in pod.get("volumes", []):
        volume.get("configMap", {})["defaultMode"] = 420
    live["spec"]["config"] = {**live["spec"].get("config", {}), "service": {"telemetry": {}}}
    return live


@pytest.mark.parametrize("manifest", [workload(memory="1024Mi"), custom()], ids=["workload", "custom resource"])
def test_what_the_server_adds_and_writes_anew_is_no_difference(manifest: dict[str, Any]) -> None:
    api = FakeApi(DEFINITION, as_the_server_has_it(manifest))
    assert await_sync(api.cluster(), [manifest, obj("Service", "a")], 60)["msg"] == "1 synced"
    assert api.clock.now == 0
    assert api.sent("PATCH", "POST", "PUT", "DELETE") == []


def test_a_sync_is_waited_for() -> None:
    api = FakeApi(workload())
    api.later(20, workload("a-2"))
    assert 20 <= await_sync(api.cluster(), [workload("a-2")], 60)["seconds"] < 40


@pytest.mark.parametrize(
    ("live", "manifest", "part"),
    [
        (workload(), workload("a-2"), "Deployment ns/a differs in volume config"),
        (workload(), workload(image="otelcol:2"), "Deployment ns/a differs in image of container otc"),
        (custom(), custom(exporters={"debug": {}}), "OpenTelemetryCollector ns/a differs in config"),
        (workload(memory="2Gi"), workload(), "Deployment ns/a differs in resources of container otc"),
        (with_argument("--b"), workload(), "Deployment ns/a differs in args of container otc"),
        (custom(exporters={"debug": {}}), custom(), "OpenTelemetryCollector ns/a differs in components of the config"),
        (custom(**piped("a", "b")), custom(**piped("b", "a")), "OpenTelemetryCollector ns/a differs in pipelines"),
        (custom(**piped("a", "b")), custom(**piped("a")), "OpenTelemetryCollector ns/a differs in pipelines"),
        (None, workload(), "Deployment ns/a does not exist"),
        (workload(), custom(), "OpenTelemetryCollector ns/a does not exist"),
    ],
)
def test_what_is_not_synced_in_time_is_named(live: Any, manifest: dict[str, Any], part: str) -> None:
    api = FakeApi(*([DEFINITION, live] if live else []))
    with pytest.raises(Problem, match="Wait for the sync: not complete after 30 s: ") as told:
        await_sync(api.cluster(), [manifest], 30)
    assert part in str(told.value)


def test_files_without_a_workload_are_no_success() -> None:
    with pytest.raises(Problem, match="there is no workload among the manifests"):
        await_sync(FakeApi().cluster(), [obj("Service", "a")], 30)
