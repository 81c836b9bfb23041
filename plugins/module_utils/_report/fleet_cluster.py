# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the fleet and its collectors, as the tasks before have rendered and read them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .._diagnose.pod_config import environment, expanded
from .._install.releases.products import CERT_MANAGER, OPERATOR
from .._otelcol.config.paths import at, items, section
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube import names
from .._otelcol.kube.names import COLLECTOR_LABEL

Result = Mapping[str, Any]
# The key that a result has when its task went well.
_GOOD = {"diagnosis": "verdict", "cert_manager": "installed", "operator": "installed", "drift": "ready"}
_WHAT = {
    "diagnosis": "how the collectors are",
    "cert_manager": "which cert-manager there is",
    "operator": "which operator there is",
    "drift": "what a run would change",
}
NOT_ASKED = "Nothing was read from the cluster: this is what its inventory says."


@dataclass(frozen=True)
class FleetPlace:
    """The results of one host of the inventory. `configs` has the configs of its collectors as data."""

    name: str
    given: Result
    configs: Mapping[str, Any]

    @property
    def findings(self) -> Sequence[Result]:
        """What the rules say of the configs."""
        return items(self.given, "rendered", "findings")

    @property
    def problem(self) -> str:
        """Why nothing could be rendered."""
        return str(self.given.get("problem") or "")


@dataclass(frozen=True)
class FleetCluster(FleetPlace):
    """A cluster of the fleet.

    `broken` has the collectors that planned versions of the Collector break, by version.
    """

    products: Mapping[str, Result] = field(default_factory=dict)
    broken: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def members(self) -> list[FleetMember]:
        """The collectors that were rendered."""
        rendered = section(self.given, "rendered")
        found = members(items(rendered, "collectors"), items(rendered, "manifests"), self.configs)
        ways = items(rendered, "sends_to_hosts")
        return [
            replace(one, sends_to=tuple(way for way in ways if way.get("sender") == one.id)) if ways else one
            for one in found
        ]

    @property
    def asked(self) -> bool:
        return bool(self.given.get("asked"))

    def read(self, name: str) -> Result:
        """Return a result, empty when its task failed, never ran, or saw none of what it was to read."""
        found = section(self.given, name)
        listed = items(found, "collectors") if name == "diagnosis" else []
        blind = listed and not any(item.get("seen", True) for item in listed)
        return found if _GOOD[name] in found and not blind else {}

    @property
    def is_read(self) -> bool:
        return any(self.read(name) for name in _GOOD)

    @cached_property
    def unread(self) -> list[str]:
        """Why something could not be read, each reason once: a cluster that does not answer says it once."""
        why: dict[str, list[str]] = {}
        for name, what in _WHAT.items():
            found = section(self.given, name)
            if found and not self.read(name) and found.get("msg"):
                why.setdefault(str(found["msg"]).strip(), []).append(what)
        return [f"{', '.join(what)}: {text}" for text, what in why.items()] if self.asked else []

    @cached_property
    def diagnosed(self) -> dict[str, Result]:
        """What was found of each collector that runs, by namespace and name."""
        listed = items(self.given, "diagnosis", "collectors")
        return {f"{item['namespace']}/{item['name']}": item for item in listed}

    @property
    def kubernetes(self) -> str:
        """The version of the cluster, empty if unknown."""
        found = (self.read("operator"), self.read("cert_manager"))
        return next((str(item["kubernetes"]) for item in found if item.get("kubernetes")), "")

    def installed(self, product: str) -> Result:
        return self.read({CERT_MANAGER: "cert_manager", OPERATOR: "operator"}[product])


def unlisted(cluster: FleetCluster, clusters: Iterable[FleetCluster]) -> list[str]:
    """Return the collectors that run in a cluster and that no host names: several hosts may deploy to one cluster."""
    named = {member.id for one in clusters for member in one.members}
    found = [
        (f"{item['namespace']}/{item['name']}", item["kind"]) for item in items(cluster.given, "diagnosis", "unlisted")
    ]
    return [f"{kind} {name}" for name, kind in found if name not in named]


Object = Mapping[str, Any]
# Stands for the address of a pod's node, which is not known before.
NODE = "address-of-the-node"
_ON_A_NODE = {"status": {"hostIP": NODE}}
_CUSTOM, _SCALER = "OpenTelemetryCollector", "HorizontalPodAutoscaler"


@dataclass(frozen=True)
class FleetMember:
    """A collector: what it is called, its config, and the objects around it.

    `sends_to` has the collectors of other places of the inventory that get its data.
    """

    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    workload: Object = field(default_factory=dict)
    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()
    scaler: Mapping[str, Any] = field(default_factory=dict)
    sends_to: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @property
    def namespace(self) -> str:
        return str(self.summary["namespace"])

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def mode(self) -> str:
        return str(self.summary["mode"])

    @property
    def spec(self) -> dict[str, Any]:
        """Return the specification of its workload or custom resource."""
        return section(self.workload, "spec")

    @property
    def container(self) -> dict[str, Any]:
        """Return its container; a custom resource is one itself."""
        inner = items(self.spec, "template", "spec", "containers")
        return inner[0] if inner else self.spec

    @property
    def is_allocated(self) -> bool:
        """Return whether a target allocator shares out its targets."""
        return bool(at(self.spec, ("targetAllocator", "enabled")))

    @property
    def node_ports(self) -> set[int]:
        return {port["hostPort"] for port in items(self.container, "ports") if port.get("hostPort")}

    @property
    def receivers(self) -> list[str]:
        """Return the types of the receivers that its pipelines use."""
        configured = section(self.config, "receivers")
        used = PipelineGraph.of(self.config).signals_by_id("receivers")
        return sorted({name.split("/", 1)[0] for name in used if name in configured})


def members(
    collectors: Iterable[Mapping[str, Any]], manifests: Sequence[Object], configs: Mapping[str, Any]
) -> list[FleetMember]:
    """Return all collectors by name; `configs` has what their configs say, by namespace and name."""
    found = _Index(manifests)
    result = [found.member(item, configs[f"{item['namespace']}/{item['name']}"]) for item in collectors]
    return sorted(result, key=lambda member: (member.namespace, member.name))


class _Index:
    """The rendered objects, by what one looks for."""

    def __init__(self, manifests: Iterable[Object]) -> None:
        self.named: dict[tuple[str, str, str], Object] = {}
        self.around: dict[tuple[str, str], list[Object]] = {}
        for item in manifests:
            metadata = section(item, "metadata")
            namespace = str(metadata.get("namespace") or "")
            self.named[str(item["kind"]), namespace, str(metadata["name"])] = item
            self.around.setdefault((namespace, section(metadata, "labels").get(COLLECTOR_LABEL, "")), []).append(item)

    def member(self, summary: Mapping[str, Any], config: Any) -> FleetMember:
        namespace, name = str(summary["namespace"]), str(summary["name"])
        workload = self.named.get((str(summary["kind"]), namespace, name), {})
        around = self.around.get((namespace, name), [])
        services = {str(item["metadata"]["name"]) for item in around if item["kind"] == "Service"}
        if summary["kind"] == _CUSTOM:
            services |= names.of_operator(name) - {names.allocator(name)}
        plain = FleetMember(summary, {}, workload)
        known = environment(plain.container, _ON_A_NODE)
        return FleetMember(
            summary,
            expanded(config, known) if isinstance(config, dict) else {},
            workload,
            tuple(f"{namespace}/{one}" for one in sorted(services)),
            tuple(sorted({host for item in around for host in _hosts(item)})),
            tuple(rule for role in self._roles(namespace, name) for rule in items(role, "rules")),
            next(
                (section(item, "spec") for item in around if item["kind"] == _SCALER), section(plain.spec, "autoscaler")
            ),
        )

    def _roles(self, namespace: str, name: str) -> list[Object]:
        """Return the ClusterRoles of a collector and of its target allocator."""
        wanted = (names.cluster_wide(namespace, name), names.cluster_wide(namespace, names.allocator(name)))
        return [self.named[key] for one in wanted if (key := ("ClusterRole", "", one)) in self.named]


def _hosts(item: Object) -> Iterable[str]:
    """Return the names under which an object lets the world in: of an Ingress, a Gateway's route, or a Route."""
    spec = section(item, "spec")
    yield from (str(rule["host"]) for rule in items(spec, "rules") if rule.get("host"))
    yield from map(str, items(spec, "hostnames"))
    if item["kind"] == "Route" and spec.get("host"):
        yield str(spec["host"])
