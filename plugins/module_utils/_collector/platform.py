# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The abilities of a platform, from its file in `platforms/`.

A platform is a sort of cluster, such as OpenShift or GKE Autopilot. A missing ability is an error that names the
alternative. Code asks for abilities, and never for a platform by its name, so that a user can describe another one by a
file. Example: on a platform with `daemonsets: false`, a collector of mode daemonset is refused, and the message has the
text of `instead.daemonsets` as its fix. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from .._otelcol.errors import Problem
from .options import Collector

_AGENT_MODE = "daemonset"


@dataclass(frozen=True)
class Platform:
    """The abilities of a platform; `platforms/generic.yml` says what each means, and its defaults are the same."""

    name: str = "generic"
    daemonsets: bool = True
    host_paths: tuple[str, ...] = ("/",)
    host_paths_writable: bool = True
    host_ports: bool = True
    host_network: bool = True
    security_context_constraints: bool = False
    selinux: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_facts(cls, name: str, facts: Mapping[str, Any]) -> Platform:
        """Return the platform that these facts describe; facts that recipes alone use are left out."""
        values = {
            platform_field.name: facts[platform_field.name]
            for platform_field in fields(cls)
            if platform_field.name in facts
        }
        values["name"] = name
        values["host_paths"] = tuple(values.get("host_paths", cls.host_paths))
        return cls(**values)

    def allows_folder(self, path: str) -> bool:
        """Whether pods may mount a folder of their node."""
        return any(f"{path}/".startswith(f"{folder.rstrip('/')}/") for folder in self.host_paths)


class _Lack(NamedTuple):
    """An ability that a platform lacks for a collector."""

    ability: str
    """The name of a field of `Platform`, by which `instead` has the alternative."""
    wrong: str
    """What the platform does, as the end of a sentence that begins with its name: `runs no pod on every node`."""


_NODE_ADDRESS = "${env:K8S_NODE_IP}"


def adapt_facts(collector: Collector, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that recipes see: in a URL, IPv6 addresses have brackets, and no others may (RFC 3986)."""
    kubelet_endpoint = facts.get("kubelet_endpoint")
    if not (collector.is_ipv6_first and isinstance(kubelet_endpoint, str)):
        return dict(facts)
    return {**facts, "kubelet_endpoint": kubelet_endpoint.replace(f"//{_NODE_ADDRESS}", f"//[{_NODE_ADDRESS}]")}


def decide_options(options: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    """Return options, with those that the user leaves open decided by the platform.

    An agent opens ports of its node by default (`Collector.uses_host_ports`). Where the platform has no such ports,
    clients reach it through a Service instead. What the user has decided is checked by `check_abilities`.
    """
    is_undecided_agent = options["mode"] == _AGENT_MODE and options["host_ports"] is None
    if platform.host_ports or not is_undecided_agent:
        return dict(options)
    service = dict(options["service"] or {})
    if service.get("enabled") is None:
        service["enabled"] = True
    return {**options, "host_ports": False, "service": service}


def check_abilities(platform: Platform, collector: Collector, volumes: list[dict[str, Any]], listens: bool) -> None:
    """Raise Problem for a collector that needs what its platform lacks; `listens` says that it listens."""
    worst_lack = next(_find_lacks(platform, collector, volumes, listens), None)
    if worst_lack:
        asked = f"collector '{collector.name}' (mode {collector.mode})"
        fix = platform.instead.get(worst_lack.ability) or "Do without it, or name the platform where it really runs."
        raise Problem(f"platform '{platform.name}' {worst_lack.wrong}", asked=asked, fix=fix)


def _find_lacks(
    platform: Platform, collector: Collector, volumes: list[dict[str, Any]], listens: bool
) -> Iterator[_Lack]:
    """Yield the abilities that a platform lacks for a collector, the most severe first."""
    if collector.mode == _AGENT_MODE and not platform.daemonsets:
        yield _Lack("daemonsets", "runs no pod on every node")
    yield from _find_folder_lacks(platform, collector, volumes)
    if collector.host_network and not platform.host_network:
        yield _Lack("host_network", "keeps the node's network from pods")
    if collector.uses_host_ports and listens and not platform.host_ports:
        yield _Lack("host_ports", "keeps the node's ports from pods")


def _find_folder_lacks(platform: Platform, collector: Collector, volumes: list[dict[str, Any]]) -> Iterator[_Lack]:
    """Yield what a platform lacks for the folders of nodes that a collector mounts.

    `volumes` are all volumes of the pod. Only the user's may be written to here: whether the state of a collector is in
    a folder of its node is decided by the platform itself (`keeps_state_on_node` of manifests/pod_volumes.py).
    """
    writable_names = {volume["name"] for volume in collector.volumes if not volume.get("read_only", True)}
    refused_folders = []
    written_folders = []
    for volume in volumes:
        if "hostPath" not in volume:
            continue
        folder = volume["hostPath"]["path"]
        if not platform.allows_folder(folder):
            refused_folders.append(folder)
        if volume["name"] in writable_names:
            written_folders.append(folder)
    if refused_folders:
        yield _Lack("host_paths", f"does not let pods mount {', '.join(refused_folders)} of their node")
    if written_folders and not platform.host_paths_writable:
        yield _Lack("host_paths_writable", f"does not let pods write to {', '.join(written_folders)} of their node")
