# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on data that could be lost: queues, sizes, state, and which of several copies leads."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp": settings})


CASES: Table = {
    "nothing-retried": {
        "no retries": (
            exporter(retry_on_failure={"enabled": False}),
            "exporters.otlp.retry_on_failure.enabled: drops data that the receiver rejects at the first "
            "attempt Remove `retry_on_failure: {enabled: false}`.",
        ),
        "no queue": (exporter(sending_queue={"enabled": False}), "exporters.otlp.sending_queue.enabled: wait"),
        "a variable": exporter(retry_on_failure={"enabled": "${env:RETRY}"}),
        "the defaults": exporter(sending_queue={"queue_size": 5}),
    }
}


HERE = "processors.memory_limiter"


def limiter(**settings: Any) -> Json:
    return running(processors={"memory_limiter": {"check_interval": "1s", **settings}})


def attributes(settings: Any) -> Json:
    return running(processors={"k8sattributes": settings})


CASES |= {
    "memory-limiter-settings": {
        "no interval": (limiter(check_interval="0s", limit_mib=9), f"{HERE}: check_interval: 1s"),
        "no limit": (limiter(), f"{HERE}: 'memory_limiter' has no limit Add `limit_percentage: 80`"),
        "limits of zero": (limiter(limit_mib=0, limit_percentage=0), f"{HERE}: no limit"),
        "a spike as large as all": (
            limiter(limit_mib=400, spike_limit_mib=400),
            f"{HERE}.spike_limit_mib: spike_limit_mib is 400, not smaller than limit_mib, which is 400 Write "
            "about a quarter of limit_mib: 100.",
        ),
        "more than everything": (
            limiter(limit_percentage=120),
            f"{HERE}.limit_percentage: limit_percentage is 120, more than 100",
        ),
        "percentages": limiter(limit_percentage=80, spike_limit_percentage=25),
        "a variable": limiter(limit_mib="${env:LIMIT}", check_interval="${env:I}"),
        "all in a file": running(processors={"memory_limiter": "${file:limiter.yaml}"}),
    },
    "memory-limiter-above-container": {
        "beyond the container": (
            limiter(limit_mib=512),
            f"{HERE}.limit_mib: the container may use only 512 MiB Write at most 409, with a `spike_limit_mib` of 128",
            where(memory_limit_mib=512),
        ),
        "within it": (limiter(limit_mib=400), "", where(memory_limit_mib=512)),
        "not known": (limiter(limit_mib=4000), "", where()),
    },
    "memory-limiter-unbounded": {
        "of the node": (
            limiter(limit_percentage=80),
            f"{HERE}.limit_percentage: a percentage of the node's memory",
            where(memory_limit_mib=0),
        ),
        "of the container": (limiter(limit_percentage=80), "", where(memory_limit_mib=512)),
        "not known": (limiter(limit_percentage=80), "", where()),
    },
    "whole-cluster-cache": {
        "an agent without a filter": (
            attributes(None),
            "processors.k8sattributes: Add `filter: {node_from_env_var: K8S_NODE_NAME}`.",
            where("daemonset"),
        ),
        "its own node": (attributes({"filter": {"node": "x"}}), "", where("daemonset")),
        "that only passes on": (attributes({"passthrough": True}), "", where("daemonset")),
        "a gateway": (attributes(None), "", where()),
    },
}


ATTRIBUTE = [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]}, {"sources": [{"from": "connection"}]}]
CONNECTION = [{"sources": [{"from": "connection"}]}]


def processor(name: str, settings: Any = None, **more: Any) -> Json:
    return running(processors={name: settings}, **more)


def state_attributes(settings: Any) -> Json:
    return processor("k8s_attributes", settings)


CASES |= {
    "split-state": {
        "sampling of whole traces": (
            processor("tail_sampling"),
            "processors.tail_sampling: decides on whole traces, and there is more than one replica (3) Run it "
            "with `replicas: 1`, or send to it through exporter load_balancing with `routing_key: traceID`.",
            where(replicas=3),
        ),
        "on every node": (processor("groupbytrace"), "processors.groupbytrace: on every node", where("daemonset")),
        "metrics of spans": (
            running(connectors={"spanmetrics": {}}),
            "connectors.spanmetrics: `routing_key: service`",
            where(replicas=1, autoscaled=True),
        ),
        "series": (processor("cumulativetodelta"), "processors.cumulativetodelta: streamID", where(replicas=2)),
        "series of a node's pods": (processor("cumulative_to_delta"), "", where("daemonset")),
        "one replica": (processor("tail_sampling"), "", where(replicas=1)),
        "both layers in one": (processor("tail_sampling", exporters={"load_balancing": {}}), "", where(replicas=3)),
        "no state": (processor("batch"), "", where(replicas=3)),
    },
    "pod-association": {
        "the default": (
            state_attributes(None),
            "processors.k8s_attributes: but here it is the last hop: an agent or a load balancer, if any",
            where(),
        ),
        "a sidecar": (
            state_attributes({"pod_association": CONNECTION}),
            "processors.k8s_attributes: the loopback of the pod Put `{sources: [{from: resource_attribute, "
            "name: k8s.pod.ip}]}` first",
            where("sidecar"),
        ),
        "an attribute first": (state_attributes({"pod_association": ATTRIBUTE}), "", where()),
        "an agent": (state_attributes(None), "", where("daemonset")),
        "one that only passes on": (state_attributes({"passthrough": True}), "", where()),
        "associations that a file has": (state_attributes({"pod_association": "${file:a}"}), "", where()),
    },
}


def elector(settings: Any, name: str = "k8s_leader_elector") -> Json:
    return running(extensions={name: settings})


CASES |= {
    "lease-missing": {
        "none at all": (
            elector(None),
            "extensions.k8s_leader_elector: 'k8s_leader_elector' has no lease_name and no lease_namespace Add "
            "`lease_name: NAME`",
        ),
        "no namespace": (
            elector({"lease_name": "gateway", "lease_namespace": ""}, "k8s_leader_elector/a"),
            "extensions.k8s_leader_elector/a: 'k8s_leader_elector/a' has no lease_namespace",
        ),
        "one that is not started": (
            {**running(), "extensions": {"k8s_leader_elector": {"lease_namespace": "a"}}},
            "extensions.k8s_leader_elector: has no lease_name",
        ),
        "a lease": elector({"lease_name": "gateway", "lease_namespace": "telemetry"}),
        "a variable": elector({"lease_name": "${env:NAME}", "lease_namespace": "${env:NAMESPACE}"}),
        "settings that are a variable": elector("${env:ELECTOR}"),
        "another extension": elector(None, "zpages"),
    }
}
