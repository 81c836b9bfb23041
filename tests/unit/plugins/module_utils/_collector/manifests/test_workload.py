# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a workload, its scale and its volumes; tests/contract/test_examples.py shows whole workloads."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import workload
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.pod import render_pod_template
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import SELECTOR, build, cases, manifest, running

STATE = running(extensions={"file_storage": {"directory": "/state"}})
BUILDERS = {
    "daemonset": workload.render_daemon_set,
    "deployment": workload.render_deployment,
    "statefulset": workload.render_stateful_set,
}
BOUNDS = {"min_replicas": 1, "max_replicas": 3}
ROOT = running(receivers={"host_metrics": {"root_path": "/hostfs"}})
TLS = running(receivers={"otlp": {"tls": {"cert_file": "/etc/otelcol/secrets/tls/tls.crt"}}})
FOLDER = {"path": "/var/lib/otelcol/telemetry-gateway", "type": "DirectoryOrCreate"}


def spec(mode: str, config: Any = None, **options: Any) -> Any:
    return BUILDERS[mode](build(config, mode=mode, **options))["spec"]


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
    "options, rolling",
    ({}, {"maxUnavailable": 0}),
    ({"update_strategy": {"rollingUpdate": {"maxSurge": 0}}}, {"maxSurge": 0}),
    ({"update_strategy": {"type": "Recreate"}}, None),
    ({"host_ports": True}, None),
    ({"host_network": True}, None),
    ({"affinity": {"podAntiAffinity": {}}}, None),
    ({"topology_spread": [{"maxSkew": 1}]}, None),
    ({"volumes": [{"name": "d", "mount_path": "/d", "source": {"persistentVolumeClaim": {"claimName": "d"}}}]}, None),
    ids=str,
)
def test_a_new_pod_comes_before_an_old_one_goes_unless_both_could_need_one_place(options: Any, rolling: Any) -> None:
    assert spec("deployment", **options)["strategy"].get("rollingUpdate") == rolling


@cases(
    "options, budget",
    ({"replicas": 1}, None),
    ({"replicas": 2}, {"maxUnavailable": 1}),
    ({"replicas": 2, "mode": "daemonset"}, None),
    ({"replicas": 2, "mode": "statefulset"}, {"maxUnavailable": 1}),
    ({"autoscaling": {"min_replicas": 1, "max_replicas": 2}}, {"maxUnavailable": 1}),
    ({"autoscaling": {"min_replicas": 1, "max_replicas": 1}}, None),
    ({"replicas": 2, "disruption_budget": {"min_available": 1}}, {"minAvailable": 1}),
    ({"replicas": 2, "disruption_budget": {"enabled": False}}, None),
    ({"replicas": 1, "disruption_budget": {"enabled": True}}, {"maxUnavailable": 1}),
    ({"replicas": 1, "disruption_budget": {"min_available": 1}}, {"minAvailable": 1}),
    ({"disruption_budget": {"min_available": 0}}, {"minAvailable": 0}),
    ({"disruption_budget": {"max_unavailable": "25%", "min_available": None}}, {"maxUnavailable": "25%"}),
    ids=str,
)
def test_a_drain_takes_one_pod_at_a_time_where_there_are_several(options: Any, budget: Any) -> None:
    found = workload.render_disruption_budget(build(**options))
    shown = {key: value for key, value in found["spec"].items() if key.startswith("m")} if found else None
    assert shown == budget
    assert workload.read_disruption_budget(build(**options)) == (budget or {})


def test_a_budget_selects_the_pods_and_keeps_no_failing_one() -> None:
    spec = {"selector": {"matchLabels": SELECTOR}, "unhealthyPodEvictionPolicy": "AlwaysAllow", "maxUnavailable": 1}
    assert workload.render_disruption_budget(build()) == manifest("policy/v1", "PodDisruptionBudget", spec=spec)


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


def test_a_budget_says_one_thing() -> None:
    with pytest.raises(Problem, match=r"'gateway' has both min_available and max_unavailable.*takes one of them"):
        workload.render_disruption_budget(build(disruption_budget={"min_available": 1, "max_unavailable": 1}))


def volumes(config: Any, **options: Any) -> tuple[list[Any], list[Any]]:
    """Return volumes and mounts beside the config's own."""
    spec = render_pod_template(build(config, **options))["spec"]
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
