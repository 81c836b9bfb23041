# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject of rules: a config, and all that is known about it and about where its collector runs. Private.

A rule is a function that takes a `Subject` and yields a fault for each violation, see rule_definitions.py. For example,
the rule on files that nothing mounts reads `subject.config` and `subject.deployment.mount_paths`. What nobody knows is
or empty, and then rules are silent. These make subjects:

- plugin_utils/_judged_collectors.py of a collector that the collection renders
- plugin_utils/_otelcol/_validate.py of a config in a file or a cluster; from_manifests.py reads its `Deployment`

data_flow.py answers what other collectors do. A kind is a type of components without underscores, such as `otlphttp`,
see `kind_of` in traits.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, NamedTuple, TypeVar

from ..catalogue.port_rows import Listeners
from ..config.paths import Path, Position
from ..config.pipelines import read_connector_ids
from ..kube.network_policies import Policies
from ..needs.pod_logs import PodLogs
from .annotated_scrapes import AnnotatedScrape
from .build_facts import TargetBuild
from .view import View


@dataclass(frozen=True)
class Ingress:
    """The network policies that limit who connects to the pods, and the names of the ports that these may use.

    `port_names` has the names of each port, by its number. `complete` says that no other policy selects the pods; else
    one of another file may admit more.
    """

    policies: Policies
    port_names: Mapping[int, Collection[str]] = field(default_factory=dict)
    is_complete: bool = False

    def admits(self, port: int, protocol: str) -> bool:
        """Whether a policy lets anybody connect to a port."""
        return self.policies.judge_admission([port], protocol, self.port_names.get(port, ())) != "none"


@dataclass(frozen=True)
class Deployment:
    """How a collector is deployed in Kubernetes, or on a host by systemd. None means unknown: rules report nothing."""

    mode: str
    """daemonset, deployment, sidecar, statefulset, or service on a host."""
    replicas: int | None = None
    is_autoscaled: bool = False
    """Whether an autoscaler sets the number of replicas."""
    unrequested_resources: tuple[str, ...] = ()
    """The resources whose share its autoscaler measures, while a container requests none, such as `cpu`."""
    memory_limit_mib: int | None = None
    """0 means that the container has no limit."""
    uses_host_network: bool = False
    ip_families: tuple[str, ...] = ()
    """The families of the cluster's addresses, the first one first; empty where unknown."""
    mount_paths: tuple[str, ...] | None = None
    """The paths at which anything is mounted."""
    fleeting_paths: tuple[str, ...] = ()
    """The paths among them whose volumes end with the pod."""
    exposed_ports: frozenset[tuple[int, str]] | None = None
    """The ports that a Service or the node opens, each with its protocol, such as `(4317, "TCP")`."""
    granted_rules: tuple[dict[str, Any], ...] | None = None
    """The RBAC rules of its ServiceAccount, as manifests spell them."""
    bound_elsewhere: str = ""
    """In words, the binding that gives its rules to another account in its place; empty if none does."""
    is_probed: bool = False
    """Whether the kubelet probes its health."""
    has_target_allocator: bool = False
    """Whether a target allocator of the operator gives it what to scrape."""
    by_operator: bool = False
    """Whether the operator makes its workload of a custom resource."""
    ingress: Ingress | None = None
    """The network policies of its pods; None without any."""
    is_confined: bool = False
    """Whether SELinux keeps the files of the node from it."""
    keeps_on_node: bool = False
    """Whether its state is in a folder of the node."""
    allowed_rights: tuple[str, ...] | None = None
    """The rights that it has consent for."""
    open_ports: frozenset[tuple[int, str]] = frozenset()
    """The ports of the node that are open by default and not by the user's choice, each with its protocol."""
    pod_logs: PodLogs | None = None
    """The files with its log."""
    asks_for_storage: bool = False
    """Whether its option `storage` is set."""
    has_user_metadata: bool = False
    """Whether its pods have annotations or labels of the user, by which a webhook of another product may add files."""
    unidentified_calls: tuple[str, ...] = ()
    """The actions that it calls at AWS while nothing gives it credentials."""

    @property
    def is_service(self) -> bool:
        """Whether systemd runs it on a host, without Kubernetes."""
        return self.mode == "service"


class Printer(NamedTuple):
    """An exporter that prints records to the log of a collector.

    `collector` is its name, empty for the collector of the config itself. `pod_logs` are the files with the log, None
    if these are not known. `verbosity` is the setting of the debug exporter: `basic`, `normal` or `detailed`.
    """

    collector: str
    pod_logs: PodLogs | None
    exporter: str
    verbosity: str


class AskedHeader(NamedTuple):
    """A header that a component needs of requests: its id, what it does with headers, and the signals that need it.

    `action_text` is such as `routes by headers`, see header_demands.py. The name of the header is in lower case, since
    its case does not count.
    """

    component_id: str
    action_text: str
    header: str
    signals: frozenset[str]


class Unreceived(NamedTuple):
    """A signal that an exporter sends to a collector that does not take it."""

    collector: str
    """The name of the collector that does not take it."""
    signal: str


class Receiving(NamedTuple):
    """A collector that gets requests of OTLP: its name, the settings of its receivers of OTLP, the headers it needs."""

    collector: str
    receiver_settings: tuple[Any, ...]
    asked_headers: tuple[AskedHeader, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A config that rules judge, and what is known about it. None stands for what is not known.

    Mappings by exporter have the id of an exporter of the config, such as `otlp/backend`, as key.
    """

    # ── The config and its source ──

    config: Any
    locate: Callable[[Path], Position] = field(default=lambda _path: Position())
    """Returns the position in a file at which a person wrote what stands at a path."""
    duplicate_keys: tuple[tuple[Path, Position], ...] = ()
    """The keys that a source has twice."""

    # ── Where the collector runs ──

    variable_names: frozenset[str] | None = None
    """The names of the variables that the collector will be given."""
    target: TargetBuild | None = None
    """The build of the Collector."""
    deployment: Deployment | None = None
    custom_resource: Mapping[str, Any] | None = None
    """The custom resource of the operator that the config is in."""
    listeners: Listeners = field(default_factory=dict)
    """The table of the ports that component types open."""
    literal_variables: Mapping[str, str] = field(default_factory=dict)
    """The values of the variables that are given as text."""
    node_choice: str = ""
    """On which nodes the collector runs; empty for all."""
    decrypted_values: frozenset[str] = frozenset()
    """The values that Ansible decrypted for the options."""
    object_notes: Mapping[str, str] = field(default_factory=dict)
    """Annotations and other texts of the objects, by their options."""
    operator_kinds: Mapping[str, Any] = field(default_factory=dict)
    """The table of the fields of custom resources, as _data/operator_kinds.json has them."""

    # ── What other collectors do ──

    printers_by_exporter: Mapping[str, tuple[Printer, ...]] = field(default_factory=dict)
    """By exporter, what prints the data that it sends on."""
    incomplete_senders: tuple[str, ...] = ()
    """The collectors that send data of applications here without the attributes of their pods."""
    complete_routing_keys: Mapping[str, set[str]] | None = None
    """By signal, the keys by which the other collectors divide it among the replicas, if all senders are known."""
    partial_routing_keys: Mapping[str, set[str]] = field(default_factory=dict)
    """The same, as far as files or a cluster show it."""
    unreceived_signals: Mapping[str, tuple[Unreceived, ...]] = field(default_factory=dict)
    """By exporter, the signals that it sends in vain: `Unreceived("gw", "metrics")`."""
    unseen_collectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By exporter that balances, the collectors whose new replicas it never learns of."""
    receiving_collectors: Mapping[str, tuple[Receiving, ...]] = field(default_factory=dict)
    """By exporter, the collectors that get its requests."""
    annotated_scrapes: tuple[AnnotatedScrape, ...] = ()
    """The jobs by which other collectors of the run scrape annotated pods."""
    opened_ports: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    """By namespace and name, the ports of Services of collectors in the same files."""

    @cached_property
    def connectors(self) -> frozenset[Any]:
        """The ids of the connectors of the config, as the Collector reads them."""
        return read_connector_ids(self.config)

    @property
    def on_host(self) -> bool:
        """Whether systemd runs the collector on a host, without Kubernetes."""
        return bool(self.deployment and self.deployment.is_service)

    @cached_property
    def view(self) -> View:
        """The config taken apart; the same view for all rules."""
        by_operator = bool(self.deployment and self.deployment.by_operator)
        return View(self.config, self.listeners, by_operator)


_Answer = TypeVar("_Answer")


def once_per_subject(find_answers: Callable[[Subject], Iterable[_Answer]]) -> Callable[[Subject], tuple[_Answer, ...]]:
    """Decorate a function that several rules call: it runs once for each subject, which keeps the answer.

    The answers come as a tuple, where the function yields them.
    """
    attribute = f"{find_answers.__module__}.{find_answers.__qualname__}"

    # A subject is frozen, so the answer goes around its fields into its `__dict__`, as cached properties do.
    @wraps(find_answers)
    def find_once(subject: Subject) -> tuple[_Answer, ...]:
        answer: tuple[_Answer, ...] | None = subject.__dict__.get(attribute)
        if answer is None:
            answer = subject.__dict__[attribute] = tuple(find_answers(subject))
        return answer

    return find_once
