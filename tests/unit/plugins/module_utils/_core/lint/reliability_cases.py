# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on data that could be lost: queues, sizes, state, and which of several copies leads."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp": settings})


CASES = [
    Case(
        "nothing-retried",
        "no retries",
        exporter(retry_on_failure={"enabled": False}),
        "exporters.otlp.retry_on_failure.enabled",
        "drops data that the receiver rejects at the first attempt Remove `retry_on_failure: {enabled: false}`.",
    ),
    Case(
        "nothing-retried",
        "no queue",
        exporter(sending_queue={"enabled": False}),
        "exporters.otlp.sending_queue.enabled",
        "wait",
    ),
    Case("nothing-retried", "a variable", exporter(retry_on_failure={"enabled": "${env:RETRY}"})),
    Case("nothing-retried", "the defaults", exporter(sending_queue={"queue_size": 5})),
]


HERE = "processors.memory_limiter"


def limiter(**settings: Any) -> Json:
    return running(processors={"memory_limiter": {"check_interval": "1s", **settings}})


def attributes(settings: Any) -> Json:
    return running(processors={"k8sattributes": settings})


CASES += [
    Case(
        "memory-limiter-settings", "no interval", limiter(check_interval="0s", limit_mib=9), HERE, "check_interval: 1s"
    ),
    Case(
        "memory-limiter-settings",
        "no limit",
        limiter(),
        HERE,
        "'memory_limiter' has no limit Add `limit_percentage: 80`",
    ),
    Case("memory-limiter-settings", "limits of zero", limiter(limit_mib=0, limit_percentage=0), HERE, "no limit"),
    Case(
        "memory-limiter-settings",
        "a spike as large as all",
        limiter(limit_mib=400, spike_limit_mib=400),
        f"{HERE}.spike_limit_mib",
        "spike_limit_mib is 400, not smaller than limit_mib, which is 400 Write about a quarter of limit_mib: 100.",
    ),
    Case(
        "memory-limiter-settings",
        "more than everything",
        limiter(limit_percentage=120),
        f"{HERE}.limit_percentage",
        "limit_percentage is 120, more than 100",
    ),
    Case("memory-limiter-settings", "percentages", limiter(limit_percentage=80, spike_limit_percentage=25)),
    Case("memory-limiter-settings", "a variable", limiter(limit_mib="${env:LIMIT}", check_interval="${env:I}")),
    Case("memory-limiter-settings", "all in a file", running(processors={"memory_limiter": "${file:limiter.yaml}"})),
    Case(
        "memory-limiter-above-container",
        "beyond the container",
        limiter(limit_mib=512),
        f"{HERE}.limit_mib",
        "the container may use only 512 MiB Write at most 409, with a `spike_limit_mib` of 128",
        where(memory_limit_mib=512),
    ),
    Case("memory-limiter-above-container", "within it", limiter(limit_mib=400), more=where(memory_limit_mib=512)),
    Case("memory-limiter-above-container", "not known", limiter(limit_mib=4000), more=where()),
    Case(
        "memory-limiter-unbounded",
        "of the node",
        limiter(limit_percentage=80),
        f"{HERE}.limit_percentage",
        "a percentage of the node's memory",
        where(memory_limit_mib=0),
    ),
    Case(
        "memory-limiter-unbounded", "of the container", limiter(limit_percentage=80), more=where(memory_limit_mib=512)
    ),
    Case("memory-limiter-unbounded", "not known", limiter(limit_percentage=80), more=where()),
    Case(
        "whole-cluster-cache",
        "an agent without a filter",
        attributes(None),
        "processors.k8sattributes",
        "Add `filter: {node_from_env_var: K8S_NODE_NAME}`.",
        where("daemonset"),
    ),
    Case("whole-cluster-cache", "its own node", attributes({"filter": {"node": "x"}}), more=where("daemonset")),
    Case("whole-cluster-cache", "that only passes on", attributes({"passthrough": True}), more=where("daemonset")),
    Case("whole-cluster-cache", "a gateway", attributes(None), more=where()),
]


ATTRIBUTE = [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]}, {"sources": [{"from": "connection"}]}]
CONNECTION = [{"sources": [{"from": "connection"}]}]


def processor(name: str, settings: Any = None, **more: Any) -> Json:
    return running(processors={name: settings}, **more)


def state_attributes(settings: Any) -> Json:
    return processor("k8s_attributes", settings)


CASES += [
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
        state_attributes(None),
        "processors.k8s_attributes",
        "but here it is the last hop: an agent or a load balancer, if any",
        where(),
    ),
    Case(
        "pod-association",
        "a sidecar",
        state_attributes({"pod_association": CONNECTION}),
        "processors.k8s_attributes",
        "the loopback of the pod Put `{sources: [{from: resource_attribute, name: k8s.pod.ip}]}` first",
        where("sidecar"),
    ),
    Case("pod-association", "an attribute first", state_attributes({"pod_association": ATTRIBUTE}), more=where()),
    Case("pod-association", "an agent", state_attributes(None), more=where("daemonset")),
    Case("pod-association", "one that only passes on", state_attributes({"passthrough": True}), more=where()),
    Case(
        "pod-association",
        "associations that a file has",
        state_attributes({"pod_association": "${file:a}"}),
        more=where(),
    ),
]


def elector(settings: Any, name: str = "k8s_leader_elector") -> Json:
    return running(extensions={name: settings})


CASES += [
    Case(
        "lease-missing",
        "none at all",
        elector(None),
        "extensions.k8s_leader_elector",
        "'k8s_leader_elector' has no lease_name and no lease_namespace Add `lease_name: NAME`",
    ),
    Case(
        "lease-missing",
        "no namespace",
        elector({"lease_name": "gateway", "lease_namespace": ""}, "k8s_leader_elector/a"),
        "extensions.k8s_leader_elector/a",
        "'k8s_leader_elector/a' has no lease_namespace",
    ),
    Case(
        "lease-missing",
        "one that is not started",
        {**running(), "extensions": {"k8s_leader_elector": {"lease_namespace": "a"}}},
        "extensions.k8s_leader_elector",
        "has no lease_name",
    ),
    Case("lease-missing", "a lease", elector({"lease_name": "gateway", "lease_namespace": "telemetry"})),
    Case("lease-missing", "a variable", elector({"lease_name": "${env:NAME}", "lease_namespace": "${env:NAMESPACE}"})),
    Case("lease-missing", "settings that are a variable", elector("${env:ELECTOR}")),
    Case("lease-missing", "another extension", elector(None, "zpages")),
]
