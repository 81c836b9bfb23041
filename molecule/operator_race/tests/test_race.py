"""One run of the site installs everything on an empty cluster, whatever its webhooks do meanwhile.

O11Y_RACE_RUNS says how often (once unless told); each run takes the next disturbance in turn.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.background import repeat_in_background
from tests.support.cluster import PROJECT

INVENTORY = f"-i {PROJECT}/inventories/operator_stack -i {PROJECT}/molecule/operator_race/inventory.yml"
SITE = f"ansible-playbook o11y.opentelemetry.site {INVENTORY}"
REMOVE = f"ansible-playbook o11y.opentelemetry.remove {INVENTORY}"
CREDENTIALS = (
    "kubectl create namespace cluster && kubectl -n cluster create secret generic elasticsearch-credentials"
    " --from-literal=user=somebody --from-literal=password=something"
)
# The pods that answer for webhooks: (namespace, selector).
WEBHOOKS = (
    ("cert-manager", "app.kubernetes.io/component=webhook"),
    ("opentelemetry-operator-system", "app.kubernetes.io/name=opentelemetry-operator"),
)
RUNS = int(os.environ.get("O11Y_RACE_RUNS", "1"))
STILL = 3.0  # seconds: less than the 10 that the API server waits for a webhook
WORKED = timedelta(seconds=5)


def restart(host: Host) -> None:
    """Replace the pods of webhooks that have worked for a while. On a busy machine others would never be ready."""
    for namespace, selector in WEBHOOKS:
        pods = json.loads(host.check_output(f"kubectl -n {namespace} get pods -l {selector} -o json"))["items"]
        for name in (pod["metadata"]["name"] for pod in pods if _has_worked(pod)):
            host.run(f"kubectl -n {namespace} delete pod {name} --wait=false")


def stand_still(_host: Host) -> None:
    """Stop the processes of all webhooks for a while, as a node without a free processor does."""
    stopped = [pid for pid in _webhook_processes() if _signal(pid, signal.SIGSTOP)]
    print(f"{len(stopped)} processes stand still")
    time.sleep(STILL)
    for pid in stopped:
        _signal(pid, signal.SIGCONT)


def leave_alone(_host: Host) -> None:
    """Do nothing."""


# After how many seconds, again and again.
DISTURBANCES = ((restart, 3.0), (stand_still, 4.0), (leave_alone, 60.0))


@pytest.fixture
def empty(host: Host) -> Iterator[None]:
    host.check_output(CREDENTIALS)
    yield
    host.check_output(REMOVE)
    host.check_output("kubectl delete namespace cluster")
    left = host.check_output("kubectl get crds,ns,clusterroles,validatingwebhookconfigurations -o name")
    assert not re.search(r"opentelemetry|cert-?manager", left)


@pytest.mark.parametrize("run", range(RUNS))
def test_the_site_converges_in_one_run(host: Host, empty: None, run: int) -> None:
    disturb, every = DISTURBANCES[run % len(DISTURBANCES)]
    with repeat_in_background(lambda: disturb(host), every):
        converged = host.run(SITE)
    assert converged.rc == 0, f"{disturb.__name__}:\n{converged.stdout}\n{converged.stderr}"
    assert "RETRYING" not in converged.stdout
    assert re.search(r"changed=0 .*failed=0", host.check_output(SITE))


def _has_worked(pod: dict[str, Any]) -> bool:
    """Return whether a pod has been ready for a while, and is not going."""
    (ready,) = [one for one in pod["status"].get("conditions") or [] if one["type"] == "Ready"] or [{"status": ""}]
    if ready["status"] != "True" or "deletionTimestamp" in pod["metadata"]:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(ready["lastTransitionTime"]) > WORKED


def _webhook_processes() -> Iterator[int]:
    """Yield the processes of webhooks that run in pods of this cluster. A node has one name as cgroup and network."""
    nodes = [Path(node).name for node in os.environ["O11Y_TESTBED_NODE_NAMESPACES"].split()]
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            program = (folder / "cmdline").read_bytes().split(b"\0")[0].rpartition(b"/")[2]
            groups = (folder / "cgroup").read_text()
        except OSError:  # it has ended
            continue
        if program in (b"webhook", b"manager") and any(f"/{node}/" in groups for node in nodes):
            yield int(folder.name)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
