# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts for workloads and for nodes without an agent: promtool plays what Prometheus makes of both receivers.

molecule/kubernetes_observability sees that the receivers serve these series when Kubernetes has such a fault.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import workload_alerts

from .test_monitoring import programs  # noqa: F401 - a fixture
from .test_monitoring_rules import NAME, NAMESPACE, OTHER, POD, WELL, Play, rules, verdict

IN_POD = 'k8s_namespace_name="shop",k8s_pod_name="cart-0"'
IN_CONTAINER = f'{IN_POD},k8s_container_name="cart"'
KILLED = f'k8s_container_restarts{{{IN_CONTAINER},k8s_container_status_last_terminated_reason="OOMKilled"}}'
BEFORE = f"k8s_container_restarts{{{IN_CONTAINER}}}"
READY = f"k8s_container_ready{{{IN_CONTAINER}}}"
RUNNING = f'k8s_container_status_state{{{IN_CONTAINER},k8s_container_status_state="running"}}'
PHASE, REASON = f"k8s_pod_phase{{{IN_POD}}}", f"k8s_pod_status_reason{{{IN_POD}}}"
SHARE = f"k8s_container_cpu_limit_utilization_ratio{{{IN_CONTAINER}}}"
STARTED = "k8s_container_status_reason{%s,k8s_container_status_reason=%s}"
# A cluster that is well: two nodes with agents, and a container that runs.
CLUSTER = {
    **WELL,
    'k8s_node_condition_ready{k8s_node_name="a"}': "1x240",
    'k8s_node_condition_ready{k8s_node_name="b"}': "1x240",
    BEFORE: "1x240",
    READY: "1x240",
    RUNNING: "1x240",
    PHASE: "2x240",
    REASON: "6x240",
    SHARE: "0.3x240",
    **{STARTED % (IN_CONTAINER, f'"{name}"'): "0x240" for name in ("CrashLoopBackOff", "ErrImagePull", "OOMKilled")},
}


def waiting(reason: str, values: str = "0x40 1x200") -> dict[str, str]:
    return {STARTED % (IN_CONTAINER, f'"{reason}"'): values, RUNNING: "1x40 0x200", READY: "1x40 0x200"}


KILLS = {BEFORE: "1x40 stale", KILLED: "_x40 2x200"}
# The series that differ from minute 20 on, a minute without the alert, one with it, and its name.
CHANGES = (
    ("killed", KILLS, 19, 22, "OtelWorkloadOutOfMemory"),
    ("killed again and again", {**KILLS, **waiting("CrashLoopBackOff")}, 19, 30, "OtelWorkloadOutOfMemory"),
    ("crash loop", waiting("CrashLoopBackOff", "0x40 1x4 0x4 1x4 0x4 1x200"), 24, 27, "OtelWorkloadCrashLoop"),
    ("no image", waiting("ImagePullBackOff"), 24, 27, "OtelWorkloadImagePull"),
    ("no volume", waiting("ContainerCreating"), 34, 37, "OtelWorkloadNotStarting"),
    (
        "no node",
        {PHASE: "_x40 1x200", READY: "1x40 stale", RUNNING: "1x40 stale"},
        34,
        37,
        "OtelWorkloadUnschedulable",
    ),
    ("evicted", {REASON: "6x40 1x200"}, 19, 21, "OtelWorkloadEvicted"),
    ("probe", {READY: "1x40 0x200"}, 34, 37, "OtelWorkloadNotReady"),
    ("throttled", {SHARE: "0.3x40 1x200"}, 34, 37, "OtelWorkloadThrottled"),
)
UNCOVERED = {'k8s_node_condition_ready{k8s_node_name="c"}': "_x40 1x200", 'kube_node_info{node="c"}': "_x40 1x200"}


def of_cluster(folder: Path, **monitoring: Any) -> Path:
    """Return the rules of an agent that is on every node and watches workloads."""
    return rules(folder, {"every_node": True}, workloads=True, **monitoring)


def test_a_cluster_that_is_well_raises_no_alert(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    well = Play("well", CLUSTER, dict.fromkeys((1, 20, 60, 110), ""))
    assert verdict(programs, of_cluster(tmp_path), [well]) == ""


def test_a_fault_of_a_workload_raises_its_alert_alone(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    plays = [
        Play(name, {**CLUSTER, **change}, {before: "", then: alert}) for name, change, before, then, alert in CHANGES
    ]
    assert verdict(programs, of_cluster(tmp_path), plays) == ""
    assert {alert for *_rest, alert in CHANGES} == {alert.name for alert in workload_alerts.WORKLOAD_ALERTS}


def test_what_was_before_the_collector_is_no_news(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    new = {name: f"_x40 {values}" for name, values in {**CLUSTER, KILLED: "3x200"}.items() if name.startswith("k8s_")}
    play = Play("new", {**CLUSTER, **new}, dict.fromkeys((21, 30, 36, 60), ""))
    assert verdict(programs, of_cluster(tmp_path), [play]) == ""


def test_a_node_without_an_agent_raises_an_alert_by_either_source(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    plays = [Play("new node", {**CLUSTER, **UNCOVERED}, {34: "", 37: "OtelCollectorNodeUncovered"})]
    lost = {f"up{{{OTHER}}}": "1x40 stale"}
    hour = {27: "OtelCollectorNodeSilent", 70: "OtelCollectorNodeSilent", 110: "OtelCollectorNodeUncovered"}
    plays.append(Play("lost agent", {**CLUSTER, **lost}, hour))
    gone = {f"up{{{POD}}}": "1x40 stale", **lost}
    plays.append(Play("no agent at all", {**CLUSTER, **gone}, {60: "OtelCollectorAbsent"}))
    for more in ({}, {"kube_state_metrics": True}):
        assert verdict(programs, of_cluster(tmp_path, **more), plays) == ""


def test_an_agent_of_the_same_name_in_another_namespace_hides_nothing(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    silent_neighbor = f'ALERTS{{alertname="OtelCollectorNodeSilent",collector="{NAME}",namespace="neighbor",node="c"}}'
    changes = {**CLUSTER, **UNCOVERED, silent_neighbor: "1x240"}
    plays = [Play("silent neighbor", changes, {34: "", 37: "OtelCollectorNodeUncovered"})]
    assert verdict(programs, of_cluster(tmp_path), plays) == ""


def test_alerts_on_nodes_say_the_namespace_of_their_agent(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    """By this label, Alertmanager sends them to the team of the namespace, and two teams have two alerts."""
    lost = {f"up{{{OTHER}}}": "1x40 stale"}
    missing = {
        f'kube_daemonset_status_desired_number_scheduled{{namespace="{NAMESPACE}",daemonset="{NAME}"}}': "3x240",
    }
    firing = 'count by (alertname, namespace) (ALERTS{alertstate="firing"})'

    def expect_alert(alert: str, minute: int) -> tuple[int, str, dict[str, float]]:
        return (minute, firing, {f'{{alertname="{alert}",namespace="{NAMESPACE}"}}': 1})

    uncovered = Play("uncovered", {**CLUSTER, **UNCOVERED}, {}, (expect_alert("OtelCollectorNodeUncovered", 37),))
    silent = Play("silent", {**CLUSTER, **lost}, {}, (expect_alert("OtelCollectorNodeSilent", 27),))
    for more in ({}, {"kube_state_metrics": True}):
        assert verdict(programs, of_cluster(tmp_path, **more), [uncovered, silent]) == ""
    few_agents = Play("few agents", {**WELL, **missing}, {}, (expect_alert("OtelCollectorAgentsMissing", 20),))
    assert verdict(programs, rules(tmp_path, kube_state_metrics=True), [few_agents]) == ""


def test_a_collector_without_the_options_has_none_of_these_alerts(tmp_path: Path) -> None:
    file = rules(tmp_path, kube_state_metrics=True)
    names = {rule["alert"] for rule in json.loads(file.read_text())["groups"][0]["rules"]}
    assert not names & {"OtelCollectorNodeUncovered", *(alert.name for alert in workload_alerts.WORKLOAD_ALERTS)}
