"""A backend is away, pods are killed, and replicas come and go: no record is missing that a collector has accepted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.load import Load, post_http
from tests.support.load import send_load as loaded
from tests.support.record_sizes import NAME, SIZES, send_records

COLLECTOR = "o11y.opentelemetry/collector"
PORTS = {"http": 4318, "grpc": 4317}
SITE = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/molecule/lossless/inventory.yml"
# How often the test of a replaced workload replaces it, each way.
SWITCHES = int(os.environ.get("O11Y_LOSSLESS_RUNS", "1"))
SLOW = 180  # seconds: the autoscaler looks every 15, and gRPC connects again after up to two minutes
load = partial(loaded, longest=2 * SLOW)


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "lossless")


@contextmanager
def away(cluster: Cluster, backend: str) -> Iterator[Callable[[], None]]:
    """Let a backend be away until the end of the block, or until what this yields is called."""
    scale = f"kubectl -n {cluster.namespace} scale deployment/{backend} --replicas"
    cluster.host.check_output(f"{scale}=0")
    gone = f"kubectl -n {cluster.namespace} wait --for=delete pod -l {COLLECTOR}={backend} --timeout=60s"
    cluster.host.check_output(gone)

    def back() -> None:
        cluster.host.check_output(f"{scale}=1")
        cluster.host.check_output(f"kubectl -n {cluster.namespace} rollout status deployment/{backend} --timeout=60s")

    try:
        yield back
    finally:
        back()


def receiver(cluster: Cluster, name: str, protocol: str = "http") -> str:
    """Return where a collector takes OTLP."""
    ports = cluster.get("service", name)["spec"]["ports"]
    port = next(one["nodePort"] for one in ports if one["port"] == PORTS[protocol])
    return f"{protocol}://{node_ips()[0]}:{port}"


def arrived(cluster: Cluster, backend: str, name: str) -> set[str]:
    """Return which of the records NAME-0., NAME-1. … a backend has printed."""
    return set(re.findall(rf"\b({name}-\d+\.)", cluster.logs(f"{COLLECTOR}={backend}")))


def all_arrived(cluster: Cluster, sent: Load, backend: str = "backend") -> None:
    """Wait until a backend has every record that a collector has accepted."""
    wanted = {*sent.taken}
    wait_until(f"all of {len(wanted)} records", lambda: wanted <= arrived(cluster, backend, sent.name), SLOW)
    assert (sent.lost, bool(wanted)) == ([], True)


def killed(cluster: Cluster, pod: str) -> None:
    """Kill a pod, which has no time to end, and wait for the next."""
    before = cluster.get("pod", pod)["metadata"]["uid"]
    cluster.host.check_output(f"kubectl -n {cluster.namespace} delete pod {pod} --grace-period=0 --force --wait=false")

    def replaced() -> bool:
        found = json.loads(cluster.host.run(f"kubectl -n {cluster.namespace} get pod {pod} -o json").stdout or "{}")
        ready = [one["ready"] for one in found.get("status", {}).get("containerStatuses", ())]
        return found.get("metadata", {}).get("uid") != before and ready == [True]

    wait_until(f"the next {pod}", replaced)


@pytest.mark.parametrize("size", SIZES)
def test_no_record_is_lost_for_its_size_by_recipes_alone(cluster: Cluster, size: str) -> None:
    """Also over the port of the nodes that `node_ports` asks for."""
    over_grpc = receiver(cluster, "first", "grpc")
    assert over_grpc.endswith(":30017")
    name = f"size-{'abcde'[list(SIZES).index(size)]}"
    sent = send_records(over_grpc, "logs", *SIZES[size], name=name, patience=SLOW)

    def missing() -> set[str]:
        found = NAME.findall(cluster.logs(f"{COLLECTOR}=counter").encode())
        return {*sent.taken_names} - {one.decode() for one in found}

    assert len(sent.taken_names) == SIZES[size][1], sent.refusals
    wait_until(f"all of {len(sent.taken_names)} records", lambda: not missing(), SLOW)


@pytest.mark.parametrize("turn", range(SWITCHES))
@pytest.mark.parametrize("mode", ["statefulset", "deployment"])
def test_a_workload_that_replaces_another_loses_nothing(cluster: Cluster, mode: str, turn: int) -> None:
    """What a stopping Collector has accepted is delivered, and a client that it refuses sends again."""
    name = f"{mode[0]}{turn}"
    over_http, over_grpc = (receiver(cluster, "moving", protocol) for protocol in ("http", "grpc"))
    with load(over_http, f"{name}-http", 5) as http, load(over_grpc, f"{name}-grpc", 5) as grpc:
        both_taken(http, grpc)
        cluster.host.check_output(f"{SITE} -e moving_mode={mode}")
        both_taken(http, grpc)
    for sent in (http, grpc):
        print(f"{mode}: {len(sent.taken)} records of {sent.name}, {sent.failed_tries} tries failed")
        all_arrived(cluster, sent, "counter")


def both_taken(first: Load, second: Load) -> None:
    """Wait for more records that two clients' receivers take."""
    wanted = [len(sent.taken) + 20 for sent in (first, second)]
    wait_until("records by both", lambda: len(first.taken) >= wanted[0] and len(second.taken) >= wanted[1], SLOW)


def test_a_queue_on_a_claim_outlives_the_backend_and_killed_pods(cluster: Cluster) -> None:
    with away(cluster, "backend"), load(receiver(cluster, "durable"), "claim", 5) as sent:
        for _kill in range(2):
            enough = len(sent.taken) + 200
            wait_until("records that only the claim has", lambda enough=enough: len(sent.taken) > enough)
            killed(cluster, "durable-0")
    all_arrived(cluster, sent)


def test_a_client_hears_that_the_backend_is_away_and_sends_again(cluster: Cluster) -> None:
    http, grpc = (receiver(cluster, "waiting", protocol) for protocol in PORTS)
    with away(cluster, "backend") as back, load(http, "waits-http", 5) as first, load(grpc, "waits-grpc", 5) as second:
        wait_until("refusals", lambda: min(first.failed_tries, second.failed_tries) >= 10)
        assert first.taken + second.taken == []
        back()
        wait_until("records", lambda: min(len(first.taken), len(second.taken)) > 50)
    all_arrived(cluster, first)
    all_arrived(cluster, second)


def test_full_queues_add_replicas_and_nothing_is_lost_when_they_go(cluster: Cluster) -> None:
    def ready() -> int:
        return int(cluster.get("deployment", "scaled")["status"].get("readyReplicas", 0))

    wait_until("one replica", lambda: ready() == 1)
    with away(cluster, "backend") as back, load(receiver(cluster, "scaled"), "scaled", 10) as sent:
        wait_until("three replicas", lambda: ready() == 3, SLOW)
        back()
        enough = len(sent.taken) + 200
        wait_until("records by three replicas", lambda: len(sent.taken) > enough, SLOW)
    wait_until("one replica again", lambda: ready() == 1, SLOW)
    all_arrived(cluster, sent)


def test_a_tenant_whose_destination_is_away_holds_up_no_other(cluster: Cluster) -> None:
    url = receiver(cluster, "tenants")
    with (
        away(cluster, "other-backend") as back,
        load(url, "tenant-other", 5, post=partial(post_http, tenant="other")) as other,
    ):
        wait_until("records that wait", lambda: len(other.taken) > 50)
        with load(url, "tenant-first", 5, post=partial(post_http, tenant="first")) as first:
            wait_until("records of the other tenant", lambda: len(first.taken) > 50)
        all_arrived(cluster, first)
        back()
    all_arrived(cluster, other, "other-backend")
    assert arrived(cluster, "backend", "tenant-other") == arrived(cluster, "other-backend", "tenant-first") == set()
