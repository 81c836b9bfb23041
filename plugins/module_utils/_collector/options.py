# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one collector, and what follows from them alone. Private.

The fields of `Collector` are the variables of role otel_collector without the prefix `otel_collector_`; the role's
argument_specs.yml says what each means. A variable sets a value for all collectors, and an item of the list
`otel_collectors` overrides it. Action otel_render makes a `Collector` of each item (`_cluster_options.py` of
plugin_utils), and the files of this folder ask its properties. Example: of

    {name: agent, namespace: otel, mode: daemonset, …}

`wants_service` is False, `uses_host_ports` is True, and `selector_text` has the labels that select the pods.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Annotated, Any

from .._kube import object_names
from .._kube.release_names import collector_release
from .._otelcol.config.addresses import IPV6, LOCALHOST
from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem
from .._otelcol.kube import names
from .._otelcol.kube.operator_names import operator_workload_name
from .._otelcol.kube.text_values import check_texts, variable_text
from .._otelcol.needs.memory_sizes import Memory, size_memory
from .._otelcol.needs.option_quantities import check_quantities
from .._otelcol.needs.pod_logs import PodLogs
from .option_values import (
    Annotations,
    KubernetesList,
    KubernetesMapping,
    Labels,
    Values,
    Variables,
    Version,
    values_by_option_path,
)

# The address of the pod, in the first IP family of the cluster. Source: Kubernetes, "IPv4/IPv6 dual-stack".
POD_ADDRESS = "${env:MY_POD_IP}"
# All addresses, of IPv4 and of IPv6. Source: net.Listen of Go.
ANY_ADDRESS = "::"
# Where a Collector in a pod of its own answers for its health.
HEALTH_PORT = 13133
# Where it serves its own metrics.
METRICS_PORT = 8888
# The folder below which it keeps state.
STATE_DIRECTORY = "/var/lib/otelcol"

# Three times for a Collector that is told to stop, see `Collector.export_seconds`.
# How long a Collector needs to end once its last request is answered, in seconds.
_SECONDS_TO_END = 5
# How long an exporter over gRPC waits by itself. Source: exporterhelper.NewDefaultTimeoutConfig of Collector 0.158.0.
_LEAST_EXPORT_SECONDS = 5
# How long a request may take at most before it is sent again.
_MOST_EXPORT_SECONDS = 20


def bracket_host(host: str) -> str:
    """Return a host as it stands before `:PORT`: addresses of IPv6, and variables that may have one, need brackets.

    Examples: `::1` gives `[::1]`, `${env:MY_POD_IP}` gives `[${env:MY_POD_IP}]`, and `localhost` stays. Go takes
    brackets around addresses of IPv4 too, but not around names.
    """
    return f"[{host}]" if ":" in host else host


@dataclass(frozen=True)
class Distribution:
    """A build of the Collector: where its image is, and the user that it runs as."""

    name: str
    image: str
    user: int


# Mappings that have required keys. Ansible would refuse `{}` as their default, so without a value they are None.
_OPTIONAL_MAPPINGS = ("autoscaling", "ingress", "routes", "openshift_route")
# Mappings with such values become the metadata of objects as they are, so their values must be texts.
_METADATA_VALUES = (Values.LABELS, Values.ANNOTATIONS)
# What the values of options inside of a mapping must be, by their paths, as far as Ansible's types do not say it
# (option_values.py). For example, the first of these stands for `service.annotations`.
_ANNOTATED_OPTIONS = {"annotations": Values.ANNOTATIONS}
_LABELLED_OPTIONS = {"labels": Values.TEXTS}
_MONITORING_OPTIONS = {
    "labels": Values.TEXTS,
    "dashboard_labels": Values.TEXTS,
    "series_labels": Values.TEXTS,
    "alert_labels": Values.TEXTS,
}
_NETWORK_POLICY_OPTIONS = {"ingress_from": Values.KUBERNETES, "egress": Values.KUBERNETES}
_VOLUME_OPTIONS = {"source": Values.KUBERNETES}
_ROUTE_OPTIONS = {"annotations": Values.ANNOTATIONS, "destination_ca": Values.LINES}
_ALLOCATOR_OPTIONS = {
    "node_selector": Values.LABELS,
    "tolerations": Values.KUBERNETES,
    "affinity": Values.KUBERNETES,
    "prometheus_cr.service_monitor_selector": Values.KUBERNETES,
    "prometheus_cr.pod_monitor_selector": Values.KUBERNETES,
    "prometheus_cr.scrape_config_selector": Values.KUBERNETES,
    "prometheus_cr.probe_selector": Values.KUBERNETES,
}


@dataclass(frozen=True)
class Collector:
    """One collector as the user describes it. `from_options` makes it, and checks it."""

    name: str
    namespace: str
    create_namespace: bool
    instance: str
    backend: str
    mode: str

    # ── The config ──

    recipes: list[Any]
    config: dict[str, Any]
    config_files: list[str]
    log_level: str

    # ── The program ──

    distribution: str
    version: Version
    distribution_manifest: str
    distribution_schema: str
    platform: str
    image: str
    image_registry: str
    image_pull_policy: str
    image_pull_secrets: list[str]

    # ── Number and size of pods ──

    replicas: int
    autoscaling: dict[str, Any]
    disruption_budget: dict[str, Any]
    memory_limit: str
    memory_request: str
    memory_percent: int
    memory_spike_percent: int
    cpu_request: str
    cpu_limit: str
    resize_policy: list[dict[str, Any]]

    # ── Rights ──

    service_account_name: str
    service_account_annotations: Annotations
    automount_service_account_token: bool | None
    allow: list[str]

    # ── Objects and pods ──

    labels: Labels
    annotations: Annotations
    pod_labels: Labels
    pod_annotations: Annotations
    env: Variables
    volumes: Annotated[list[dict[str, Any]], _VOLUME_OPTIONS]
    containers: list[dict[str, Any]]
    init_containers: list[dict[str, Any]]
    extra_manifests: list[dict[str, Any]]
    certificates: list[dict[str, Any]]

    # ── Nodes ──

    node_selector: Labels
    tolerations: KubernetesList
    every_node: bool
    affinity: KubernetesMapping
    topology_spread: KubernetesList
    priority_class_name: str

    # ── Network and monitoring ──

    host_network: bool
    host_ports: bool | None
    selinux_type: str
    ip_families: list[str]
    service: Annotated[dict[str, Any], _ANNOTATED_OPTIONS]
    ingress: Annotated[dict[str, Any], _ANNOTATED_OPTIONS]
    routes: dict[str, Any]
    openshift_route: Annotated[dict[str, Any], _ROUTE_OPTIONS]
    service_monitor: Annotated[dict[str, Any], _LABELLED_OPTIONS]
    monitoring: Annotated[dict[str, Any], _MONITORING_OPTIONS]
    network_policy: Annotated[dict[str, Any], _NETWORK_POLICY_OPTIONS]

    # ── State and changes ──

    storage: dict[str, Any]
    update_strategy: dict[str, Any]
    change: dict[str, Any]
    revision_history_limit: int
    termination_grace_seconds: int
    pre_stop_seconds: int
    upgrade_strategy: str

    # ── Other ──

    target_allocator: Annotated[dict[str, Any], _ALLOCATOR_OPTIONS]
    adopt: bool

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Collector:
        """Return the collector that these options describe.

        Raises Problem for values that Kubernetes would refuse, and for options that exclude each other.
        """
        values = cls._complete_values(options)
        collector = cls(**values)
        collector._check_names()
        collector._check_mode()
        collector._check_service()
        check_quantities(values)
        return collector

    @classmethod
    def _complete_values(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value for each field: names that follow from others, and labels and annotations as text."""
        values: dict[str, Any] = {field.name: options.get(field.name) for field in fields(cls)}
        for option in _OPTIONAL_MAPPINGS:
            if values[option] is None:
                values[option] = {}
        values["instance"] = values["instance"] or values["name"]
        values["service_account_name"] = values["service_account_name"] or values["name"]
        for path, kind_of_values in values_by_option_path(cls).items():
            is_whole_option = path in values  # and not a part of one, such as `service.annotations`
            if is_whole_option and kind_of_values in _METADATA_VALUES:
                has_labels = kind_of_values is Values.LABELS
                values[path] = check_texts(path, values[path] or {}, labels=has_labels)
        return values

    def _check_names(self) -> None:
        """Raise Problem for names that are no text, or that Kubernetes would refuse."""
        for variable_name in self.env or {}:
            if not isinstance(variable_name, str):
                wrong = f"env has a name that is not text, '{variable_name}'"
                raise Problem(wrong, fix="Write each name in `env` as text.")
        for name_field in ("name", "namespace", "instance", "service_account_name"):
            object_names.check_name(f"{name_field} of a collector", getattr(self, name_field))

    def _check_mode(self) -> None:
        """Raise Problem for what the mode of the collector cannot have."""
        if self.mode == "statefulset" and len(self.name) > object_names.LONGEST_STATEFUL_SET:
            raise Problem(
                f"'{self.name}' is too long for a StatefulSet, its revisions, pods and Service are named after it",
                fix=f"Use at most {object_names.LONGEST_STATEFUL_SET} characters.",
            )
        if self.every_node and self.mode != "daemonset":
            wrong = f"collector '{self.name}' is to be on every node (`every_node`), and its mode is {self.mode}"
            raise Problem(wrong, fix="Set `mode: daemonset`, or remove `every_node`.")
        if self.mode == "daemonset" and self.autoscaling:
            fix = "Remove `autoscaling`, or use mode deployment or statefulset."
            raise Problem(f"collector '{self.name}' is a DaemonSet and cannot be autoscaled", fix=fix)

    def _check_service(self) -> None:
        """Raise Problem for what a Service of the collector cannot have."""
        if (self.wants_service or self.has_headless_service) and self.name[0].isdigit():
            wrong = f"'{self.name}' is not a valid name of a collector with a Service"
            raise Problem(wrong, fix="Begin it with a letter.")
        if len(set(self.ip_families)) < len(self.ip_families):
            raise Problem(f"collector '{self.name}' names an IP family twice", fix="Name each in ip_families once.")

    @cached_property
    def memory(self) -> Memory:
        """The numbers that follow from the memory limit, such as that of processor memory_limiter."""
        return size_memory(self.memory_limit, self.memory_percent, self.memory_spike_percent)

    @property
    def notes(self) -> dict[str, str]:
        """The annotations of all its objects, by their options: `{"service.annotations.team": "shop"}`."""
        notes: dict[str, str] = {}
        for path, kind_of_values in values_by_option_path(type(self)).items():
            if kind_of_values is Values.ANNOTATIONS:
                annotation_values = mapping_at(vars(self), *path.split("."))
                notes.update({f"{path}.{key}": str(value) for key, value in annotation_values.items()})
        return notes

    @property
    def known_environment(self) -> dict[str, str]:
        """Its environment variables with known values, as its process gets them; others come from Secrets and so on."""
        literal_values = {name: value for name, value in self.env.items() if not isinstance(value, dict)}
        return {name: variable_text(value) for name, value in literal_values.items()}

    @property
    def logs(self) -> PodLogs:
        """The files with what its containers print."""
        workload = operator_workload_name(self.name) if self.backend == "operator" else self.name
        return PodLogs(self.mode, self.namespace, workload, names.CONTAINER_BY_BACKEND[self.backend])

    @property
    def stop_pause_seconds(self) -> int:
        """How long a pod that is told to stop still receives, in seconds: at most half of its grace period."""
        return min(self.pre_stop_seconds, self.termination_grace_seconds // 2)

    @property
    def export_seconds(self) -> int:
        """How long exporters wait for the answer to a request, in seconds.

        A Collector that stops waits for requests under way, and gives up those that fail, because it no longer sends
        them again. So a request that is only late must not fail within the grace period of the pod.
        """
        seconds_left = self.termination_grace_seconds - self.stop_pause_seconds - _SECONDS_TO_END
        return max(_LEAST_EXPORT_SECONDS, min(seconds_left, _MOST_EXPORT_SECONDS))

    @property
    def runs_one_pod(self) -> bool:
        """Whether one copy of it runs at most, so that what it reports of the whole cluster is reported once."""
        return self.mode in ("deployment", "statefulset") and self.autoscaling.get("max_replicas", self.replicas) == 1

    @property
    def is_sidecar(self) -> bool:
        """Whether it runs in pods of applications, which the operator adds it to."""
        return self.mode == "sidecar"

    @property
    def has_own_account(self) -> bool:
        """Whether its ServiceAccount has its own name, as it has if the user names no other one."""
        return self.service_account_name == self.name

    @property
    def nodes(self) -> str:
        """The node selector and the affinity in one text, so that collectors can be compared; empty for all nodes."""
        limits = [limit for limit in (self.node_selector, self.affinity) if limit]
        return json.dumps(limits, sort_keys=True) if limits else ""

    @property
    def uses_host_ports(self) -> bool:
        """Whether receivers are opened on the node: by default only for a DaemonSet with a network of its own."""
        requested = self.mode == "daemonset" if self.host_ports is None else self.host_ports
        return requested and not self.host_network

    @property
    def wants_service(self) -> bool:
        """Whether there is a Service: by default for all but agents and sidecars, which are reached where they are."""
        enabled = self.service.get("enabled")
        return self.mode not in ("daemonset", "sidecar") if enabled is None else bool(enabled)

    @property
    def is_dual_stack(self) -> bool:
        """Whether clients reach it over IPv4 and over IPv6."""
        return len(self.ip_families) > 1

    @property
    def is_ipv6_first(self) -> bool:
        """Whether the addresses of its pods and nodes are known to be those of IPv6."""
        return self.ip_families[:1] == [IPV6]

    @property
    def listen_host(self) -> str:
        """The address at which its receivers listen.

        A sidecar listens at the loopback of its pod. With two IP families, all addresses are opened.
        """
        if self.is_sidecar:
            return LOCALHOST
        return ANY_ADDRESS if self.is_dual_stack else POD_ADDRESS

    @property
    def own_host(self) -> str:
        """The address at which its health and its own metrics are served.

        It is that of the pod in each mode, also of a sidecar: the kubelet and Prometheus ask from outside of the pod.
        """
        return POD_ADDRESS

    @property
    def state_directory(self) -> str:
        """The folder below which recipes keep state."""
        return STATE_DIRECTORY

    @property
    def has_headless_service(self) -> bool:
        """Whether there is a headless Service, whose name has the addresses of all pods: always for a StatefulSet."""
        return self.mode == "statefulset" or bool(self.service.get("headless"))

    @property
    def is_allocated(self) -> bool:
        """Whether a target allocator shares out its scrape targets to its pods; only the operator makes one."""
        return self.backend == "operator" and bool(self.target_allocator.get("enabled"))

    @property
    def allocation_strategy(self) -> str:
        """How an allocator shares targets out: by default, a DaemonSet scrapes the targets of its own node."""
        requested = self.target_allocator.get("allocation_strategy")
        return requested or ("per-node" if self.mode == "daemonset" else "consistent-hashing")

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which its workload selects its pods; they cannot change later."""
        return object_names.selector_labels(self.instance, self.mode)

    @property
    def node_labels(self) -> dict[str, str]:
        """The labels of the nodes that its pods run on: the images are for Linux, unless the user names another."""
        return {**object_names.LINUX_NODES, **self.node_selector}

    @property
    def all_tolerations(self) -> list[dict[str, Any]]:
        """The tolerations of its pods: with `every_node`, one of all taints."""
        return [*self.tolerations, {"operator": "Exists"}] if self.every_node else self.tolerations

    @property
    def pods(self) -> dict[str, str]:
        """The labels that select this collector's pods, whoever makes them."""
        return object_names.pod_labels(self.name)

    @property
    def selector_text(self) -> str:
        """The labels that select this collector's pods, as the API takes them: `KEY=VALUE,KEY=VALUE`."""
        return ",".join(f"{key}={value}" for key, value in self.pods.items())

    @property
    def object_labels(self) -> dict[str, str]:
        """The labels of every object of this collector; the user's cannot replace ours."""
        # By these, later runs find the objects again, so they come last.
        fixed_labels = object_names.object_labels(self.name, self.instance, self.mode, self.version)
        return {**self.labels, **fixed_labels, names.RELEASE_LABEL: collector_release(self.namespace, self.name)}


def list_option_names() -> list[str]:
    """Return the names of the options of a collector."""
    return [field.name for field in fields(Collector)]


# A value of option `image`: the operator chooses the image, and changes it with its own version.
OPERATORS_IMAGE = "operator"


def choose_image(collector: Collector, distribution: Distribution, pin: Callable[[str], str] = str) -> str:
    """Return the image of a collector; empty if the operator chooses it.

    `pin` returns an image with its digest: `…/otelcol:0.158.0` becomes `…/otelcol:0.158.0@sha256:…`. By default, an
    image stays as it is. A registry of the user takes the place of the image's own.
    """
    if collector.image == OPERATORS_IMAGE:
        return ""
    # `pin` knows the image by the name with its own registry, so the registry is replaced after that.
    image = pin(collector.image or f"{distribution.image}:{collector.version}")
    return replace_registry(image, collector.image_registry)


def replace_registry(image: str, registry: str) -> str:
    """Return an image with another registry in place of its own; an empty registry changes nothing.

    An example: `ghcr.io/otel/otelcol:0.158.0` with registry `example.org/mirror` is
    `example.org/mirror/otel/otelcol:0.158.0`.
    """
    return f"{registry.rstrip('/')}/{_strip_host(image)}" if registry else image


def _strip_host(image: str) -> str:
    """Return an image without the host of its registry: `ghcr.io/otel/otelcol` is `otel/otelcol`.

    The first part is a host if it has a dot or a colon, or is `localhost`. Source: OCI distribution.
    """
    first_part, slash, image_path = image.partition("/")
    is_host = "." in first_part or ":" in first_part or first_part == "localhost"
    return image_path if slash and is_host else image
