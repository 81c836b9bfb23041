# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on where a component may run, how many copies may run, and which copy must get all data.

Sources: the READMEs of the Kubernetes receivers, tail_sampling, groupbytrace, service_graph, span_metrics,
cumulative_to_delta, delta_to_cumulative, load_balancing and k8s_attributes in opentelemetry-collector-contrib, and
EC2's documentation of the instance metadata service. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import at, items, section
from .subject import Deployment, Fault, Subject, about, rules
from .view import Part, kind_of

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_LEADER = f"{_CONTRIB}/extension/k8sleaderelector"
_SELINUX = (
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container"
)
_IMDS = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"
_POD_LOGS = ("/var/log/pods", "/var/log/containers")
_ON_NODE = ("NODE_NAME", "NODE_IP", "HOST_IP")

# Every replica of these receivers reports the same data.
_SINGLETONS = {
    "k8scluster": "metrics of the whole cluster",
    "k8sevents": "every event of the cluster",
    "k8sobjects": "every requested object",
}
_DETECTORS = ("ec2", "eks")
# The modes in which a collector runs once on each host, and sees its files: `service` is that of systemd.
ON_EACH_HOST = ("daemonset", "service")


@about("deployment")
def singleton(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that report the whole cluster and run more than once; all data arrives repeatedly."""
    times, deployment = copies_in_words(subject.deployment), subject.deployment
    if not times or not deployment:
        return
    is_certain = (deployment.replicas or 0) > 1  # other counts may be one at run time
    for part in subject.view.of("receivers", *_SINGLETONS):
        if any(str(key).endswith("leader_elector") for key in part.settings):
            continue
        message = f"'{part.id}' reports {_SINGLETONS[part.kind]}, and there is {times}"
        fix = (
            "Move it to a separate collector with mode deployment and `replicas: 1`, "
            "or name an extension k8s_leader_elector as its `k8s_leader_elector`."
        )
        yield Fault(part.path, message, fix, severity="" if is_certain else "warning")


@about("deployment")
def host_reader(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that read one node, in a collector that does not run on every node."""
    deployment = subject.deployment
    if not deployment or deployment.mode in ON_EACH_HOST:
        return
    for part in subject.view.of("receivers", *_READS):
        what = _READS[part.kind](part.settings)
        if what:
            where = "a sidecar" if deployment.mode == "sidecar" else f"a {deployment.mode}"
            message = f"'{part.id}' reads {what}, but {where} is not on every node, and may share one with another copy"
            yield Fault(part.path, message, "Move it to a collector with mode daemonset.")


@about("deployment")
def sidecar_limits(subject: Subject) -> Iterator[Fault]:
    """Yield leader electors in sidecars; the ServiceAccounts of their pods have no permission for leases."""
    if subject.deployment and subject.deployment.mode == "sidecar":
        for part in subject.view.of("extensions", "k8sleaderelector"):
            message = f"'{part.id}' needs permission for a lease, which the pods with the sidecar do not have"
            yield Fault(part.path, message, "Move the components that need it to a collector with mode deployment.")


@about("deployment")
def metadata_service(subject: Subject) -> Iterator[Fault]:
    """Yield detectors that use the EC2 metadata service, which pods reach only if the instance allows it."""
    deployment = subject.deployment
    if not deployment or deployment.host_network:
        return
    for part in subject.view.of("processors", "resourcedetection"):
        for index, name in enumerate(items(part.settings, "detectors")):
            if name in _DETECTORS:
                yield Fault(
                    (*part.path, "detectors", index),
                    f"detector {name} asks the instance metadata service, one network hop further from a pod",
                    "Set the instances' HttpPutResponseHopLimit to 2, or set attributes in OTEL_RESOURCE_ATTRIBUTES "
                    "and use detector `env`.",
                    severity="warning" if deployment.mode == "sidecar" else "",
                )
                break


@about("deployment")
def selinux_denied(subject: Subject) -> Iterator[Fault]:
    """Yield components that use files of the node where SELinux denies them to containers."""
    deployment = subject.deployment
    if not deployment or not deployment.confined:
        return
    files = [(part, _FILES[part.kind](part.settings)) for part in subject.view.of("receivers", *_FILES)]
    if deployment.mode == "daemonset":
        files += [(part, "a folder of the node") for part in subject.view.of("extensions", "filestorage")]
    for part, what in files:
        if what:
            fix = "Set `selinux_type: spc_t` for this collector, or name your own type that has access."
            yield Fault(part.path, f"'{part.id}' uses {what}, which SELinux denies to containers", fix)


def copies_in_words(deployment: Deployment | None) -> str:
    """Return the number of replicas of a collector in words; empty if it is one or unknown."""
    if deployment is None:
        return ""
    if deployment.mode in _COPIES_OF_MODES:
        return _COPIES_OF_MODES[deployment.mode]
    if deployment.autoscaled:
        return "an autoscaler that adds replicas"
    has_several = (deployment.replicas or 0) > 1
    return f"more than one replica ({deployment.replicas})" if has_several else ""


_COPIES_OF_MODES = {"daemonset": "one on every node", "sidecar": "one in every pod that has the sidecar"}


def _pod_logs(settings: Mapping[str, Any]) -> str:
    """Return what file_log reads of a node, if its patterns are those of the logs of pods."""
    reads_pods = any(str(glob).startswith(_POD_LOGS) for glob in items(settings, "include"))
    return "the container logs of a node" if reads_pods else ""


def _root(settings: Mapping[str, Any]) -> str:
    return "the node's file system" if settings.get("root_path") else ""


def _kubelet(settings: Mapping[str, Any]) -> str:
    """Return that a kubelet is read; an endpoint with another address than the collector's node is set on purpose."""
    endpoint = at(settings, ("endpoint",))
    is_of_own_node = endpoint is None or any(name in str(endpoint) for name in _ON_NODE)
    return "the kubelet of its own node" if is_of_own_node else ""


_READS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "filelog": _pod_logs,
    "hostmetrics": _root,
    "journald": lambda _settings: "the journal of a node",
    "kubeletstats": _kubelet,
}

_FILES = {kind: reads for kind, reads in _READS.items() if kind != "kubeletstats"}


_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/k8sleaderelector"
)
_KIND = "k8sleaderelector"


def lease_missing(subject: Subject) -> Iterator[Fault]:
    """Yield leader electors without the name or namespace of their lease; the Collector rejects them."""
    for name, settings in section(subject.config, "extensions").items():
        is_elector = isinstance(name, str) and kind_of(name) == _KIND
        if not is_elector or not isinstance(settings, dict | None):
            continue
        given = settings or {}
        missing = [key for key in ("lease_name", "lease_namespace") if not given.get(key)]
        if missing:
            fix = "Add `lease_name: NAME` and `lease_namespace: NAMESPACE`, the same for all copies."
            yield Fault(("extensions", name), f"'{name}' has no {' and no '.join(missing)}", fix)


_BALANCING = f"{_CONTRIB}/exporter/loadbalancingexporter"
_ASSOCIATION = f"{_CONTRIB}/processor/k8sattributesprocessor"
_TRACES, _SERVICES, _STREAMS = "traceID", "service", "streamID"
_SAMPLING = "tailsampling"


class _State(NamedTuple):
    """What a component does with data that has to be in one replica, and the routing key that keeps it together."""

    purpose: str
    routing_key: str


_STATES = {
    ("processors", _SAMPLING): _State("decides on whole traces", _TRACES),
    ("processors", "groupbytrace"): _State("puts whole traces together", _TRACES),
    ("connectors", "servicegraph"): _State("pairs both sides of a request", _TRACES),
    ("connectors", "spanmetrics"): _State("counts the spans of a service", _SERVICES),
    ("processors", "cumulativetodelta"): _State("compares each point of a series with the one before", _STREAMS),
    ("processors", "deltatocumulative"): _State("adds up the points of a series", _STREAMS),
}


@about("deployment")
def split_state(subject: Subject) -> Iterator[Fault]:
    """Yield components with state of traces or series that arrive at several replicas of the collector."""
    times, deployment = copies_in_words(subject.deployment), subject.deployment
    if not times or not deployment:
        return
    for part in subject.view.parts:
        state = _STATES.get((part.section, part.kind))
        if state and not _is_kept_together(part, state.routing_key, deployment.mode, subject):
            yield _split(part, state, times, are_senders_known=subject.routing is not None)


def _split(part: Part, state: _State, times: str, *, are_senders_known: bool) -> Fault:
    """Return the fault of a component with parts of its data.

    With parts of traces, sampling drops what it should keep, for good: an error where all senders are known.
    """
    key = state.routing_key
    message = f"'{part.id}' {state.purpose}, and there is {times}"
    fix = f"Run it with `replicas: 1`, or send to it through exporter load_balancing with `routing_key: {key}`."
    if part.kind == _SAMPLING and are_senders_known:
        fix += " Suppress this if a tier of another inventory does so."
        return Fault(part.path, message, fix, severity="error")
    return Fault(part.path, message, fix)


def _is_kept_together(part: Part, key: str, mode: str, subject: Subject) -> bool:
    """Whether one replica gets all data with the same routing key."""
    signal = "metrics" if key == _STREAMS else "traces"
    keys_by_signal = subject.routing or subject.divided
    if keys_by_signal.get(signal) == {key}:
        return True
    if key != _TRACES and mode in ("daemonset", "sidecar"):
        return True  # the series of a pod stay with the agent of its node
    # With both tiers in one collector, one pipeline divides, and the next one has the state.
    balancing = {exporter.id for exporter in subject.view.of("exporters", "loadbalancing")}
    return bool(balancing) and not _samples_first(subject, part, balancing)


def _samples_first(subject: Subject, part: Part, balancing: set[str]) -> bool:
    """Whether a processor decides on traces in the pipeline that divides them afterwards."""
    if part.section != "processors":
        return False
    pipelines = [pipeline for pipeline in subject.view.pipelines if part.id in pipeline.processors]
    return any(not balancing.isdisjoint(pipeline.exporters) for pipeline in pipelines)


@about("unreceived")
def unreceived_signal(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send a signal to a collector of the same inventory that does not receive it; it is lost."""
    for exporter, lost_signals in subject.unreceived.items():
        signals_by_collector: dict[str, list[str]] = {}
        for name, signal in lost_signals:
            signals_by_collector.setdefault(name, []).append(signal)
        for name, signals in signals_by_collector.items():
            message = f"'{exporter}' sends {' and '.join(signals)} to collector '{name}', which does not receive this"
            fix = (
                f"Add {', '.join(signals)} to `signals` of recipe otlp_ingest in '{name}', or do not send this: "
                "narrow `signals` here, or `pipelines` of the recipe that sends."
            )
            yield Fault(("exporters", exporter), message, fix)


@about("unseen")
def unseen_replicas(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that balance over the pods of a collector that keeps connections; new replicas get nothing."""
    for exporter, keeping in subject.unseen.items():
        for name in keeping:
            message = f"'{exporter}' asks for the pods of collector '{name}' again only when a connection ends"
            fix = f"Set `max_connection_age` of recipe otlp_ingest in '{name}', such as 30s."
            yield Fault(("exporters", exporter), message, fix)


@about("deployment")
def pod_association(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that identify pods only by a connection that does not come from the pod."""
    deployment = subject.deployment
    if not deployment or deployment.mode == "daemonset":
        return
    is_sidecar = deployment.mode == "sidecar"
    sender = "the loopback of the pod" if is_sidecar else "the last hop: an agent or a load balancer, if any"
    for part in subject.view.of("processors", "k8sattributes"):
        if part.settings.get("passthrough") is not True and _asks_connection_alone(part):
            message = f"'{part.id}' uses the address of the connection as the pod's, but here it is {sender}"
            fix = (
                "Put `{sources: [{from: resource_attribute, name: k8s.pod.ip}]}` first in pod_association, "
                "and k8s_attributes with `passthrough: true` into agents in front."
            )
            yield Fault(part.path, message, fix, severity="warning" if is_sidecar else "")


def _asks_connection_alone(part: Part) -> bool:
    """Whether k8s_attributes find pods by their connection and by nothing else, as they do without associations."""
    if isinstance(part.settings.get("pod_association"), str):
        return False
    for association in items(part.settings, "pod_association"):
        for source in items(association, "sources"):
            if at(source, ("from",)) != "connection":
                return False
    return True


RULES = (
    *rules("error", singleton, documentation=_LEADER),
    *rules(
        "warning", host_reader, documentation="https://opentelemetry.io/docs/platforms/kubernetes/collector/components/"
    ),
    *rules("warning", sidecar_limits, documentation=_LEADER),
    *rules("info", metadata_service, documentation=_IMDS),
    *rules("warning", selinux_denied, documentation=_SELINUX),
    *rules("error", lease_missing, shared=True, documentation=_DOCUMENTATION),
    *rules("warning", split_state, documentation=_BALANCING),
    *rules("warning", unreceived_signal, documentation="https://opentelemetry.io/docs/collector/deploy/gateway/"),
    *rules("warning", unseen_replicas, documentation="https://grpc.io/docs/guides/custom-name-resolution/"),
    *rules("info", pod_association, documentation=_ASSOCIATION),
)
