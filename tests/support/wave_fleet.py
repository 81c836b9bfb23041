# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet of scenario `waves`: clusters, which are namespaces of one cluster, and Linux hosts.

All of them have a collector `agent`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from testinfra.host import Host

from tests.support.cluster import without_colours, words
from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts
from tests.support.runs import kill, start

_PREFIX = "waves-"
_AGENT = "-l o11y.opentelemetry/collector=agent"
_OF_HOST = """
cd /etc/otelcol/agent && basename "$(readlink current)" && stat --format=%Y current && ls releases | tail -n 1 &&
systemctl show --value --property=MainPID otelcol-agent
"""
_LINES = "journalctl --unit=otelcol-backend --output=short-unix | grep 'line [0-9]* at'"


def namespace(member: str) -> str:
    """Return the namespace that is a cluster of the inventory."""
    return f"{_PREFIX}{member.replace('_', '-')}"


@dataclass(frozen=True)
class State:
    """What runs of the agent of a member."""

    config: str
    """The ConfigMap in a cluster, or the release of a host."""
    processes: frozenset[str]
    """The identities of its pods, or the id of its process."""
    since: int
    """When they have come, or the release was put in use, in seconds of Unix."""
    number: int
    """How many revisions, or releases, there have been."""


@dataclass(frozen=True)
class Fleet:
    """The clusters as kubectl sees them, and the hosts with the path of their inventory."""

    local: Host
    clusters: tuple[str, ...]
    hosts: OwnHosts
    linux: str
    inventory: str
    arguments: tuple[str, ...]

    def start(self, playbook: str, *more: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook for all members."""
        return start(playbook, self.inventory, "-i", self.linux, *self.arguments, *more, **variables)

    def site(self, *more: str, **variables: Any) -> tuple[int, str]:
        """Return how a run of site ends, and what it prints."""
        return end(self.start("site", *more, **variables))

    def kill_in(self, wave: str, text: str, **variables: Any) -> None:
        """Run site, and kill it as soon as it prints a text in a wave."""
        run = self.start("site", **variables)
        read_until(run, f"msg: Wave {wave}\n", text)
        kill(run)

    def on(self, host: str, command: str) -> str:
        """Run a command of the shell on a host."""
        return LinuxHost(self.hosts.group(), host).run(command).strip()

    def states(self, members: Iterable[str]) -> dict[str, State]:
        """Return what runs on each member."""
        in_clusters = dict(self._in_clusters())
        return {member: in_clusters.get(member) or self._on_host(member) for member in members}

    def passed(self, member: str) -> dict[str, Any]:
        """Return what a member notes about the wave that its agent has passed."""
        if member in self.clusters:
            note = self._get(f"--namespace={namespace(member)} configmap/agent-wave")
            return dict(json.loads(note["data"]["passed.json"]))
        release, notes = self.on(member, "cd /etc/otelcol/agent && readlink current && cat waves.json").split("\n", 1)
        return dict(json.loads(notes)[release.rpartition("/")[2]])

    def waits_of_lines(self, host: str) -> dict[int, float]:
        """Return for how long each line of the file waited that the backend of a host has by now, by its number."""
        found = re.findall(r"^(\d+\.\d+) .*line (\d+) at (\d+)\.", self.on(host, _LINES), re.MULTILINE)
        waits: dict[int, float] = {}
        for came, number, began in found:
            waits.setdefault(int(number), float(came) - int(began))
        return waits

    def _get(self, what: str) -> dict[str, Any]:
        return dict(json.loads(self.local.check_output(f"kubectl get --output=json {what}")))

    def _in_clusters(self) -> Iterator[tuple[str, State]]:
        pods = self._get(f"--all-namespaces {_AGENT} pods")["items"]
        workloads = self._get(f"--all-namespaces {_AGENT} deployments")["items"]
        member_of = {namespace(member): member for member in self.clusters}
        for workload in workloads:
            metadata = workload["metadata"]
            own = [pod["metadata"] for pod in pods if pod["metadata"]["namespace"] == metadata["namespace"]]
            staying = [pod for pod in own if "deletionTimestamp" not in pod]
            volumes = workload["spec"]["template"]["spec"]["volumes"]
            yield (
                member_of[metadata["namespace"]],
                State(
                    config=next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume),
                    processes=frozenset(pod["uid"] for pod in staying),
                    since=max((_seconds(pod["creationTimestamp"]) for pod in staying), default=0),
                    number=int(metadata["annotations"]["deployment.kubernetes.io/revision"]),
                ),
            )

    def _on_host(self, host: str) -> State:
        release, since, newest, process = self.on(host, _OF_HOST).split()
        return State(release, frozenset([process]), int(since), int(newest))


def _seconds(timestamp: str) -> int:
    """Return a time of Kubernetes in seconds of Unix."""
    return int(datetime.fromisoformat(timestamp).timestamp())


def end(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a run ends, and what it prints, as one line without colours."""
    output = words(run.communicate()[0])
    print(output)
    return run.returncode, output


def read_until(run: subprocess.Popen[str], *texts: str) -> None:
    """Read what a run prints up to a line with the first text, then to one with the next. Fails if it ends before."""
    assert run.stdout is not None
    for text in texts:
        for line in run.stdout:
            print(line, end="")
            if text in without_colours(line):
                break
        else:
            raise AssertionError(f"the run does not print '{text}'")
