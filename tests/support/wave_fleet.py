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

from tests.support.cluster import join_printed_lines, strip_colours
from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts
from tests.support.runs import kill_run, start_playbook

_PREFIX = "waves-"
_AGENT_SELECTOR = "-l o11y.opentelemetry/collector=agent"
_HOST_STATE_COMMAND = """
cd /etc/otelcol/agent && basename "$(readlink current)" && stat --format=%Y current && ls releases | tail -n 1 &&
systemctl show --value --property=MainPID otelcol-agent
"""
_BACKEND_LINES_COMMAND = "journalctl --unit=otelcol-backend --output=short-unix | grep 'line [0-9]* at'"


def member_namespace(member: str) -> str:
    """Return the namespace that is a cluster of the inventory."""
    return f"{_PREFIX}{member.replace('_', '-')}"


@dataclass(frozen=True)
class MemberState:
    """What runs of the agent of a member."""

    config: str
    """The ConfigMap in a cluster, or the release of a host."""
    processes: frozenset[str]
    """The identities of its pods, or the id of its process."""
    begun_at: int
    """When they have come, or the release was put in use, in seconds of Unix."""
    release_number: int
    """How many revisions, or releases, there have been."""


@dataclass(frozen=True)
class Fleet:
    """The clusters as kubectl sees them, and the hosts with the path of their inventory."""

    local_host: Host
    clusters: tuple[str, ...]
    hosts: OwnHosts
    linux_inventory: str
    inventory: str
    arguments: tuple[str, ...]

    def start(self, playbook: str, *more_arguments: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook for all members."""
        return start_playbook(
            playbook, self.inventory, "-i", self.linux_inventory, *self.arguments, *more_arguments, **variables
        )

    def site(self, *more_arguments: str, **variables: Any) -> tuple[int, str]:
        """Return how a run of site ends, and what it prints."""
        return await_end(self.start("site", *more_arguments, **variables))

    def kill_in_wave(self, wave: str, text: str, **variables: Any) -> None:
        """Run site, and kill it as soon as it prints a text in a wave."""
        run = self.start("site", **variables)
        read_until(run, f"msg: Wave {wave}\n", text)
        kill_run(run)

    def on(self, host: str, command: str) -> str:
        """Run a command of the shell on a host."""
        return LinuxHost(self.hosts.find_group(), host).run(command).strip()

    def read_states(self, members: Iterable[str]) -> dict[str, MemberState]:
        """Return what runs on each member."""
        in_clusters = dict(self._find_cluster_states())
        return {member: in_clusters.get(member) or self._read_host_state(member) for member in members}

    def read_passed_wave(self, member: str) -> dict[str, Any]:
        """Return what a member notes about the wave that its agent has passed."""
        if member in self.clusters:
            wave_config_map = self._read_object(f"--namespace={member_namespace(member)} configmap/agent-wave")
            return dict(json.loads(wave_config_map["data"]["passed.json"]))
        release, waves_text = self.on(member, "cd /etc/otelcol/agent && readlink current && cat waves.json").split(
            "\n", 1
        )
        return dict(json.loads(waves_text)[release.rpartition("/")[2]])

    def measure_line_delays(self, host: str) -> dict[int, float]:
        """Return for how long each line of the file waited that the backend of a host has by now, by its number."""
        line_matches = re.findall(
            r"^(\d+\.\d+) .*line (\d+) at (\d+)\.", self.on(host, _BACKEND_LINES_COMMAND), re.MULTILINE
        )
        waits: dict[int, float] = {}
        for arrival, line_number, write_time in line_matches:
            waits.setdefault(int(line_number), float(arrival) - int(write_time))
        return waits

    def _read_object(self, query: str) -> dict[str, Any]:
        return dict(json.loads(self.local_host.check_output(f"kubectl get --output=json {query}")))

    def _find_cluster_states(self) -> Iterator[tuple[str, MemberState]]:
        pods = self._read_object(f"--all-namespaces {_AGENT_SELECTOR} pods")["items"]
        workloads = self._read_object(f"--all-namespaces {_AGENT_SELECTOR} deployments")["items"]
        member_of = {member_namespace(member): member for member in self.clusters}
        for workload in workloads:
            namespace = workload["metadata"]["namespace"]
            member_pods = [pod["metadata"] for pod in pods if pod["metadata"]["namespace"] == namespace]
            yield member_of[namespace], _describe_workload(workload, member_pods)

    def _read_host_state(self, host: str) -> MemberState:
        release, since, newest, process = self.on(host, _HOST_STATE_COMMAND).split()
        return MemberState(release, frozenset([process]), int(since), int(newest))


def _describe_workload(workload: dict[str, Any], pods: Iterable[dict[str, Any]]) -> MemberState:
    """Return what runs of a Deployment, by the metadata of its pods."""
    remaining_pods = [pod for pod in pods if "deletionTimestamp" not in pod]
    volumes = workload["spec"]["template"]["spec"]["volumes"]
    return MemberState(
        config=next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume),
        processes=frozenset(pod["uid"] for pod in remaining_pods),
        begun_at=max((_unix_seconds(pod["creationTimestamp"]) for pod in remaining_pods), default=0),
        release_number=int(workload["metadata"]["annotations"]["deployment.kubernetes.io/revision"]),
    )


def _unix_seconds(timestamp: str) -> int:
    """Return a time of Kubernetes in seconds of Unix."""
    return int(datetime.fromisoformat(timestamp).timestamp())


def await_end(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a run ends, and what it prints, as one line without colours."""
    output = join_printed_lines(run.communicate()[0])
    print(output)
    return run.returncode, output


def read_until(run: subprocess.Popen[str], *texts: str) -> None:
    """Read what a run prints up to a line with the first text, then to one with the next. Fails if it ends before."""
    assert run.stdout is not None
    for text in texts:
        for line in run.stdout:
            print(line, end="")
            if text in strip_colours(line):
                break
        else:
            raise AssertionError(f"the run does not print '{text}'")
