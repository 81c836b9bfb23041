# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on target allocators of custom resources: what the operator refuses, and what an allocator cannot do.

Source: validateTargetAllocatorConfig in the operator's internal/webhook, ValidateTAMTLS in
internal/manifests/manifestutils, and internal/manifests/targetallocator/adapters. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import Path, at, items, leaves, section
from .expansion import locations
from .finding import Fault, rule
from .subject import Subject

_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
_HERE: Path = ("spec", "targetAllocator")
_RECEIVER: Path = ("receivers", "prometheus")
_JOBS: Path = (*_RECEIVER, "config", "scrape_configs")
_PER_NODE = "per-node"


def target_allocator_strategy(subject: Subject) -> Iterator[Fault]:
    """Yield strategies of target allocators that do not go with the mode: per node where there is one on each node."""
    allocator = _allocator(subject)
    mode = at(subject.resource, ("spec", "mode"))
    per_node = allocator.get("allocationStrategy") == _PER_NODE
    if allocator and mode == "daemonset" and not per_node:
        yield Fault(_HERE, "a daemonset shares out targets by node alone", "Set `allocationStrategy: per-node`.")
    elif allocator and mode == "statefulset" and per_node:
        path = (*_HERE, "allocationStrategy")
        yield Fault(path, "a statefulset is not on every node", "Use consistent-hashing, or mode daemonset.")


def target_allocator_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators without a receiver `prometheus`, or with nothing to share out."""
    allocator = _allocator(subject)
    if not allocator:
        return
    receiver = at(subject.config, _RECEIVER)
    if not isinstance(receiver, dict):
        named = [name for name in section(subject.config, "receivers") if str(name).startswith("prometheus/")]
        yield Fault(
            ("receivers", named[0]) if named else ("receivers",),
            "a target allocator serves the receiver that is named exactly 'prometheus', and there is none",
            f"Rename '{named[0]}'." if named else "Add receiver `prometheus`, with `config` if it has jobs of its own.",
        )
    elif _is_idle(subject, allocator, receiver):
        yield Fault(
            _RECEIVER,
            "there is no scrape config to share out",
            "Add one, or read custom resources of Prometheus: `targetAllocator.prometheusCR.enabled: true`.",
        )


def _is_idle(subject: Subject, allocator: dict[str, Any], receiver: dict[str, Any]) -> bool:
    """Whether it has nothing to share out; a receiver without `config` says that jobs come from somewhere else."""
    elsewhere = at(allocator, ("prometheusCR", "enabled")) is True or "config" not in receiver
    return not elsewhere and not items(subject.config, *map(str, _JOBS))


def target_allocator_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables in scrape configs that a target allocator is given: it takes them as they stand."""
    for path, value in leaves(at(subject.config, _JOBS), _JOBS) if _allocator(subject) else ():
        found = locations(value) if isinstance(value, str) else []
        if found:
            yield Fault(
                path,
                f"`${{{found[0]}}}` is not replaced here: the target allocator reads this, not the Collector",
                "Write the value itself; with strategy per-node each collector gets the targets of its node anyway.",
            )


def target_allocator_certificates(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators with mTLS by certificates of the user's own, of which some are not named."""
    settings = section(_allocator(subject), "mtls")
    if settings.get("enabled") is not True or settings.get("useCertManager") is not False:
        return
    for name in ("serverCertificate", "clientCertificate", "certificateAuthorityCertificate"):
        if not at(settings, ("tls", name)):
            yield Fault((*_HERE, "mtls"), f"without cert-manager it needs tls.{name}", "Name the Secret that has it.")
    authority = section(settings, "tls", "certificateAuthorityCertificate")
    if authority and ("secret" in authority) == ("configMap" in authority):
        path = (*_HERE, "mtls", "tls", "certificateAuthorityCertificate")
        yield Fault(path, "it needs one of secret and configMap", "Name where the CA certificate is.")


def _allocator(subject: Subject) -> dict[str, Any]:
    """Return the allocator of a custom resource; one that is off is none."""
    allocator = section(subject.resource, *map(str, _HERE))
    return allocator if allocator.get("enabled") is True else {}


RULES = (
    rule("error", target_allocator_strategy, documentation=_ALLOCATOR),
    rule("error", target_allocator_receiver, documentation=_ALLOCATOR),
    rule("error", target_allocator_variable, documentation=_ALLOCATOR),
    rule("error", target_allocator_certificates, documentation=_ALLOCATOR),
)
