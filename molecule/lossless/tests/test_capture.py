"""A pod of a capture takes its share of the load: no record is lost or doubled, also if the run is killed."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support import runs
from tests.support.cluster import PROJECT, Cluster, node_ips, until
from tests.support.load import Load, load

INVENTORY = PROJECT / "molecule/lossless/inventory.yml"
COLLECTOR = "o11y.opentelemetry/collector"
# A killed run leaves a Job that may run for so many seconds and 30 more.
LONG, READY = 10, 20


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "lossless")


def command(folder: Path, **variables: object) -> list[str]:
    given = json.dumps({"capture_only": ["first"], "capture_path": str(folder), **variables})
    return ["ansible-playbook", "o11y.opentelemetry.capture", "-i", str(INVENTORY), "-e", given]


def jobs(cluster: Cluster) -> list[str]:
    """Return the names of the Jobs of captures."""
    listed = cluster.host.check_output(f"kubectl -n {cluster.namespace} get jobs -o name")
    return [name.partition("/")[2] for name in listed.split() if "-capture-" in name]


def capturing_pods(cluster: Cluster) -> list[str]:
    """Return the names of the pods of captures whose containers run."""
    shown = cluster.host.check_output(f"kubectl -n {cluster.namespace} get pods --no-headers")
    return [line.split()[0] for line in shown.splitlines() if "-capture-" in line and " 2/2 " in line]


def arrived(cluster: Cluster, sent: Load) -> Counter[str]:
    """Return how often the backend has printed each record."""
    return Counter(re.findall(rf"\b({sent.name}-\d+\.)", cluster.logs(f"{COLLECTOR}=counter")))


def receiver(cluster: Cluster) -> str:
    ports = cluster.get("service", "first")["spec"]["ports"]
    return f"http://{node_ips()[0]}:{next(one['nodePort'] for one in ports if one['port'] == 4318)}"


@contextmanager
def killed(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Kill a run once its pod is ready, and see at the end that it has written nothing."""
    run = runs.begin(command(folder, capture_seconds=LONG, capture_timeout_seconds=READY))
    try:
        until("the pod of the run that is killed", lambda: capturing_pods(cluster))
    finally:
        runs.kill(run)
    yield
    assert list(folder.rglob("manifest.json")) == []


def test_captures_lose_and_double_nothing_and_leave_nothing_even_if_they_are_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    before = cluster.get("deployment", "first")["metadata"]["generation"]
    name = f"cap{os.getpid()}"  # the backend still has what an earlier run of this test has sent
    with load(receiver(cluster), name, 5) as sent, killed(cluster, tmp_path / "killed"):
        (left,) = jobs(cluster)
        assert cluster.get("job", left)["spec"]["ttlSecondsAfterFinished"] == 60
        cluster.host.check_output(shlex.join(command(tmp_path, capture_seconds=5)))
        until("the end of the pod of the killed run", lambda: not capturing_pods(cluster), LONG + READY + 90)
        enough = len(sent.taken) + 50
        until("records after the captures", lambda: len(sent.taken) > enough)
    until("all records", lambda: {*sent.taken} <= {*arrived(cluster, sent)})
    assert [name for name, times in arrived(cluster, sent).items() if times > 1] == []
    assert sent.lost == []
    assert cluster.get("deployment", "first")["metadata"]["generation"] == before
    folder = tmp_path / "cluster" / "lossless.first"
    manifest = json.loads((folder / "manifest.json").read_text())
    lines = gzip.decompress((folder / "logs.jsonl.gz").read_bytes()).decode().splitlines()
    assert manifest["records"] == manifest["signals"]["logs"]["records"] >= 20
    assert len(lines) == manifest["signals"]["logs"]["requests"]
    assert all(json.loads(line)["resourceLogs"] for line in lines)
    assert name not in "".join(lines)
