# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on stateful components that need all related data in one replica.

Sources: the READMEs of tail_sampling, groupbytrace, service_graph, span_metrics, cumulative_to_delta,
delta_to_cumulative, load_balancing and k8s_attributes in opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import at, items
from .placement import copies
from .subject import Fault, Subject, rule
from .view import Part

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_BALANCING = f"{_CONTRIB}/exporter/loadbalancingexporter"
_ASSOCIATION = f"{_CONTRIB}/processor/k8sattributesprocessor"
_TRACES, _SERVICES, _STREAMS = "traceID", "service", "streamID"

# The data that a component needs in one replica, and the routing key that keeps it together.
_STATE = {
    ("processors", "tailsampling"): ("decides on whole traces", _TRACES),
    ("processors", "groupbytrace"): ("puts whole traces together", _TRACES),
    ("connectors", "servicegraph"): ("pairs both sides of a request", _TRACES),
    ("connectors", "spanmetrics"): ("counts the spans of a service", _SERVICES),
    ("processors", "cumulativetodelta"): ("compares each point of a series with the one before", _STREAMS),
    ("processors", "deltatocumulative"): ("adds up the points of a series", _STREAMS),
}


def split_state(subject: Subject) -> Iterator[Fault]:
    """Yield components with state of traces or series that arrive at several replicas of the collector."""
    times, deployment = copies(subject.deployment), subject.deployment
    if not times or not deployment or any(subject.view.of("exporters", "loadbalancing")):
        return
    on_node = deployment.mode in ("daemonset", "sidecar")
    for part in subject.view.parts:
        what, key = _STATE.get((part.section, part.kind), ("", ""))
        if what and not (on_node and key != _TRACES):  # the series of a pod stay with the agent of its node
            yield Fault(
                part.path,
                f"'{part.id}' {what}, and there is {times}",
                f"Run it with `replicas: 1`, or send to it through exporter load_balancing with `routing_key: {key}`.",
            )


def pod_association(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that identify pods only by a connection that does not come from the pod."""
    deployment = subject.deployment
    if not deployment or deployment.mode == "daemonset":
        return
    sidecar = deployment.mode == "sidecar"
    for part in subject.view.of("processors", "k8sattributes"):
        if part.settings.get("passthrough") is not True and _only_connection(part):
            sender = "the loopback of the pod" if sidecar else "the last hop: an agent or a load balancer, if any"
            yield Fault(
                part.path,
                f"'{part.id}' uses the address of the connection as the pod's, but here it is {sender}",
                "Put `{sources: [{from: resource_attribute, name: k8s.pod.ip}]}` first in pod_association, "
                "and k8s_attributes with `passthrough: true` into agents in front.",
                severity="warning" if sidecar else "",
            )


def _only_connection(part: Part) -> bool:
    associations = items(part.settings, "pod_association")
    return all(
        at(source, ("from",)) == "connection" for item in associations for source in items(item, "sources")
    ) and not isinstance(part.settings.get("pod_association"), str)


RULES = (
    rule("warning", split_state, documentation=_BALANCING),
    rule("info", pod_association, documentation=_ASSOCIATION),
)
