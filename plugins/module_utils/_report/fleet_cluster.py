# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the fleet and its collectors, as the tasks before have rendered and read them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .._diagnose.pod_config import expand_variables, read_environment
from .._install.releases.products import CERT_MANAGER, OPERATOR
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube import names
from .._otelcol.kube.names import COLLECTOR_LABEL

Result = Mapping[str, Any]
# The key that a result has when its task went well.
_KEYS_OF_SUCCESS = {"diagnosis": "verdict", "cert_manager": "installed", "operator": "installed", "drift": "ready"}
_PARTS_IN_WORDS = {
    "diagnosis": "how the collectors are",
    "cert_manager": "which cert-manager there is",
    "operator": "which operator there is",
    "drift": "what a run would change",
}
NOT_ASKED = "Nothing was read from the cluster: this is what its inventory says."


@dataclass(frozen=True)
class FleetPlace:
    """The results of one host of the inventory. `config_by_collector` has the configs of its collectors as data."""

    name: str
    task_results: Result
    config_by_collector: Mapping[str, Any]

    @property
    def findings(self) -> Sequence[Result]:
        """What the rules say of the configs."""
        return list_at(self.task_results, "rendered", "findings")

    @property
    def problem(self) -> str:
        """Why nothing could be rendered."""
        return str(self.task_results.get("problem") or "")


@dataclass(frozen=True)
class FleetCluster(FleetPlace):
    """A cluster of the fleet.

    `broken_by_version` has the collectors that planned versions of the Collector break, by version.
    """

    wanted_products: Mapping[str, Result] = field(default_factory=dict)
    broken_by_version: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def members(self) -> list[FleetMember]:
        """The collectors that were rendered."""
        rendered = mapping_at(self.task_results, "rendered")
        sending_ways = list_at(rendered, "sends_to_hosts")
        rendered_members = build_members(
            list_at(rendered, "collectors"), list_at(rendered, "manifests"), self.config_by_collector
        )
        if not sending_ways:
            return rendered_members
        sending_members = []
        for member in rendered_members:
            member_ways = tuple(sending_way for sending_way in sending_ways if sending_way.get("sender") == member.id)
            sending_members.append(replace(member, sends_to=member_ways))
        return sending_members

    @property
    def is_asked(self) -> bool:
        """Whether the cluster was to be read."""
        return bool(self.task_results.get("asked"))

    def find_result(self, name: str) -> Result:
        """Return a result, empty when its task failed, never ran, or saw none of what it was to read."""
        result = mapping_at(self.task_results, name)
        if _KEYS_OF_SUCCESS[name] not in result:
            return {}
        collectors = list_at(result, "collectors") if name == "diagnosis" else []
        if collectors and not any(collector.get("seen", True) for collector in collectors):
            return {}
        return result

    @property
    def is_read(self) -> bool:
        """Whether anything was read from the cluster."""
        return any(self.find_result(name) for name in _KEYS_OF_SUCCESS)

    @cached_property
    def unread_reasons(self) -> list[str]:
        """Why something could not be read, each reason once: a cluster that does not answer says it once."""
        if not self.is_asked:
            return []
        parts_by_reason: dict[str, list[str]] = {}
        for result_key, part_in_words in _PARTS_IN_WORDS.items():
            result = mapping_at(self.task_results, result_key)
            if result.get("msg") and not self.find_result(result_key):
                parts_by_reason.setdefault(str(result["msg"]).strip(), []).append(part_in_words)
        return [f"{', '.join(unread_parts)}: {reason}" for reason, unread_parts in parts_by_reason.items()]

    @cached_property
    def diagnosis_by_collector(self) -> dict[str, Result]:
        """What was found of each collector that runs, by namespace and name."""
        collectors = list_at(self.task_results, "diagnosis", "collectors")
        return {f"{collector['namespace']}/{collector['name']}": collector for collector in collectors}

    @property
    def kubernetes_version(self) -> str:
        """The version of the cluster, empty if unknown."""
        for result_key in ("operator", "cert_manager"):
            version = self.find_result(result_key).get("kubernetes")
            if version:
                return str(version)
        return ""

    def find_product(self, product: str) -> Result:
        """Return what was read of a product."""
        return self.find_result({CERT_MANAGER: "cert_manager", OPERATOR: "operator"}[product])


def list_unlisted_collectors(cluster: FleetCluster, clusters: Iterable[FleetCluster]) -> list[str]:
    """Return the collectors that run in a cluster and that no host names: several hosts may deploy to one cluster."""
    named_ids = {member.id for other_cluster in clusters for member in other_cluster.members}
    unlisted_names = []
    for collector in list_at(cluster.task_results, "diagnosis", "unlisted"):
        collector_id = f"{collector['namespace']}/{collector['name']}"
        if collector_id not in named_ids:
            unlisted_names.append(f"{collector['kind']} {collector_id}")
    return unlisted_names


Object = Mapping[str, Any]
# Stands for the address of a pod's node, which is not known before.
NODE_ADDRESS = "address-of-the-node"
_POD_ON_NODE = {"status": {"hostIP": NODE_ADDRESS}}
_CUSTOM_KIND, _SCALER_KIND = "OpenTelemetryCollector", "HorizontalPodAutoscaler"


@dataclass(frozen=True)
class FleetMember:
    """A collector: what it is called, its config, and the objects around it.

    `sends_to` has the collectors of other places of the inventory that get its data.
    """

    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    workload: Object = field(default_factory=dict)
    service_names: tuple[str, ...] = ()
    exposed_hosts: tuple[str, ...] = ()
    rbac_rules: tuple[Mapping[str, Any], ...] = ()
    autoscaler: Mapping[str, Any] = field(default_factory=dict)
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
        return mapping_at(self.workload, "spec")

    @property
    def container(self) -> dict[str, Any]:
        """Return its container; a custom resource is one itself."""
        pod_containers = list_at(self.spec, "template", "spec", "containers")
        return pod_containers[0] if pod_containers else self.spec

    @property
    def is_allocated(self) -> bool:
        """Return whether a target allocator shares out its targets."""
        return bool(value_at(self.spec, ("targetAllocator", "enabled")))

    @property
    def node_ports(self) -> set[int]:
        return {port["hostPort"] for port in list_at(self.container, "ports") if port.get("hostPort")}

    @property
    def receivers(self) -> list[str]:
        """Return the types of the receivers that its pipelines use."""
        configured_receivers = mapping_at(self.config, "receivers")
        used_receivers = PipelineGraph.of(self.config).find_signals_by_id("receivers")
        return sorted(
            {receiver_id.split("/", 1)[0] for receiver_id in used_receivers if receiver_id in configured_receivers}
        )


def build_members(
    collectors: Iterable[Mapping[str, Any]], manifests: Sequence[Object], configs: Mapping[str, Any]
) -> list[FleetMember]:
    """Return all collectors by name; `configs` has what their configs say, by namespace and name."""
    manifest_index = _ManifestIndex(manifests)
    fleet_members = []
    for summary in collectors:
        config = configs[f"{summary['namespace']}/{summary['name']}"]
        fleet_members.append(manifest_index.build_member(summary, config))
    return sorted(fleet_members, key=lambda member: (member.namespace, member.name))


class _ManifestIndex:
    """The rendered objects, by what one looks for."""

    def __init__(self, manifests: Iterable[Object]) -> None:
        self.object_by_name: dict[tuple[str, str, str], Object] = {}
        self.objects_by_collector: dict[tuple[str, str], list[Object]] = {}
        for manifest in manifests:
            metadata = mapping_at(manifest, "metadata")
            namespace = str(metadata.get("namespace") or "")
            collector = mapping_at(metadata, "labels").get(COLLECTOR_LABEL, "")
            self.object_by_name[str(manifest["kind"]), namespace, str(metadata["name"])] = manifest
            self.objects_by_collector.setdefault((namespace, collector), []).append(manifest)

    def build_member(self, summary: Mapping[str, Any], config: Any) -> FleetMember:
        """Return a collector with the objects around it, and the variables of its config that are known in place."""
        namespace, name = str(summary["namespace"]), str(summary["name"])
        workload = self.object_by_name.get((str(summary["kind"]), namespace, name), {})
        plain_member = FleetMember(summary, {}, workload)
        manifests_around = self.objects_by_collector.get((namespace, name), [])
        hosts: set[str] = set()
        scaler = None
        for manifest in manifests_around:
            hosts.update(_list_exposed_hosts(manifest))
            if scaler is None and manifest["kind"] == _SCALER_KIND:
                scaler = mapping_at(manifest, "spec")
        rules: list[Mapping[str, Any]] = []
        for role in self._list_roles(namespace, name):
            rules += list_at(role, "rules")
        known_config = {}
        if isinstance(config, dict):
            known_config = expand_variables(config, read_environment(plain_member.container, _POD_ON_NODE))
        return replace(
            plain_member,
            config=known_config,
            service_names=tuple(f"{namespace}/{service}" for service in _list_service_names(summary, manifests_around)),
            exposed_hosts=tuple(sorted(hosts)),
            rbac_rules=tuple(rules),
            autoscaler=mapping_at(plain_member.spec, "autoscaler") if scaler is None else scaler,
        )

    def _list_roles(self, namespace: str, name: str) -> list[Object]:
        """Return the ClusterRoles of a collector and of its target allocator."""
        roles = []
        for account in (name, names.target_allocator_name(name)):
            key = ("ClusterRole", "", names.cluster_wide_name(namespace, account))
            if key in self.object_by_name:
                roles.append(self.object_by_name[key])
        return roles


def _list_service_names(summary: Mapping[str, Any], manifests_around: Iterable[Object]) -> list[str]:
    """Return the names of the Services of a collector, those that the operator makes of a custom resource too."""
    services = {str(manifest["metadata"]["name"]) for manifest in manifests_around if manifest["kind"] == "Service"}
    if summary["kind"] == _CUSTOM_KIND:
        name = str(summary["name"])
        services |= names.list_operator_names(name) - {names.target_allocator_name(name)}
    return sorted(services)


def _list_exposed_hosts(manifest: Object) -> Iterable[str]:
    """Yield the names under which an object lets the world in: of an Ingress, a Gateway's route, or a Route."""
    spec = mapping_at(manifest, "spec")
    for rule in list_at(spec, "rules"):
        if rule.get("host"):
            yield str(rule["host"])
    for hostname in list_at(spec, "hostnames"):
        yield str(hostname)
    if manifest["kind"] == "Route" and spec.get("host"):
        yield str(spec["host"])
