# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on components that must see all of something."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

ATTRIBUTE = [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]}, {"sources": [{"from": "connection"}]}]
CONNECTION = [{"sources": [{"from": "connection"}]}]


def processor(name: str, settings: Any = None, **more: Any) -> Json:
    return running(processors={name: settings}, **more)


def attributes(settings: Any) -> Json:
    return processor("k8s_attributes", settings)


CASES = [
    Case(
        "split-state",
        "sampling of whole traces",
        processor("tail_sampling"),
        "processors.tail_sampling",
        "decides on whole traces, and there is more than one replica (3) Run it with `replicas: 1`, or send to it "
        "through exporter load_balancing with `routing_key: traceID`.",
        where(replicas=3),
    ),
    Case(
        "split-state",
        "on every node",
        processor("groupbytrace"),
        "processors.groupbytrace",
        "on every node",
        where("daemonset"),
    ),
    Case(
        "split-state",
        "metrics of spans",
        running(connectors={"spanmetrics": {}}),
        "connectors.spanmetrics",
        "`routing_key: service`",
        where(replicas=1, autoscaled=True),
    ),
    Case(
        "split-state",
        "series",
        processor("cumulativetodelta"),
        "processors.cumulativetodelta",
        "streamID",
        where(replicas=2),
    ),
    Case("split-state", "series of a node's pods", processor("cumulative_to_delta"), more=where("daemonset")),
    Case("split-state", "one replica", processor("tail_sampling"), more=where(replicas=1)),
    Case(
        "split-state",
        "both layers in one",
        processor("tail_sampling", exporters={"load_balancing": {}}),
        more=where(replicas=3),
    ),
    Case("split-state", "no state", processor("batch"), more=where(replicas=3)),
    Case(
        "pod-association",
        "the default",
        attributes(None),
        "processors.k8s_attributes",
        "which here is the last hop: an agent or a load balancer, if any",
        where(),
    ),
    Case(
        "pod-association",
        "a sidecar",
        attributes({"pod_association": CONNECTION}),
        "processors.k8s_attributes",
        "the loopback of the pod Put `{sources: [{from: resource_attribute, name: k8s.pod.ip}]}` first",
        where("sidecar"),
    ),
    Case("pod-association", "an attribute first", attributes({"pod_association": ATTRIBUTE}), more=where()),
    Case("pod-association", "an agent", attributes(None), more=where("daemonset")),
    Case("pod-association", "one that only passes on", attributes({"passthrough": True}), more=where()),
    Case("pod-association", "associations that a file has", attributes({"pod_association": "${file:a}"}), more=where()),
]
