"""Eight real faults of pods, each found at the backend with the uid by which it joins the pod's traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support.cluster import wait_until
from tests.support.observed import SHOP_NAMESPACE, ObservedCluster

FAULTS = Path(__file__).parents[1] / "faults.yaml"
WAITING = 'max_over_time(k8s_container_status_reason{k8s_container_status_reason=~"%s"}[5m]) == 1'
# The series that tells a fault, and the reason of its event, if Kubernetes has one.
SIGNS = {
    "oom": ('k8s_container_restarts{k8s_container_status_last_terminated_reason="OOMKilled"} > 0', "BackOff"),
    "probe": ("k8s_container_ready == 0", "Unhealthy"),
    "unschedulable": ("k8s_pod_phase == 1", "FailedScheduling"),
    "evicted": ("k8s_pod_status_reason == 1", "Evicted"),
    "throttled": ("k8s_container_cpu_limit_utilization_ratio > 0.9", ""),
    "crash": (WAITING % "CrashLoopBackOff", "BackOff"),
    "mount": (WAITING % "ContainerCreating", "FailedMount"),
    "image": (WAITING % "ErrImagePull|ImagePullBackOff", "Failed"),
}


@pytest.fixture(scope="module")
def uids(host: Host) -> Iterator[dict[str, str]]:
    """Return the uid of the pod with each fault."""
    host.check_output(f"kubectl apply -f {FAULTS}")
    pods = json.loads(host.check_output(f"kubectl -n {SHOP_NAMESPACE} get pods -l fault=yes -o json"))["items"]
    yield {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}
    host.check_output(f"kubectl delete -f {FAULTS} --timeout=60s")


def test_there_is_a_pod_for_each_fault(uids: dict[str, str]) -> None:
    assert set(uids) == set(SIGNS)


@pytest.mark.parametrize("fault", SIGNS)
def test_a_fault_is_told_by_a_metric_with_the_uid_of_its_pod(host: Host, uids: dict[str, str], fault: str) -> None:
    query, _reason = SIGNS[fault]
    wait_until(query, lambda: uids[fault] in ObservedCluster(host).query_values("k8s_pod_uid", query), 240)


@pytest.mark.parametrize("fault", [fault for fault, (_query, reason) in SIGNS.items() if reason])
def test_a_fault_is_told_by_an_event_with_the_uid_of_its_pod(host: Host, uids: dict[str, str], fault: str) -> None:
    reason = SIGNS[fault][1]

    def told() -> bool:
        events = [
            one
            for one in ObservedCluster(host).read_printed_logs()
            if f"k8s.event.reason: Str({reason})" in one.records
        ]
        return uids[fault] in {one.attributes.get("k8s.object.uid") for one in events}

    wait_until(f"event {reason}", told, 120)
