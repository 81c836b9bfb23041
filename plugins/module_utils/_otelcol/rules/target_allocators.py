# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on target allocators: which collectors can have one, and what it needs of their configs.

Source: internal/webhook/collector_webhook.go of the operator. Private.

A target allocator of the operator divides the targets of scrape jobs among the pods of a collector.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    spec.targetAllocator: error [target-allocator-strategy] a daemonset allocates targets only per node. Set
    `allocationStrategy: per-node`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import Path, iter_leaves, list_at, mapping_at, value_at
from .expansion import find_expressions
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
_MODES_WITH_ALLOCATOR = ("statefulset", "daemonset")
_ALLOCATOR_PATH: Path = ("spec", "targetAllocator")
_RECEIVER: Path = ("receivers", "prometheus")
_JOBS: Path = (*_RECEIVER, "config", "scrape_configs")
_PER_NODE = "per-node"


@about("deployment")
def target_allocator_mode(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators in a mode that does not support them; the operator rejects them."""
    deployment = subject.deployment
    if deployment and deployment.has_target_allocator and deployment.mode not in _MODES_WITH_ALLOCATOR:
        yield Fault(
            (),
            f"mode {deployment.mode} cannot have a target allocator: its pods have no stable names for the allocation",
            "Use mode statefulset, or daemonset with allocation strategy per-node.",
        )


@about("custom_resource")
def target_allocator_strategy(subject: Subject) -> Iterator[Fault]:
    """Yield allocation strategies that do not match the mode: a daemonset needs per-node, other modes another."""
    allocator = _read_target_allocator(subject)
    mode = value_at(subject.custom_resource, ("spec", "mode"))
    is_per_node = allocator.get("allocationStrategy") == _PER_NODE
    if allocator and mode == "daemonset" and not is_per_node:
        yield Fault(
            _ALLOCATOR_PATH, "a daemonset allocates targets only per node", "Set `allocationStrategy: per-node`."
        )
    elif allocator and mode == "statefulset" and is_per_node:
        path = (*_ALLOCATOR_PATH, "allocationStrategy")
        yield Fault(path, "a statefulset is not on every node", "Use consistent-hashing, or mode daemonset.")


@about("custom_resource")
def target_allocator_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators without a receiver `prometheus` or without scrape configs."""
    allocator = _read_target_allocator(subject)
    if not allocator:
        return
    receiver = value_at(subject.config, _RECEIVER)
    if not isinstance(receiver, dict):
        yield _report_missing_receiver(subject.config)
    elif _has_no_jobs(subject, allocator, receiver):
        fix = "Add one, or read custom resources of Prometheus: `targetAllocator.prometheusCR.enabled: true`."
        yield Fault(_RECEIVER, "there is no scrape config to distribute", fix)


def _report_missing_receiver(config: Any) -> Fault:
    """Return the fault of a config without the receiver that a target allocator serves; another name may be meant."""
    path: Path = ("receivers",)
    fix = "Add receiver `prometheus`, with `config` if it has jobs of its own."
    for name in mapping_at(config, "receivers"):
        if str(name).startswith("prometheus/"):
            path, fix = ("receivers", name), f"Rename '{name}'."
            break
    return Fault(path, "a target allocator serves only the receiver named 'prometheus', which is missing", fix)


def _has_no_jobs(subject: Subject, allocator: dict[str, Any], receiver: dict[str, Any]) -> bool:
    """Whether the receiver has no jobs; a receiver without `config` gets its jobs from elsewhere."""
    has_other_jobs = value_at(allocator, ("prometheusCR", "enabled")) is True or "config" not in receiver
    return not has_other_jobs and not list_at(subject.config, *map(str, _JOBS))


@about("custom_resource")
def target_allocator_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables in scrape configs of a target allocator, which does not expand them."""
    if not _read_target_allocator(subject):
        return
    for path, value in iter_leaves(value_at(subject.config, _JOBS), _JOBS):
        variables = find_expressions(value) if isinstance(value, str) else []
        if variables:
            message = f"`${{{variables[0]}}}` is not replaced here: the target allocator reads this, not the Collector"
            fix = "Write the value itself; with strategy per-node each collector gets the targets of its node anyway."
            yield Fault(path, message, fix)


@about("custom_resource")
def target_allocator_certificates(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators with mTLS and user-provided certificates, of which some are missing."""
    mtls_settings = mapping_at(_read_target_allocator(subject), "mtls")
    if mtls_settings.get("enabled") is not True or mtls_settings.get("useCertManager") is not False:
        return
    for certificate in ("serverCertificate", "clientCertificate", "certificateAuthorityCertificate"):
        if not value_at(mtls_settings, ("tls", certificate)):
            yield Fault(
                (*_ALLOCATOR_PATH, "mtls"),
                f"without cert-manager it needs tls.{certificate}",
                "Name the Secret that has it.",
            )
    authority = mapping_at(mtls_settings, "tls", "certificateAuthorityCertificate")
    # It has to be in one of the two: both are as wrong as none.
    if authority and ("secret" in authority) == ("configMap" in authority):
        path = (*_ALLOCATOR_PATH, "mtls", "tls", "certificateAuthorityCertificate")
        yield Fault(path, "it needs either secret or configMap", "Name the object with the CA certificate.")


def _read_target_allocator(subject: Subject) -> dict[str, Any]:
    """Return the target allocator of a custom resource; empty if it is disabled."""
    allocator = mapping_at(subject.custom_resource, *map(str, _ALLOCATOR_PATH))
    return allocator if allocator.get("enabled") is True else {}


RULES = (
    *define_rules("error", target_allocator_mode, documentation=_DOCUMENTATION),
    *define_rules("error", target_allocator_strategy, target_allocator_receiver, documentation=_DOCUMENTATION),
    *define_rules("error", target_allocator_variable, target_allocator_certificates, documentation=_DOCUMENTATION),
)
