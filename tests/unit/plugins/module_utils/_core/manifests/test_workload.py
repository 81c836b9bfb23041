# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import pod_template
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.workload import (
    daemon_set,
    deployment,
    stateful_set,
)

from ..helpers import METADATA, SELECTOR, build, running

STATE = running(extensions={"file_storage": {"directory": "/state"}})
BUILDERS = {"daemonset": daemon_set, "deployment": deployment, "statefulset": stateful_set}


def spec(mode: str, config: Any = None, **options: Any) -> Any:
    return BUILDERS[mode](build(config, mode=mode, **options))["spec"]


def test_a_deployment_is_whole() -> None:
    one = build()
    assert deployment(one) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": METADATA,
        "spec": {
            "selector": {"matchLabels": SELECTOR},
            "revisionHistoryLimit": 10,
            "template": pod_template(one),
            "minReadySeconds": 5,
            "replicas": 2,
            "strategy": {"type": "RollingUpdate"},
        },
    }


def test_a_daemonset_is_whole() -> None:
    assert {key: value for key, value in spec("daemonset").items() if key != "template"} == {
        "selector": {"matchLabels": {**SELECTOR, "component": "agent-collector"}},
        "revisionHistoryLimit": 10,
        "minReadySeconds": 5,
        "updateStrategy": {"type": "RollingUpdate"},
    }


def test_a_statefulset_is_whole() -> None:
    assert {key: value for key, value in spec("statefulset").items() if key != "template"} == {
        "selector": {"matchLabels": {**SELECTOR, "component": "statefulset-collector"}},
        "revisionHistoryLimit": 10,
        "minReadySeconds": 5,
        "replicas": 2,
        "updateStrategy": {"type": "RollingUpdate"},
        "serviceName": "gateway-headless",
        "podManagementPolicy": "Parallel",
    }


@pytest.mark.parametrize(("mode", "kind"), [("daemonset", "DaemonSet"), ("statefulset", "StatefulSet")])
def test_every_workload_says_its_kind(mode: str, kind: str) -> None:
    manifest = BUILDERS[mode](build(mode=mode))
    assert (manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]) == ("apps/v1", kind, "gateway")


@pytest.mark.parametrize("mode", ["deployment", "statefulset"])
def test_the_autoscaler_owns_the_replicas(mode: str) -> None:
    assert "replicas" not in spec(mode, autoscaling={"min_replicas": 1, "max_replicas": 2})


@pytest.mark.parametrize(
    ("mode", "field"),
    [("daemonset", "updateStrategy"), ("deployment", "strategy"), ("statefulset", "updateStrategy")],
)
def test_the_update_is_as_asked_for(mode: str, field: str) -> None:
    update = {"rollingUpdate": {"maxUnavailable": "10%"}}
    assert spec(mode, update_strategy=update)[field] == {"type": "RollingUpdate", **update}
    assert spec(mode, update_strategy={"type": "OnDelete"})[field] == {"type": "OnDelete"}


def test_history_is_as_long_as_asked_for() -> None:
    assert spec("deployment", revision_history_limit=0)["revisionHistoryLimit"] == 0


@pytest.mark.parametrize(
    ("storage", "claimed"),
    [
        ({}, {"resources": {"requests": {"storage": "1Gi"}}}),
        ({"size": "5Gi", "class": "fast"}, {"resources": {"requests": {"storage": "5Gi"}}, "storageClassName": "fast"}),
    ],
)
def test_state_of_a_statefulset_is_claimed(storage: dict[str, str], claimed: dict[str, Any]) -> None:
    assert spec("statefulset", STATE, storage=storage)["volumeClaimTemplates"] == [
        {"metadata": {"name": "state"}, "spec": {"accessModes": ["ReadWriteOnce"], **claimed}}
    ]


@pytest.mark.parametrize(
    ("builder", "mode"), [(deployment, "deployment"), (daemon_set, "daemonset"), (stateful_set, "statefulset")]
)
def test_a_collector_without_a_probe_must_live_for_a_while_to_count_as_available(builder: Any, mode: str) -> None:
    probed = running(extensions={"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}})
    assert builder(build(mode=mode))["spec"]["minReadySeconds"] == 5
    assert "minReadySeconds" not in builder(build(probed, mode=mode))["spec"]
