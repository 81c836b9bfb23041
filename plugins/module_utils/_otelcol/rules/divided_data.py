# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on data that arrives in parts: at several replicas, at a collector that does not take it, or by another hop.

Sources: the READMEs of tail_sampling, groupbytrace, service_graph, span_metrics, cumulative_to_delta,
delta_to_cumulative, load_balancing and k8s_attributes in opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..config.paths import at, items
from ..needs.listeners import Part
from .subject import Fault, Subject, about, rules
from .workload_placement import copies_in_words

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_BALANCING = f"{_CONTRIB}/exporter/loadbalancingexporter"
_ASSOCIATION = f"{_CONTRIB}/processor/k8sattributesprocessor"
_GATEWAYS = "https://opentelemetry.io/docs/collector/deploy/gateway/"
_NAME_RESOLUTION = "https://grpc.io/docs/guides/custom-name-resolution/"
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
    *rules("warning", split_state, documentation=_BALANCING),
    *rules("warning", unreceived_signal, documentation=_GATEWAYS),
    *rules("warning", unseen_replicas, documentation=_NAME_RESOLUTION),
    *rules("info", pod_association, documentation=_ASSOCIATION),
)
