"""A pod of a capture takes its share of the load: no record is lost or doubled, also if the run is killed.

A Deployment and a DaemonSet are captured while the cluster ends the pod of a run that was killed, which takes a minute.
The file of a DaemonSet with ports of its nodes is captured while it serves.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import runs
from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.load import Load, post_http, send_load

INVENTORY = PROJECT / "molecule/lossless/inventory.yml"
COLLECTOR = "o11y.opentelemetry/collector"
WORKLOADS = {"first": "deployment", "agent": "daemonset"}
CLIENTS = 3
# A killed run leaves a Job that may run for so many seconds and 30 more.
LONG, READY = 10, 20
NUMBER, HEADER = "log.record.uid", "http.request.header.authorization"
SECRET = "Bearer planted-secret-of-a-client"
MOST_CPU = 0.05
"""Of a core, which a pod that serves may take more while a capture runs."""
_CPU = re.compile(r"^otelcol_process_cpu_seconds\w*(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_NUMBERS = re.compile(rf'"key":"{NUMBER}","value":{{"stringValue":"([^"]*)"')
"""The numbers of records in OTLP JSON, as the exporter `file` and a capture write it: without spaces."""


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "lossless")


def command(folder: Path, only: list[str], **variables: object) -> list[str]:
    given = json.dumps({"capture_only": only, "capture_path": str(folder), **variables})
    return ["ansible-playbook", "o11y.opentelemetry.capture", "-i", str(INVENTORY), "-e", given]


def jobs(cluster: Cluster) -> set[str]:
    """Return the names of the Jobs of captures."""
    listed = cluster.host.check_output(f"kubectl -n {cluster.namespace} get jobs -o name")
    return {name.partition("/")[2] for name in listed.split() if "-capture-" in name}


def capturing_pods(cluster: Cluster) -> list[str]:
    """Return the names of the pods of captures whose containers run."""
    shown = cluster.host.check_output(f"kubectl -n {cluster.namespace} get pods --no-headers")
    return [line.split()[0] for line in shown.splitlines() if "-capture-" in line and " 2/2 " in line]


def arrived(cluster: Cluster, sent: Load) -> Counter[str]:
    """Return how often the backend has printed each record."""
    return Counter(re.findall(rf"\b({sent.name}-\d+\.)", cluster.logs(f"{COLLECTOR}=counter")))


def check_arrival(cluster: Cluster, sent: Load) -> None:
    """Wait until the backend has printed what was taken. Fail with the records that it has not, or has twice."""
    with suppress(AssertionError):
        wait_until("all records", lambda: not missing(cluster, sent))
    assert missing(cluster, sent) == [], f"of {len(sent.taken)} records, the last of which is {sent.taken[-1]}"
    assert [record for record, times in arrived(cluster, sent).items() if times > 1] == []
    assert sent.lost == []


def missing(cluster: Cluster, sent: Load) -> list[str]:
    """Return the records that were taken and not printed, in their order."""
    printed = arrived(cluster, sent)
    return [record for record in sent.taken if record not in printed]


def receiver(cluster: Cluster, name: str) -> str:
    ports = cluster.get("service", name)["spec"]["ports"]
    return f"http://{node_ips()[0]}:{next(one['nodePort'] for one in ports if one['port'] == 4318)}"


def post(url: str, text: str) -> None:
    """Send a record whose resource has its number, and a header that an instrumentation has kept."""
    post_http(url, text, **{NUMBER: number_of(text), HEADER: SECRET})


def number_of(text: str) -> str:
    """Return the number of a record. The backend prints it too, and must not find the record twice by it."""
    return text.removesuffix(".")


def serving_pods(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    """Return the pods of a collector that are none of a capture; a DaemonSet has one on each node."""
    return [pod for pod in cluster.pods(f"{COLLECTOR}={name}") if "-capture-" not in pod["metadata"]["name"]]


def identities(pods: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return what changes when a pod or a container of it is started again: uids, and counts of restarts."""
    counts: dict[str, list[int]] = {}
    for pod in pods:
        counts[pod["metadata"]["uid"]] = [status["restartCount"] for status in pod["status"]["containerStatuses"]]
    return counts


@dataclass(frozen=True)
class CpuReading:
    """How many seconds a Collector has computed, and when that was read."""

    computed: float
    at: float

    def cores_since(self, before: CpuReading) -> float:
        """Return how many cores it took since an earlier reading."""
        return (self.computed - before.computed) / (self.at - before.at)


def cpu_reading(cluster: Cluster, pod: str) -> CpuReading:
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}:8888/proxy/metrics"
    (computed,) = _CPU.findall(cluster.host.check_output(f"kubectl get --raw {path}"))
    return CpuReading(float(computed), time.monotonic())


@contextmanager
def killed(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Kill a run once its pod is ready, and see at the end that it has written nothing."""
    run = runs.start_command(command(folder, ["agent"], capture_seconds=LONG, capture_timeout_seconds=READY))
    try:
        wait_until("the pod of the run that is killed", lambda: capturing_pods(cluster))
    finally:
        runs.kill_run(run)
    yield
    assert list(folder.rglob("manifest.json")) == []


def lines_of(folder: Path) -> list[str]:
    """Return the requests of a capture, of which the manifest has as many and as many records."""
    manifest = json.loads((folder / "manifest.json").read_text())
    lines = gzip.decompress((folder / "logs.jsonl.gz").read_bytes()).decode().splitlines()
    assert len(lines) == manifest["signals"]["logs"]["requests"]
    assert manifest["records"] == manifest["signals"]["logs"]["records"] == "".join(lines).count('"body"')
    return lines


def check_capture(folder: Path, sent: Load) -> set[str]:
    """Return the numbers of a capture's records: they were sent, and it has each once and without its content."""
    text = "".join(lines_of(folder))
    captured = Counter(_NUMBERS.findall(text))
    assert len(captured) >= 20
    assert {*captured} <= {*map(number_of, sent.taken)}
    assert set(captured.values()) == {1}
    assert not re.search(rf'"body":{{"stringValue":"{sent.name}', text)
    assert "planted" not in text and HEADER in text
    return {*captured}


def check_rate(folder: Path, sent_each_second: float) -> None:
    """Check that the rate of a capture is that of all pods, though clients do not send as much at all times."""
    rate = json.loads((folder / "manifest.json").read_text())["signals"]["logs"]["collector_records_per_second"]
    assert 0.5 * sent_each_second < rate < 1.5 * sent_each_second


def test_captures_lose_and_double_nothing_and_leave_nothing_even_if_they_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    earlier = jobs(cluster)
    pods = {name: serving_pods(cluster, name) for name in WORKLOADS}
    agent = pods["agent"][0]["metadata"]["name"]
    generations = {name: cluster.get(kind, name)["metadata"]["generation"] for name, kind in WORKLOADS.items()}
    loads: dict[str, Load] = {}
    with ExitStack() as stack:
        for name in WORKLOADS:
            # The backend still has what an earlier run of this test has sent.
            client = send_load(receiver(cluster, name), f"{name}{os.getpid()}", CLIENTS, post=post)
            loads[name] = stack.enter_context(client)
        alone = cpu_reading(cluster, agent)
        stack.enter_context(killed(cluster, tmp_path / "killed"))
        begun = cpu_reading(cluster, agent)
        (left,) = jobs(cluster) - earlier
        assert cluster.get("job", left)["spec"]["ttlSecondsAfterFinished"] == 60
        node = pods["agent"][0]["spec"]["nodeName"]
        options = {"capture_seconds": 5, "capture_keep": [NUMBER], "capture_node": node}
        taken = {name: len(sent.taken) for name, sent in loads.items()}
        cluster.host.check_output(shlex.join(command(tmp_path, [*WORKLOADS], **options)))
        ended = cpu_reading(cluster, agent)
        rates = {name: (len(sent.taken) - taken[name]) / (ended.at - begun.at) for name, sent in loads.items()}
        wait_until("the end of the pod of the killed run", lambda: not capturing_pods(cluster), LONG + READY + 90)
        enough = {name: len(sent.taken) + 50 for name, sent in loads.items()}
        wait_until(
            "records after the captures", lambda: all(len(loads[name].taken) > enough[name] for name in WORKLOADS)
        )
    for name, sent in loads.items():
        check_arrival(cluster, sent)
        folder = tmp_path / "cluster" / f"lossless.{name}"
        check_capture(folder, sent)
        check_rate(folder, rates[name])
        assert cluster.get(WORKLOADS[name], name)["metadata"]["generation"] == generations[name]
        assert identities(serving_pods(cluster, name)) == identities(pods[name])
    assert ended.cores_since(begun) - begun.cores_since(alone) <= MOST_CPU


def copied_numbers(cluster: Cluster, pod: str, copy: Path) -> set[str]:
    """Copy the file of a pod as docs/capture.md says, and return the numbers of the records in it.

    Only the user who runs this may read the copy. A capture leaves out a last line that the Collector has not ended.
    """
    copy.touch(mode=0o600)
    read = f"kubectl exec -n {cluster.namespace} -c sample {pod} -- cat /sample/sample.jsonl"
    cluster.host.check_output(f"{read} > {shlex.quote(str(copy))}")
    whole_lines = copy.read_text().rpartition("\n")[0]
    return {*_NUMBERS.findall(whole_lines)}


def test_the_file_of_an_agent_with_ports_of_its_node_is_captured_while_it_serves(
    cluster: Cluster, tmp_path: Path
) -> None:
    pods = serving_pods(cluster, "sampled")
    (node,) = node_ips()[:1]
    (agent,) = [pod["metadata"]["name"] for pod in pods if pod["status"]["hostIP"] == node]
    copy = tmp_path / "node1.jsonl"
    given = {
        "capture_files": [str(copy)],
        "capture_files_of": "lossless/sampled",
        "capture_path": str(tmp_path),
        "capture_keep": [NUMBER],
    }
    playbook = ["ansible-playbook", "o11y.opentelemetry.capture", "-i", "localhost,", "-e", json.dumps(given)]
    with send_load(f"http://{node}:4318", f"sampled{os.getpid()}", CLIENTS, post=post) as sent:
        wait_until("records to sample", lambda: len(sent.taken) > 50)
        earlier = {*map(number_of, [*sent.taken])}
        # The processor `batch/sample` holds records for a moment before the exporter writes them.
        wait_until("the earlier records in the copy", lambda: earlier <= copied_numbers(cluster, agent, copy))
        cluster.host.check_output(shlex.join(playbook))
        enough = len(sent.taken) + 50
        wait_until("records after the capture", lambda: len(sent.taken) > enough)
    assert earlier <= check_capture(tmp_path / "lossless.sampled", sent)
    check_arrival(cluster, sent)
    assert identities(serving_pods(cluster, "sampled")) == identities(pods)
