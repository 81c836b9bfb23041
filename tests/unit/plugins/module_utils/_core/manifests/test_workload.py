# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests import workload
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import pod_template

from ..helpers import METADATA, SELECTOR, build, cases, running

STATE = running(extensions={"file_storage": {"directory": "/state"}})
BUILDERS = {"daemonset": workload.daemon_set, "deployment": workload.deployment, "statefulset": workload.stateful_set}


def spec(mode: str, config: Any = None, **options: Any) -> Any:
    return BUILDERS[mode](build(config, mode=mode, **options))["spec"]


def test_a_deployment_is_whole() -> None:
    one = build()
    assert workload.deployment(one) == {
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


@cases(
    "mode, kind, component, more",
    ("daemonset", "DaemonSet", "agent-collector", {}),
    (
        *("statefulset", "StatefulSet", "statefulset-collector"),
        {"replicas": 2, "serviceName": "gateway-headless", "podManagementPolicy": "Parallel"},
    ),
)
def test_the_others_are_whole_too(mode: str, kind: str, component: str, more: dict[str, Any]) -> None:
    manifest = BUILDERS[mode](build(mode=mode))
    assert (manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]) == ("apps/v1", kind, "gateway")
    assert {key: value for key, value in manifest["spec"].items() if key != "template"} == {
        "selector": {"matchLabels": {**SELECTOR, "component": component}},
        "revisionHistoryLimit": 10,
        "minReadySeconds": 5,
        "updateStrategy": {"type": "RollingUpdate"},
        **more,
    }


@pytest.mark.parametrize("mode", ["deployment", "statefulset"])
def test_the_autoscaler_owns_the_replicas_and_history_is_as_long_as_asked_for(mode: str) -> None:
    assert "replicas" not in spec(mode, autoscaling={"min_replicas": 1, "max_replicas": 2})
    assert spec(mode, revision_history_limit=0)["revisionHistoryLimit"] == 0


@cases("mode, field", ("daemonset", "updateStrategy"), ("deployment", "strategy"), ("statefulset", "updateStrategy"))
def test_the_update_is_as_asked_for(mode: str, field: str) -> None:
    update = {"rollingUpdate": {"maxUnavailable": "10%"}}
    assert spec(mode, update_strategy=update)[field] == {"type": "RollingUpdate", **update}
    assert spec(mode, update_strategy={"type": "OnDelete"})[field] == {"type": "OnDelete"}


@cases(
    "storage, claimed",
    ({}, {"resources": {"requests": {"storage": "1Gi"}}}),
    ({"size": "5Gi", "class": "fast"}, {"resources": {"requests": {"storage": "5Gi"}}, "storageClassName": "fast"}),
)
def test_state_of_a_statefulset_is_claimed(storage: dict[str, str], claimed: dict[str, Any]) -> None:
    assert spec("statefulset", STATE, storage=storage)["volumeClaimTemplates"] == [
        {"metadata": {"name": "state"}, "spec": {"accessModes": ["ReadWriteOnce"], **claimed}}
    ]


@pytest.mark.parametrize("mode", BUILDERS)
def test_a_collector_without_a_probe_must_live_for_a_while_to_count_as_available(mode: str) -> None:
    probed = running(extensions={"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}})
    assert spec(mode)["minReadySeconds"] == 5
    assert "minReadySeconds" not in spec(mode, probed)


def env(config: Any = None, **given: Any) -> dict[str, Any]:
    entries = pod_template(build(config, env=given))["spec"]["containers"][0]["env"]
    assert len({entry["name"] for entry in entries}) == len(entries)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}


KEY = {"name": "s", "key": "k"}


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


@pytest.mark.parametrize("given", [{}, {"secret": "s"}, {"key": "k"}, {"vault": "v", "key": "k"}])
def test_another_source_is_refused_with_those_there_are(given: Any) -> None:
    with pytest.raises(Problem, match=r"environment variable MINE has a source that is not understood") as refused:
        env(MINE=given)
    assert "{secret: NAME, key: KEY}" in refused.value.fix


def test_what_the_config_reads_of_the_pod_is_given() -> None:
    config = running(receivers={"nop": {"a": "${env:K8S_NODE_NAME} ${env:MY_POD_NAME} ${env:OTHER:-x}"}})
    assert env(config) == {
        "GOMEMLIMIT": "409MiB",
        "K8S_NODE_NAME": field("spec.nodeName"),
        "MY_POD_IP": field("status.podIP"),
        "MY_POD_NAME": field("metadata.name"),
    }


def test_what_the_user_gives_counts_in_an_order_that_does_not_change() -> None:
    assert env(GOMEMLIMIT="1GiB", MY_POD_IP="::") == {"GOMEMLIMIT": "1GiB", "MY_POD_IP": "::"}
    assert list(env(B="", A="")) == ["GOMEMLIMIT", "MY_POD_IP", "A", "B"]


ROOT = running(receivers={"host_metrics": {"root_path": "/hostfs"}})
TLS = running(receivers={"otlp": {"tls": {"cert_file": "/etc/otelcol/secrets/tls/tls.crt"}}})


def volumes(config: Any, **options: Any) -> tuple[list[Any], list[Any]]:
    """Return volumes and mounts beside the config's own."""
    spec = pod_template(build(config, **options))["spec"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert spec["volumes"][0]["name"] == mounts[0]["name"] == "config"
    return spec["volumes"][1:], mounts[1:]


def test_a_secret_and_the_node_are_mounted_read_only() -> None:
    assert volumes(TLS) == (
        [{"name": "secret-tls", "secret": {"secretName": "tls"}}],
        [{"name": "secret-tls", "mountPath": "/etc/otelcol/secrets/tls", "readOnly": True}],
    )
    assert volumes(ROOT, mode="daemonset") == (
        [{"name": "host", "hostPath": {"path": "/"}}],
        [{"name": "host", "mountPath": "/hostfs", "readOnly": True, "mountPropagation": "HostToContainer"}],
    )


FOLDER = {"path": "/var/lib/otelcol/telemetry-gateway", "type": "DirectoryOrCreate"}


@cases(
    "mode, volume",
    ("deployment", [{"name": "state", "emptyDir": {}}]),
    ("statefulset", []),
    ("daemonset", [{"name": "state", "hostPath": FOLDER}]),
)
def test_state_lives_where_the_mode_keeps_it(mode: str, volume: list[Any]) -> None:
    assert volumes(STATE, mode=mode) == (volume, [{"name": "state", "mountPath": "/state"}])


def test_volumes_of_the_user_come_last() -> None:
    source = {"emptyDir": {"medium": "Memory"}}
    given = [{"name": name, "mount_path": f"/{name}", "source": source} for name in "ab"]
    given[1]["read_only"] = False
    found, mounts = volumes(TLS, volumes=given)
    assert found[1:] == [{"name": "a", **source}, {"name": "b", **source}]
    wanted = [("a", "/a", True), ("b", "/b", False)]
    assert [(one["name"], one["mountPath"], one["readOnly"]) for one in mounts[1:]] == wanted
