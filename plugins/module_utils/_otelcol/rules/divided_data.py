# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on data that arrives in parts: at several replicas, at a collector that does not take it, or by a third one.

Sources: the READMEs of tail_sampling, groupbytrace, service_graph, span_metrics, cumulative_to_delta,
delta_to_cumulative, load_balancing and k8s_attributes in opentelemetry-collector-contrib. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example, a
collector with mode daemonset has

    processors:
      groupbytrace: {}
    service:
      pipelines:
        traces: {receivers: [otlp], processors: [groupbytrace], exporters: [otlp]}

The spans of one trace come from pods of several nodes, so each node gets a part of the trace. Rule `split-state` says

    processors.groupbytrace: warning [split-state] 'groupbytrace' puts whole traces together, and there is one on
    every node. Run it with `replicas: 1`, or send to it through exporter load_balancing with `routing_key:
    traceID`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..config.paths import list_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject
from .workload_placement import describe_copies

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_BALANCING = f"{_CONTRIB}/exporter/loadbalancingexporter"
_ASSOCIATION = f"{_CONTRIB}/processor/k8sattributesprocessor"
_GATEWAYS = "https://opentelemetry.io/docs/collector/deploy/gateway/"
_NAME_RESOLUTION = "https://grpc.io/docs/guides/custom-name-resolution/"
# Routing keys of exporter load_balancing: which data it sends to the same replica.
_TRACES = "traceID"
_SERVICES = "service"
_STREAMS = "streamID"
# The type of processor tail_sampling, as rules write types: without underscores.
_SAMPLING = "tailsampling"


class _State(NamedTuple):
    """What a component keeps between requests, so that all data with the same routing key has to reach one replica."""

    purpose: str
    """What the component does with it, as a message says it."""
    routing_key: str


# The components with such a state, by section and type.
_STATE_BY_TYPE = {
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
    deployment = subject.deployment
    copies_text = describe_copies(deployment)
    if not copies_text or not deployment:
        return
    for part in subject.view.started_components:
        state = _STATE_BY_TYPE.get((part.section, part.kind))
        if state and not _is_kept_together(part, state.routing_key, deployment.mode, subject):
            yield _describe_split_state(
                part, state, copies_text, are_senders_known=subject.complete_routing_keys is not None
            )


def _describe_split_state(part: StartedComponent, state: _State, copies_text: str, *, are_senders_known: bool) -> Fault:
    """Return the fault of a component with parts of its data.

    It is an error for sampling where all senders are known: with parts of traces, it drops for good what it should
    keep.
    """
    routing_key = state.routing_key
    message = f"'{part.id}' {state.purpose}, and there is {copies_text}"
    fix = f"Run it with `replicas: 1`, or send to it through exporter load_balancing with `routing_key: {routing_key}`."
    if part.kind == _SAMPLING and are_senders_known:
        fix += " Suppress this if a tier of another inventory does so."
        return Fault(part.path, message, fix, severity="error")
    return Fault(part.path, message, fix)


def _is_kept_together(part: StartedComponent, routing_key: str, mode: str, subject: Subject) -> bool:
    """Whether one replica gets all data with the same routing key."""
    return (
        _do_senders_divide(routing_key, subject)
        or _does_one_node_send(routing_key, mode)
        or _is_divided_within(part, subject)
    )


def _do_senders_divide(routing_key: str, subject: Subject) -> bool:
    """Whether the senders, as far as they are known, send data with the same routing key to the same replica."""
    signal = "metrics" if routing_key == _STREAMS else "traces"
    # What all senders do counts more than what files or a cluster show of some.
    keys_by_signal = subject.complete_routing_keys or subject.partial_routing_keys
    return keys_by_signal.get(signal) == {routing_key}


def _does_one_node_send(routing_key: str, mode: str) -> bool:
    """Whether the data comes from pods of one node: the series of a pod stay with the agent of its node.

    A trace has spans from pods of several nodes.
    """
    return routing_key != _TRACES and mode in ("daemonset", "sidecar")


def _is_divided_within(part: StartedComponent, subject: Subject) -> bool:
    """Whether the collector divides the data itself: one pipeline divides it, and the next one has the state."""
    balancing_ids = {exporter.id for exporter in subject.view.find_parts("exporters", "loadbalancing")}
    return bool(balancing_ids) and not _decides_before_division(subject, part, balancing_ids)


def _decides_before_division(subject: Subject, part: StartedComponent, balancing_ids: set[str]) -> bool:
    """Whether a processor decides on traces in the pipeline that divides them afterwards, which is too late.

    So does tail_sampling in `traces: {processors: [tail_sampling], exporters: [load_balancing]}`.
    """
    if part.section != "processors":  # a connector has its state between two pipelines, so behind the division
        return False
    pipelines = [pipeline for pipeline in subject.view.pipelines if part.id in pipeline.processors]
    return any(not balancing_ids.isdisjoint(pipeline.exporters) for pipeline in pipelines)


@about("unreceived_signals")
def unreceived_signal(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send a signal to a collector of the same inventory that does not receive it; it is lost."""
    for exporter, lost_signals in subject.unreceived_signals.items():
        signals_by_collector: dict[str, list[str]] = {}
        for collector, signal in lost_signals:
            signals_by_collector.setdefault(collector, []).append(signal)
        for collector, signals in signals_by_collector.items():
            message = (
                f"'{exporter}' sends {' and '.join(signals)} to collector '{collector}', which does not receive this"
            )
            fix = (
                f"Add {', '.join(signals)} to `signals` of recipe otlp_ingest in '{collector}', or do not send this: "
                "narrow `signals` here, or `pipelines` of the recipe that sends."
            )
            yield Fault(("exporters", exporter), message, fix)


@about("unseen_collectors")
def unseen_replicas(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that balance over the pods of a collector that keeps connections; new replicas get nothing."""
    for exporter, keeping_collectors in subject.unseen_collectors.items():
        for collector in keeping_collectors:
            message = f"'{exporter}' asks for the pods of collector '{collector}' again only when a connection ends"
            fix = f"Set `max_connection_age` of recipe otlp_ingest in '{collector}', such as 30s."
            yield Fault(("exporters", exporter), message, fix)


@about("deployment")
def pod_association(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that identify pods only by a connection that does not come from the pod."""
    deployment = subject.deployment
    if not deployment or deployment.mode == "daemonset":
        return
    is_sidecar = deployment.mode == "sidecar"
    sender = "the loopback of the pod" if is_sidecar else "the last hop: an agent or a load balancer, if any"
    for part in subject.view.find_parts("processors", "k8sattributes"):
        if part.settings.get("passthrough") is not True and _asks_connection_alone(part):
            message = f"'{part.id}' uses the address of the connection as the pod's, but here it is {sender}"
            fix = (
                "Put `{sources: [{from: resource_attribute, name: k8s.pod.ip}]}` first in pod_association, "
                "and k8s_attributes with `passthrough: true` into agents in front."
            )
            yield Fault(part.path, message, fix, severity="warning" if is_sidecar else SEVERITY_OF_RULE)


def _asks_connection_alone(part: StartedComponent) -> bool:
    """Whether k8s_attributes find pods by their connection alone, as they do without `pod_association`."""
    if isinstance(part.settings.get("pod_association"), str):  # a variable may bring any association
        return False
    for association in list_at(part.settings, "pod_association"):
        for source in list_at(association, "sources"):
            if value_at(source, ("from",)) != "connection":
                return False
    return True


RULES = (
    *define_rules("warning", split_state, documentation=_BALANCING),
    *define_rules("warning", unreceived_signal, documentation=_GATEWAYS),
    *define_rules("warning", unseen_replicas, documentation=_NAME_RESOLUTION),
    *define_rules("info", pod_association, documentation=_ASSOCIATION),
)
