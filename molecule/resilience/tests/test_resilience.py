"""A run that is killed is completed by the next; two runs at once end as one would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, until

INVENTORY = f"{PROJECT}/molecule/resilience/inventory.yml"
SITE = ["ansible-playbook", "o11y.opentelemetry.site", "-i", INVENTORY]
REMOVE = f"ansible-playbook o11y.opentelemetry.remove -i {INVENTORY}"


@pytest.fixture
def cluster(host: Host) -> Iterator[Cluster]:
    yield Cluster(host, "resilience")
    host.check_output(REMOVE)
    assert host.check_output("kubectl get ns resilience --ignore-not-found") == ""


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(SITE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


@pytest.mark.parametrize("seen", ["namespace/resilience", "configmap/gateway", "deployment/gateway"])
def test_a_run_killed_in_the_middle_is_completed_by_the_next(cluster: Cluster, seen: str) -> None:
    run = start()
    until(seen, lambda: cluster.host.run(f"kubectl -n resilience get {seen} -o name").rc == 0)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert "failed=0" in cluster.host.check_output(" ".join(SITE))
    assert all(_ready(cluster, instance) for instance in ("gateway", "agent"))
    assert re.search(r"changed=0 .*failed=0", cluster.host.check_output(" ".join(SITE)))


def test_two_runs_at_once_end_as_one_would(cluster: Cluster) -> None:
    runs = [start(), start()]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert re.search(r"changed=0 .*failed=0", cluster.host.check_output(" ".join(SITE)))


def _ready(cluster: Cluster, instance: str) -> bool:
    pods = cluster.pods(f"app.kubernetes.io/instance={instance}")
    return bool(pods) and all(status["ready"] for pod in pods for status in pod["status"]["containerStatuses"])
