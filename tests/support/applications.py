"""Applications that write to their logs, and what collectors of `pod_logs` read of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, wait_until

FIRST_DAY = f"{PROJECT}/molecule/agent_gateway/first_day.yaml"
NAMESPACE = "first-day"
AGENT, GATEWAY = (f"o11y.opentelemetry/collector={name}" for name in ("agent", "gateway"))
_READ_RECORDS = re.compile(r"^otelcol_receiver_accepted_log_records\S* (?P<count>\S+)", re.MULTILINE)
_LOG_SCRIPT = "while true; do echo 'GET /orders 200'; sleep 0.1; done"


@contextmanager
def run_application(host: Host, replicas: int = 1) -> Iterator[None]:
    """Run pods that write ten lines a second each."""
    deployment = "deployment app --image=docker.io/library/busybox:1.37"
    host.check_output(f"kubectl -n default create {deployment} --replicas={replicas} -- sh -c %s", _LOG_SCRIPT)
    try:
        host.check_output("kubectl -n default rollout status deployment app --timeout=30s")
        yield
    finally:
        host.check_output("kubectl -n default delete deployment app --grace-period=1 --wait=false")


@contextmanager
def deploy_first_day(host: Host, backend: str) -> Iterator[Cluster]:
    """Deploy the collectors that a newcomer writes first: agents that read all logs, and a gateway that prints them."""
    host.check_output(f"ansible-playbook o11y.opentelemetry.site -i {FIRST_DAY} -e otel_collector_backend={backend}")
    try:
        yield Cluster(host, NAMESPACE)
    finally:
        host.check_output(f"ansible-playbook o11y.opentelemetry.remove -i {FIRST_DAY}")


def count_written_and_read(cluster: Cluster, seconds: float) -> tuple[int, int]:
    """Return how many lines all pods but the collectors wrote in a time, and how many records the agents read."""
    wait_until("a first record", lambda: _count_read(cluster))
    read_before, start = _count_read(cluster), time.time()
    wait_until("the end of the time", lambda: time.time() >= start + seconds, seconds + 10)
    read_count = _count_read(cluster) - read_before
    return _count_written(cluster, int(time.time() - start) + 1), read_count


def _count_read(cluster: Cluster) -> int:
    pods_url = f"/api/v1/namespaces/{cluster.namespace}/pods"
    pods = [pod["metadata"]["name"] for pod in cluster.pods(AGENT)]
    metrics_pages = [
        cluster.host.check_output(f"kubectl get --raw {pods_url}/{name}:8888/proxy/metrics") for name in pods
    ]
    return int(sum(float(match["count"]) for text in metrics_pages for match in _READ_RECORDS.finditer(text)))


def _count_written(cluster: Cluster, seconds: int) -> int:
    pods: list[dict[str, Any]] = json.loads(cluster.host.check_output("kubectl get pods -A -o json"))["items"]
    pod_metadata = [pod["metadata"] for pod in pods if pod["metadata"]["namespace"] != cluster.namespace]
    command = "kubectl -n {namespace} logs {name} --all-containers --since={seconds}s"
    logs = [cluster.host.run(command.format(seconds=seconds, **name)).stdout for name in pod_metadata]
    return sum(len(log.splitlines()) for log in logs)
