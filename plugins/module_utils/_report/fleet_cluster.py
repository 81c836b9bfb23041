# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the fleet and its collectors, as earlier tasks have rendered and read them.

Those tasks have left their results in the variables of the host that stands for the cluster in the inventory. A
`FleetCluster` answers what the page of the fleet asks of these results; `page_model.py` and the files of versions,
costs, certificates and topology use it. The second part of the file joins each rendered collector with the objects
around it, as a `FleetMember`. Private.
"""

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
"""The result of a task."""
# The results that a cluster may have, each with the key that it has if its task went well.
_KEYS_OF_SUCCESS = {"diagnosis": "verdict", "cert_manager": "installed", "operator": "installed", "drift": "ready"}
_RESULT_OF_PRODUCT = {CERT_MANAGER: "cert_manager", OPERATOR: "operator"}
# What each result tells.
_PARTS_IN_WORDS = {
    "diagnosis": "how the collectors are",
    "cert_manager": "which cert-manager there is",
    "operator": "which operator there is",
    "drift": "what a run would change",
}
NOT_ASKED = "Nothing was read from the cluster: this is what its inventory says."


@dataclass(frozen=True)
class FleetPlace:
    """A host of the inventory, which stands for a cluster or is a Linux host, with the results of its tasks.

    `config_by_collector` has the configs of its collectors as data.
    """

    name: str
    task_results: Mapping[str, Any]
    """`rendered`, `diagnosis` and further results by their names; `asked`, and `problem` if rendering failed."""
    config_by_collector: Mapping[str, Any]

    @property
    def findings(self) -> Sequence[Result]:
        """What the rules say of the configs."""
        return list_at(self.task_results, "rendered", "findings")

    @property
    def problem(self) -> str:
        """Why nothing could be rendered; empty if something was."""
        return str(self.task_results.get("problem") or "")


@dataclass(frozen=True)
class FleetCluster(FleetPlace):
    """A cluster of the fleet."""

    wanted_products: Mapping[str, Result] = field(default_factory=dict)
    """The options of cert-manager and the operator in the inventory, such as `version`, by product."""
    broken_by_version: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The ids of the collectors that a planned version of the Collector breaks, by that version."""

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
        """Return the result of this name; empty if its task failed or never ran, or if it could read no collector."""
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
        """Which parts could not be read, and why. Parts with the same reason share one line."""
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
        """The result of the diagnosis of each collector, by its id NAMESPACE/NAME."""
        collectors = list_at(self.task_results, "diagnosis", "collectors")
        return {f"{collector['namespace']}/{collector['name']}": collector for collector in collectors}

    @property
    def kubernetes_version(self) -> str:
        """The version of Kubernetes; empty if it is not known."""
        for result_key in ("operator", "cert_manager"):
            version = self.find_result(result_key).get("kubernetes")
            if version:
                return str(version)
        return ""

    def find_product(self, product: str) -> Result:
        """Return what was read of a product, CERT_MANAGER or OPERATOR; empty if it could not be read."""
        return self.find_result(_RESULT_OF_PRODUCT[product])


def list_unlisted_collectors(cluster: FleetCluster, clusters: Iterable[FleetCluster]) -> list[str]:
    """Return the collectors that run in a cluster and that the inventory does not name.

    Several hosts of the inventory may deploy to one cluster, so the collectors of all `clusters` are named.
    """
    named_ids: set[str] = set()
    for any_cluster in clusters:
        named_ids.update(member.id for member in any_cluster.members)
    unlisted_names = []
    for collector in list_at(cluster.task_results, "diagnosis", "unlisted"):
        collector_id = f"{collector['namespace']}/{collector['name']}"
        if collector_id not in named_ids:
            unlisted_names.append(f"{collector['kind']} {collector_id}")
    return unlisted_names


# ── Its collectors ──

Object = Mapping[str, Any]
"""An object of Kubernetes."""
# Stands for the address of a pod's node, which nobody knows before the pod runs.
NODE_ADDRESS = "address-of-the-node"
_POD_ON_NODE = {"status": {"hostIP": NODE_ADDRESS}}
_CUSTOM_KIND, _SCALER_KIND = "OpenTelemetryCollector", "HorizontalPodAutoscaler"


@dataclass(frozen=True)
class FleetMember:
    """A rendered collector of a cluster or of a Linux host: its config, and the objects around it."""

    summary: Mapping[str, Any]
    """Its row in the result of rendering: `name`, `namespace`, `mode` and `kind`, and its `image` and `ports`."""
    config: Mapping[str, Any]
    """Its config, with the variables whose values are known."""
    workload: Object = field(default_factory=dict)
    """Its workload, or its custom resource."""
    service_names: tuple[str, ...] = ()
    """The Services that lead to it, as NAMESPACE/NAME."""
    exposed_hosts: tuple[str, ...] = ()
    """The host names by which it is reached from outside of the cluster."""
    rbac_rules: tuple[Mapping[str, Any], ...] = ()
    autoscaler: Mapping[str, Any] = field(default_factory=dict)
    """The specification of its autoscaler; empty without one."""
    sends_to: tuple[Mapping[str, Any], ...] = ()
    """The collectors of other places that get its data, each as `place`, `collector` and `exporter`."""

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
        """The specification of its workload or custom resource."""
        return mapping_at(self.workload, "spec")

    @property
    def container(self) -> dict[str, Any]:
        """Its container. The specification of a custom resource has the fields of a container itself."""
        pod_containers = list_at(self.spec, "template", "spec", "containers")
        return pod_containers[0] if pod_containers else self.spec

    @property
    def is_allocated(self) -> bool:
        """Whether a target allocator shares out its targets."""
        return bool(value_at(self.spec, ("targetAllocator", "enabled")))

    @property
    def node_ports(self) -> set[int]:
        """The ports of its node that lead to it."""
        return {port["hostPort"] for port in list_at(self.container, "ports") if port.get("hostPort")}

    @property
    def receivers(self) -> list[str]:
        """The types of the receivers that its pipelines use, without connectors."""
        configured_receivers = mapping_at(self.config, "receivers")
        used_receivers = PipelineGraph.of(self.config).find_signals_by_id("receivers")
        types: set[str] = set()
        for receiver_id in used_receivers:
            if receiver_id in configured_receivers:
                types.add(receiver_id.split("/", 1)[0])
        return sorted(types)


def build_members(
    collectors: Iterable[Mapping[str, Any]], manifests: Sequence[Object], configs: Mapping[str, Any]
) -> list[FleetMember]:
    """Return the rendered collectors in the order of their names.

    `collectors` and `manifests` are those of the result of rendering. `configs` has the config of each collector as
    data, by its id NAMESPACE/NAME.
    """
    manifest_index = _ManifestIndex(manifests)
    fleet_members = []
    for summary in collectors:
        config = configs[f"{summary['namespace']}/{summary['name']}"]
        fleet_members.append(manifest_index.build_member(summary, config))
    return sorted(fleet_members, key=lambda member: (member.namespace, member.name))


class _ManifestIndex:
    """The rendered objects of a cluster, by their names and by the collector in their labels."""

    def __init__(self, manifests: Iterable[Object]) -> None:
        # By kind, namespace and name.
        self.object_by_name: dict[tuple[str, str, str], Object] = {}
        # By namespace and name of the collector.
        self.objects_by_collector: dict[tuple[str, str], list[Object]] = {}
        for manifest in manifests:
            metadata = mapping_at(manifest, "metadata")
            namespace = str(metadata.get("namespace") or "")
            collector = mapping_at(metadata, "labels").get(COLLECTOR_LABEL, "")
            self.object_by_name[str(manifest["kind"]), namespace, str(metadata["name"])] = manifest
            self.objects_by_collector.setdefault((namespace, collector), []).append(manifest)

    def build_member(self, summary: Mapping[str, Any], config: Any) -> FleetMember:
        """Return a collector with its config and the objects around it."""
        namespace, name = str(summary["namespace"]), str(summary["name"])
        workload = self.object_by_name.get((str(summary["kind"]), namespace, name), {})
        plain_member = FleetMember(summary, {}, workload)
        manifests_around = self.objects_by_collector.get((namespace, name), [])
        known_config = {}
        if isinstance(config, dict):
            known_config = expand_variables(config, read_environment(plain_member.container, _POD_ON_NODE))
        exposed_hosts: set[str] = set()
        for manifest in manifests_around:
            exposed_hosts.update(_list_exposed_hosts(manifest))
        return replace(
            plain_member,
            config=known_config,
            service_names=tuple(f"{namespace}/{service}" for service in _list_service_names(summary, manifests_around)),
            exposed_hosts=tuple(sorted(exposed_hosts)),
            rbac_rules=tuple(self._list_rbac_rules(namespace, name)),
            autoscaler=_find_autoscaler(plain_member, manifests_around),
        )

    def _list_rbac_rules(self, namespace: str, name: str) -> list[Mapping[str, Any]]:
        """Return the rules of the ClusterRoles of a collector."""
        rules: list[Mapping[str, Any]] = []
        for role in self._list_roles(namespace, name):
            rules += list_at(role, "rules")
        return rules

    def _list_roles(self, namespace: str, name: str) -> list[Object]:
        """Return the ClusterRoles of a collector and of its target allocator."""
        roles = []
        for account in (name, names.target_allocator_name(name)):
            key = ("ClusterRole", "", names.cluster_wide_name(namespace, account))
            if key in self.object_by_name:
                roles.append(self.object_by_name[key])
        return roles


def _find_autoscaler(member: FleetMember, manifests_around: Iterable[Object]) -> Mapping[str, Any]:
    """Return the specification of the autoscaler: a HorizontalPodAutoscaler, or a part of the custom resource."""
    for manifest in manifests_around:
        if manifest["kind"] == _SCALER_KIND:
            return mapping_at(manifest, "spec")
    return mapping_at(member.spec, "autoscaler")


def _list_service_names(summary: Mapping[str, Any], manifests_around: Iterable[Object]) -> list[str]:
    """Return the names of the Services of a collector, also of those that the operator makes of a custom resource."""
    services = {str(manifest["metadata"]["name"]) for manifest in manifests_around if manifest["kind"] == "Service"}
    if summary["kind"] == _CUSTOM_KIND:
        name = str(summary["name"])
        services |= names.list_operator_names(name) - {names.target_allocator_name(name)}
    return sorted(services)


def _list_exposed_hosts(manifest: Object) -> Iterable[str]:
    """Yield the host names of an object that lets clients in from outside: an Ingress, an HTTPRoute, or a Route."""
    spec = mapping_at(manifest, "spec")
    for rule in list_at(spec, "rules"):
        if rule.get("host"):
            yield str(rule["host"])
    for hostname in list_at(spec, "hostnames"):
        yield str(hostname)
    if manifest["kind"] == "Route" and spec.get("host"):
        yield str(spec["host"])
