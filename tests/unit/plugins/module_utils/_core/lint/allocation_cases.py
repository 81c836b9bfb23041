# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the target allocator and on what is around a collector."""

from __future__ import annotations

from typing import Any

from .cases import Table, config
from .resource_cases import of
from .scraping_cases import JOB, scraping
from .shapes import Json, running, where

CERTIFICATES = {
    "serverCertificate": {"certificateSecret": {"name": "a"}, "keySecret": {"name": "a"}},
    "clientCertificate": {"certificateSecret": {"name": "b"}, "keySecret": {"name": "b"}},
    "certificateAuthorityCertificate": {"secret": {"name": "ca"}},
}


def allocated(mode: str = "statefulset", **settings: Any) -> Json:
    return of(mode=mode, targetAllocator={"enabled": True, **settings})


def mtls(**changes: Any) -> Json:
    return allocated(mtls={"enabled": True, "useCertManager": False, "tls": {**CERTIFICATES, **changes}})


CASES: Table = {
    "target-allocator-strategy": {
        "an agent that hashes": (
            scraping(JOB),
            "spec.targetAllocator: a daemonset allocates targets only per node Set `allocationStrategy: per-node`.",
            allocated("daemonset"),
        ),
        "an agent by node": (scraping(JOB), "", allocated("daemonset", allocationStrategy="per-node")),
        "replicas by node": (
            scraping(JOB),
            "spec.targetAllocator.allocationStrategy: a statefulset is not on every node",
            allocated(allocationStrategy="per-node"),
        ),
        "replicas": (scraping(JOB), "", allocated()),
        "off": (scraping(JOB), "", allocated("daemonset", enabled=False)),
    },
    "target-allocator-receiver": {
        "another name": (
            running("metrics", receivers={"prometheus/apps": {"config": {"scrape_configs": [JOB]}}}),
            "receivers.prometheus/apps: receiver named 'prometheus', which is missing Rename 'prometheus/apps'.",
            allocated(),
        ),
        "its name": (scraping(JOB), "", allocated()),
        "none": (running(), "receivers: Add receiver `prometheus`", allocated()),
        "no job": (
            running("metrics", receivers={"prometheus": {"config": {"scrape_configs": []}}}),
            "receivers.prometheus: there is no scrape config to distribute",
            allocated(),
        ),
        "jobs of monitors": (
            running("metrics", receivers={"prometheus": {"config": {}}}),
            "",
            allocated(prometheusCR={"enabled": True}),
        ),
        "jobs of the allocator's own": (running("metrics", receivers={"prometheus": {}}), "", allocated()),
    },
    "target-allocator-variable": {
        "the own node": (
            scraping({"kubernetes_sd_configs": [{"selectors": [{"field": "spec.nodeName=${env:K8S_NODE_NAME}"}]}]}),
            "receivers.prometheus.config.scrape_configs[0].kubernetes_sd_configs[0].selectors[0].field: "
            "`${env:K8S_NODE_NAME}` is not replaced here",
            allocated("daemonset", allocationStrategy="per-node"),
        ),
        "a group of an expression": (
            scraping({"relabel_configs": [{"regex": "(.+)$$", "replacement": "$1:$${2}"}]}),
            "",
            allocated(),
        ),
        "without an allocator": (scraping({"job_name": "${env:NAME}"}), "", of(mode="daemonset")),
    },
    "target-allocator-certificates": {
        "no client": (
            scraping(JOB),
            "spec.targetAllocator.mtls: without cert-manager it needs tls.clientCertificate",
            mtls(clientCertificate=None),
        ),
        "all of them": (scraping(JOB), "", mtls()),
        "an authority in two places": (
            scraping(JOB),
            "spec.targetAllocator.mtls.tls.certificateAuthorityCertificate: either secret or configMap",
            mtls(certificateAuthorityCertificate={"secret": {"name": "a"}, "configMap": {"name": "a"}}),
        ),
        "cert-manager's": (scraping(JOB), "", allocated(mtls={"enabled": True})),
    },
}


GIVEN = {"environment": frozenset({"API_KEY"})}


def reading(text: str) -> dict[str, object]:
    return config(exporters={"otlp": {"headers": {"key": text}}})


READS = running(processors={"k8s_attributes": {"extract": {"metadata": ["k8s.pod.name"]}}})


def granted(*rules: tuple[str, str, str]) -> dict[str, object]:
    keys = ("apiGroups", "resources", "verbs")
    return where(granted=tuple({key: text.split(",") for key, text in zip(keys, rule, strict=True)} for rule in rules))


CASES |= {
    "missing-variable": {
        "a misspelt one": (
            reading("${env:API_KEYS}"),
            "exporters.otlp.headers.key: variable API_KEYS is read here, but not set; did you mean 'API_KEY'? "
            "Add it to `env`",
            GIVEN,
        ),
        "the short form": (reading("${TOKEN}"), "exporters.otlp.headers.key: TOKEN", GIVEN),
        "one that is given": (reading("${env:API_KEY}"), "", GIVEN),
        "one with a default": (reading("${env:OTHER:-none}"), "", GIVEN),
        "an escaped one": (reading("$${env:OTHER}"), "", GIVEN),
        "another provider": (reading("${file:/etc/OTHER}"), "", GIVEN),
        "where the environment is not known": reading("${env:OTHER}"),
    },
    "missing-permission": {
        "no right at all": (
            READS,
            "processors.k8s_attributes: needs to get namespaces, and 5 more, which the ServiceAccount is not "
            "allowed to do Add to its ClusterRole: `{apiGroups: [''], resources: [namespaces], verbs: [get]}`.",
            granted(),
        ),
        "one verb short": (
            READS,
            "processors.k8s_attributes: needs to watch pods,",
            granted(("", "namespaces", "*"), ("", "pods", "get,list")),
        ),
        "all that is needed": (READS, "", granted(("", "pods,namespaces", "get,list,watch"))),
        "everything": (READS, "", granted(("*", "*", "*"))),
        "nothing to read": (running(), "", granted()),
        "rights that nobody knows": (READS, "", where()),
    },
}
