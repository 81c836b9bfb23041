# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The abilities of a platform, from its file in `platforms/`.

A missing ability is an error that names the alternative. No code asks for a platform by name. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .._otelcol.errors import Problem
from .options import Collector

_AGENT = "daemonset"


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
        values = {item.name: facts[item.name] for item in fields(cls) if item.name in facts}
        return cls(**{**values, "name": name, "host_paths": tuple(values.get("host_paths", ("/",)))})

    def allows_folder(self, path: str) -> bool:
        """Whether pods may mount a folder of their node."""
        return any(f"{path}/".startswith(f"{folder.rstrip('/')}/") for folder in self.host_paths)


_NODE_ADDRESS = "${env:K8S_NODE_IP}"


def facts_for(collector: Collector, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that recipes see: in a URL, IPv6 addresses have brackets, and no others may (RFC 3986)."""
    kubelet = facts.get("kubelet_endpoint")
    if not (collector.is_ipv6_first and isinstance(kubelet, str)):
        return dict(facts)
    return {**facts, "kubelet_endpoint": kubelet.replace(f"//{_NODE_ADDRESS}", f"//[{_NODE_ADDRESS}]")}


def settled(options: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    """Return options, settled by the platform where the user has not: agents without host ports have a Service."""
    service = options["service"] or {}
    if platform.host_ports or options["host_ports"] is not None or options["mode"] != _AGENT:
        return dict(options)
    enabled = True if service.get("enabled") is None else service["enabled"]
    return {**options, "host_ports": False, "service": {**service, "enabled": enabled}}


def check(platform: Platform, collector: Collector, volumes: list[dict[str, Any]], opens: bool) -> None:
    """Raise Problem for a collector that needs what its platform lacks; `opens` says that it listens."""
    mounted = [(item["name"], item["hostPath"]["path"]) for item in volumes if "hostPath" in item]
    foreign = ", ".join(path for _name, path in mounted if not platform.allows_folder(path))
    writable = {item["name"] for item in collector.volumes if not item.get("read_only", True)}
    written = "" if platform.host_paths_writable else ", ".join(path for name, path in mounted if name in writable)
    lacks = (
        ("daemonsets", not platform.daemonsets and collector.mode == _AGENT, "runs no pod on every node"),
        ("host_paths", foreign, f"does not let pods mount {foreign} of their node"),
        ("host_paths_writable", written, f"does not let pods write to {written} of their node"),
        ("host_network", not platform.host_network and collector.host_network, "keeps the node's network from pods"),
        (
            "host_ports",
            not platform.host_ports and collector.uses_host_ports and opens,
            "keeps the node's ports from pods",
        ),
    )
    for ability, broken, wrong in lacks:
        if broken:
            asked = f"collector '{collector.name}' (mode {collector.mode})"
            fix = platform.instead.get(ability) or "Do without it, or name the platform where it really runs."
            raise Problem(f"platform '{platform.name}' {wrong}", asked=asked, fix=fix)
