"""What the agents report of a cluster: each thing once, from each node, by the names of the conventions."""

from __future__ import annotations

import json
import uuid
from itertools import pairwise

import pytest
from testinfra.host import Host

from tests.support.cluster import Cluster, node_ips, wait_until
from tests.support.observed import AGENT_NAMESPACE, AGENT_SELECTOR, SHOP_NAMESPACE, SITE_COMMAND, ObservedCluster

INTERVAL = 30  # seconds between two reports, in the inventory
WINDOW = 5 * INTERVAL
ONCE = range(WINDOW // INTERVAL - 1, WINDOW // INTERVAL + 2)
PATIENCE = 240


@pytest.fixture
def observed(host: Host) -> ObservedCluster:
    return ObservedCluster(host)


def nodes(host: Host) -> set[str]:
    return set(host.check_output("kubectl get nodes -o name").replace("node/", "").split())


def scraped(observed: ObservedCluster) -> dict[str, list[float]]:
    """Return how often each pod of the shop was scraped within the window, by each of its targets."""
    return observed.query_values(
        "k8s_pod_name", f'count_over_time(up{{k8s_namespace_name="{SHOP_NAMESPACE}"}}[{WINDOW}s])'
    )


def scraped_once(observed: ObservedCluster, pods: set[str]) -> bool:
    """Whether each of the pods has one target, which was scraped as often as the interval says."""
    found = scraped(observed)
    return all(len(found.get(pod, ())) == 1 and found[pod][0] in ONCE for pod in pods)


def test_pods_of_both_nodes_are_scraped_once_by_annotations_of_their_own_or_of_services(
    observed: ObservedCluster,
) -> None:
    pods = observed.list_ready_pods("cart") | observed.list_ready_pods("stock")
    assert len(pods) == 6
    wait_until("scrapes of a window", lambda: scraped_once(observed, pods), PATIENCE)
    rows = observed.query_series(f'shop_orders{{k8s_namespace_name="{SHOP_NAMESPACE}"}}')
    assert {row["k8s_node_name"] for row in rows} == nodes(observed.host)
    assert {(row["k8s_deployment_name"], row["team"]) for row in rows} == {("cart", "checkout"), ("stock", "depot")}


def test_pods_that_move_are_scraped_once_where_they_are(observed: ObservedCluster) -> None:
    before = observed.list_ready_pods("cart")
    for _move in range(2):
        observed.host.check_output(f"kubectl -n {SHOP_NAMESPACE} rollout restart deploy/cart")
        observed.host.check_output(f"kubectl -n {SHOP_NAMESPACE} rollout status deploy/cart --timeout=90s")
    after = wait_until(
        "new pods alone", lambda: (pods := observed.list_ready_pods("cart")) and len(pods) == 4 and pods, 60
    )
    assert not before & after
    wait_until("scrapes of a window", lambda: scraped_once(observed, after), PATIENCE)
    assert [pod for pod, targets in scraped(observed).items() if len(targets) > 1] == []


def test_a_node_is_measured_once_by_kubelet_and_host(observed: ObservedCluster) -> None:
    for metric in ("k8s_node_cpu_usage", "k8s_node_memory_working_set_bytes", "system_cpu_load_average_1m"):
        wait_until(
            metric,
            lambda metric=metric: set(observed.query_values("k8s_node_name", metric)) == nodes(observed.host),
            90,
        )
    assert observed.query_series('{__name__=~"system_(cpu_time|memory_usage).*"}') == []


def test_every_series_and_record_has_the_cluster_and_what_it_is_about(observed: ObservedCluster) -> None:
    wait_until(
        "records of events",
        lambda: [one for one in observed.read_printed_logs() if "k8s.event.reason" in one.records],
        90,
    )
    anonymous = observed.query_series(
        'count by (__name__) ({__name__=~".+",__name__!="target_info",k8s_cluster_name=""})'
    )
    assert anonymous == []
    placed = ("k8s.pod.name", "k8s.node.name", "k8s.object.name", "k8s.resource.name")
    logs = [one for one in observed.read_printed_logs() if one.signal == "Log"]
    assert logs
    assert [one.attributes for one in logs if one.attributes.get("k8s.cluster.name") != "example"] == []
    unplaced = [one for one in logs if not any(f"{key}" in f"{one.attributes} {one.records}" for key in placed)]
    assert [one.attributes for one in unplaced] == []


def make_event(host: Host) -> str:
    """Make an event with a reason of its own, and return the reason."""
    reason, now = f"Tested{uuid.uuid4().hex[:8]}", host.check_output("date -u +%FT%TZ")
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "tested-", "namespace": SHOP_NAMESPACE},
        "involvedObject": {"kind": "Deployment", "namespace": SHOP_NAMESPACE, "name": "cart"},
        "reason": reason,
        "type": "Normal",
        "message": "tested",
        "firstTimestamp": now,
        "lastTimestamp": now,
    }
    host.check_output("echo %s | kubectl create -f -", json.dumps(event))
    return reason


def test_an_event_arrives_once(observed: ObservedCluster) -> None:
    def arrivals(reason: str) -> int:
        return sum(one.records.count(f"Str({reason})") for one in observed.read_printed_logs())

    first = make_event(observed.host)
    wait_until("the event", lambda: arrivals(first), 60)
    # Had another agent sent it too, it would be there before what is sent later.
    later = make_event(observed.host)
    wait_until("a later event", lambda: arrivals(later), 60)
    assert (arrivals(first), arrivals(later)) == (1, 1)


def test_an_agent_is_on_a_node_with_any_taint(host: Host) -> None:
    node = sorted(nodes(host))[-1]
    pods = f"kubectl -n {AGENT_NAMESPACE} get pods -l {AGENT_SELECTOR} --field-selector spec.nodeName={node} -o name"
    host.check_output(f"kubectl taint node {node} gpu=yes:NoSchedule --overwrite")
    try:
        (old,) = host.check_output(pods).split()
        host.check_output(f"kubectl -n {AGENT_NAMESPACE} delete {old} --grace-period=1")
        wait_until("a new agent", lambda: old not in (found := host.check_output(pods).split()) and found, 60)
    finally:
        host.check_output(f"kubectl taint node {node} gpu-")
    host.check_output(f"kubectl -n {AGENT_NAMESPACE} rollout status daemonset -l {AGENT_SELECTOR} --timeout=90s")
    assert len(Cluster(host, AGENT_NAMESPACE).pods(AGENT_SELECTOR)) == len(node_ips())


def test_the_leader_is_killed_and_another_reports_within_two_intervals_without_doubles(
    observed: ObservedCluster,
) -> None:
    node = sorted(nodes(observed.host))[0]
    report = f'k8s_node_condition_ready{{k8s_node_name="{node}"}}'
    recent = f"{report}[10m]"
    (leader,) = wait_until("a leader", observed.find_leaders, 60)
    elected = float(observed.host.check_output("date +%s"))
    wait_until("a report of the leader", lambda: max(observed.query_times(recent), default=0) > elected, PATIENCE)
    observed.host.check_output(f"kubectl -n {AGENT_NAMESPACE} delete pod {leader} --grace-period=0 --force")
    killed = float(observed.host.check_output("date +%s"))
    times = wait_until(
        "three reports of another",
        lambda: (
            (found := observed.query_times(recent)) and len([time for time in found if time > killed]) > 2 and found
        ),
        PATIENCE,
    )
    gaps = [round(later - time) for time, later in pairwise(times) if later > killed]
    print(f"seconds between reports around the end of the leader: {gaps}")
    assert max(gaps) <= 2 * INTERVAL
    # Two that report at once would halve the times between samples, again and again.
    assert len([gap for gap in gaps if gap < INTERVAL / 2]) <= 1
    assert leader not in observed.find_leaders()


def test_a_second_run_changes_nothing(host: Host) -> None:
    run = host.run(SITE_COMMAND)
    assert run.rc == 0, run.stdout
    assert "changed=0" in run.stdout
