"""The cluster as tests see it, through kubectl and a host of testinfra."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from testinfra.backend.base import CommandResult
from testinfra.host import Host

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
# Seconds between two looks of a wait, and of the wait's beginning.
OFTEN_SECONDS, RARELY_SECONDS, SOON_SECONDS = 0.2, 1, 20
# What the API server says of a container that has not started, and of a pod that went after kubectl had listed it.
_NO_LOGS_YET = ("is waiting to start", "(NotFound)")


@dataclass(frozen=True)
class Cluster:
    """Reads of one namespace."""

    host: Host
    namespace: str

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return one object."""
        text = self.host.check_output(f"kubectl -n {self.namespace} get {kind} {name} -o json")
        kubernetes_object: dict[str, Any] = json.loads(text)
        return kubernetes_object

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Return the pods that a label selector matches, without those that are going."""
        listed_pods = json.loads(self.host.check_output(f"kubectl -n {self.namespace} get pods -l {selector} -o json"))
        return [pod for pod in listed_pods["items"] if "deletionTimestamp" not in pod["metadata"]]

    def logs(self, selector: str) -> str:
        """Return what the pods have printed, once each that is on a node has started."""
        command = f"kubectl -n {self.namespace} logs -l {selector} --tail=-1"
        read = wait_until(f"pods of {selector} have started", lambda: _find_readable(self.host.run(command)))
        return str(read.stdout)


def _find_readable(read: CommandResult) -> CommandResult | None:
    """Return the result of a read of logs, or None if a pod had none yet or was deleted meanwhile.

    Raises:
        AssertionError: The read failed for another reason.
    """
    if any(reason in read.stderr for reason in _NO_LOGS_YET):
        return None
    assert read.rc == 0, read.stderr
    return read


def has_token(pod: dict[str, Any]) -> bool:
    """Return whether a pod mounts the token of its ServiceAccount for the Kubernetes API."""
    paths = {
        mount["mountPath"] for container in pod["spec"]["containers"] for mount in container.get("volumeMounts", [])
    }
    return "/var/run/secrets/kubernetes.io/serviceaccount" in paths


@contextmanager
def watch_availability(namespace: str) -> Iterator[list[int]]:
    """Return how many replicas each Deployment of a namespace had available, as Kubernetes changed it."""
    replica_field = '{.status.availableReplicas}{"\\n"}'
    command = ["kubectl", "-n", namespace, "get", "deployments", "--watch", "--output", f"jsonpath={replica_field}"]
    watch_process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    replica_counts: list[int] = []
    try:
        yield replica_counts
    finally:
        watch_process.terminate()
        replica_counts += [int(line or 0) for line in watch_process.communicate()[0].splitlines()]


def strip_colours(printed: str) -> str:
    """Return what Ansible printed as it is where it prints no colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", printed)


def join_printed_lines(printed: str) -> str:
    """Return what Ansible printed without colours and line breaks."""
    return " ".join(strip_colours(printed).split())


def node_ips() -> list[str]:
    """Return the addresses of the nodes, as the testbed exports them."""
    return os.environ["O11Y_TESTBED_NODE_IPS"].split()


def wait_until(description: str, check: Callable[[], T], seconds: float = 90) -> T:
    """Return the first true value that `check` gives; fail with what was waited for when time is up.

    Most looks start kubectl, which takes CPU time from what is waited for: they get rarer after what soon comes and
    goes, such as a run to be killed in its middle.
    """
    start = time.monotonic()
    while (waited_seconds := time.monotonic() - start) < seconds:
        value = check()
        if value:
            return value
        time.sleep(OFTEN_SECONDS if waited_seconds < SOON_SECONDS else RARELY_SECONDS)
    raise AssertionError(f"not seen in {seconds} s: {description}")
