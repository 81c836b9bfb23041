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

from testinfra.host import Host

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
# Seconds between two looks of a wait, and of the wait's beginning.
OFTEN, RARELY, SOON = 0.2, 1, 20


@dataclass(frozen=True)
class Cluster:
    """Reads of one namespace."""

    host: Host
    namespace: str

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return one object."""
        text = self.host.check_output(f"kubectl -n {self.namespace} get {kind} {name} -o json")
        found: dict[str, Any] = json.loads(text)
        return found

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Return the pods that a label selector matches, without those that are going."""
        found = json.loads(self.host.check_output(f"kubectl -n {self.namespace} get pods -l {selector} -o json"))
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def logs(self, selector: str) -> str:
        """Return what the pods have printed."""
        return str(self.host.check_output(f"kubectl -n {self.namespace} logs -l {selector} --tail=-1"))


def has_token(pod: dict[str, Any]) -> bool:
    """Return whether a pod mounts the token of its ServiceAccount for the Kubernetes API."""
    paths = {mount["mountPath"] for item in pod["spec"]["containers"] for mount in item.get("volumeMounts", [])}
    return "/var/run/secrets/kubernetes.io/serviceaccount" in paths


@contextmanager
def availability(namespace: str) -> Iterator[list[int]]:
    """Return how many replicas each Deployment of a namespace had available, as Kubernetes changed it."""
    field = '{.status.availableReplicas}{"\\n"}'
    command = ["kubectl", "-n", namespace, "get", "deployments", "--watch", "--output", f"jsonpath={field}"]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    seen: list[int] = []
    try:
        yield seen
    finally:
        watch.terminate()
        seen += [int(line or 0) for line in watch.communicate()[0].splitlines()]


def without_colours(printed: str) -> str:
    """Return what Ansible printed as it is where it prints no colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", printed)


def words(printed: str) -> str:
    """Return what Ansible printed without colours and line breaks."""
    return " ".join(without_colours(printed).split())


def node_ips() -> list[str]:
    """Return the addresses of the nodes, as the testbed exports them."""
    return os.environ["O11Y_TESTBED_NODE_IPS"].split()


def until(what: str, look: Callable[[], T], seconds: float = 90) -> T:
    """Return the first true value that `look` gives; fail with what was waited for when time is up.

    Most looks start kubectl, which takes CPU time from what is waited for: they get rarer after what soon comes and
    goes, such as a run to be killed in its middle.
    """
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < seconds:
        value = look()
        if value:
            return value
        time.sleep(OFTEN if waited < SOON else RARELY)
    raise AssertionError(f"not seen in {seconds} s: {what}")
