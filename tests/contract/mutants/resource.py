# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of custom resources: the config stays, what the operator is told around it is wrong."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject

from .edits import Json, Mutator, put

JOBS = ("receivers", "prometheus", "config", "scrape_configs")
SCALER = {"minReplicas": 1, "maxReplicas": 2}


def told(subject: Subject, **spec: Any) -> Subject:
    """Return the subject in a custom resource that says this too."""
    resource = copy.deepcopy(subject.resource) or {"apiVersion": "opentelemetry.io/v1beta1", "spec": {}}
    return replace(subject, resource={**resource, "spec": {**resource["spec"], **spec}})


def telling(*specs: Json) -> Mutator:
    """Return the mutator that says one thing after the other."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        return (told(subject, **spec) for spec in specs)

    return mutate


def allocated(subject: Subject, mode: str = "statefulset", **settings: Any) -> Subject:
    return told(subject, mode=mode, targetAllocator={"enabled": True, **settings})


def strategy(subject: Subject) -> Iterator[Subject]:
    for name in ("consistent-hashing", "least-weighted", None):
        yield allocated(subject, "daemonset", allocationStrategy=name)
    yield allocated(subject, allocationStrategy="per-node")


def receiver(subject: Subject) -> Iterator[Subject]:
    for settings in (None, {"config": {}}, {"config": {"scrape_configs": []}}):
        made = put(subject, JOBS[:2], settings)
        yield allocated(made)
        yield allocated(made, prometheusCR={"enabled": False})


def variable(subject: Subject) -> Iterator[Subject]:
    for job in (
        {"job_name": "${env:NAME}"},
        {"job_name": "a", "static_configs": [{"targets": ["${HOST}:80"]}]},
        {"job_name": "a", "params": {"match": ["${file:/etc/match}"]}},
    ):
        yield allocated(put(subject, JOBS, [job]))


def certificates(subject: Subject) -> Iterator[Subject]:
    for tls in ({}, {"serverCertificate": {}}, {"certificateAuthorityCertificate": {"secret": {}, "configMap": {}}}):
        yield allocated(subject, mtls={"enabled": True, "useCertManager": False, "tls": tls})


MUTATORS: dict[str, Mutator] = {
    "resource-field": telling({"replica": 2}, {"podLabels": {}}, {"autoscaler": {"min": 1}}),
    "resource-value": telling({"mode": "agent"}, {"upgradeStrategy": "never"}, {"configVersions": 0}),
    "resource-mode": telling(
        {"mode": "sidecar", "tolerations": [{"operator": "Exists"}]},
        {"mode": "sidecar", "affinity": {"podAffinity": {}}},
        {"mode": "sidecar", "priorityClassName": "high"},
        {"mode": "sidecar", "additionalContainers": [{"name": "some"}]},
        {"mode": "daemonset", "volumeClaimTemplates": [{}]},
        {"mode": "deployment", "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
        {"mode": "statefulset", "deploymentUpdateStrategy": {"type": "Recreate"}},
    ),
    "resource-autoscaler": telling(
        {"autoscaler": {"minReplicas": 1}},
        {"autoscaler": {**SCALER, "minReplicas": 3}},
        {"autoscaler": SCALER, "replicas": 3},
        {"autoscaler": {**SCALER, "behavior": {"scaleUp": {"stabilizationWindowSeconds": 9999}}}},
        {"autoscaler": {**SCALER, "metrics": [{"type": "External"}]}},
    ),
    "resource-port": telling(
        {"ports": [{"name": "a_b", "port": 1}]}, {"ports": [{"port": 1}]}, {"ports": [{"name": "a", "port": 0}]}
    ),
    "resource-host": telling(*({"ingress": {"ruleType": "subdomain", "hostname": host}} for host in (None, "", "*"))),
    "target-allocator-strategy": strategy,
    "target-allocator-receiver": receiver,
    "target-allocator-variable": variable,
    "target-allocator-certificates": certificates,
}
