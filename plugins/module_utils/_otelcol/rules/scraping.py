# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the prometheus receiver and the target allocator.

The expansion rules report `${1}` in relabelling; since 0.104 `$1` and `$$1` both mean `$1`.
Sources: the receiver's README, and internal/webhook/collector_webhook.go of the operator. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import Path, at, items, leaves, section
from ..needs.listeners import Part
from .annotated_scrapes import AnnotatedScrape, annotated_scrapes
from .expansion import expressions_in
from .subject import Fault, Subject, about, rules
from .workload_placement import copies_in_words

_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
# A target that differs between replicas.
_OWN = re.compile(r"NODE_NAME|NODE_IP|HOST_IP|POD_IP|POD_NAME|localhost|127\.0\.0\.1|0\.0\.0\.0|\bhashmod\b|\bSHARD\b")
_ALLOCATED = ("statefulset", "daemonset")


@about("deployment")
def duplicate_scrape(subject: Subject) -> Iterator[Fault]:
    """Yield scrape jobs that every replica of the collector runs on the same targets."""
    times, deployment = copies_in_words(subject.deployment), subject.deployment
    if not times or not deployment or deployment.target_allocator:
        return
    for part in subject.view.of("receivers", "prometheus"):
        for path, job in _jobs(part):
            if not any(_OWN.search(value) for _path, value in leaves(job) if isinstance(value, str)):
                yield Fault(
                    path,
                    f"job '{_name(job)}' scrapes all its targets from each replica, and there is {times}",
                    "Use `replicas: 1`, mode statefulset with a target allocator, or in a daemonset only targets of "
                    "the own node: `selectors: [{role: pod, field: spec.nodeName=${env:K8S_NODE_NAME}}]`.",
                )


@about(receivers=["prometheus"])
def scraped_twice(subject: Subject) -> Iterator[Fault]:
    """Yield jobs whose annotated targets another job, or another collector of the run, scrapes too."""
    earlier: list[AnnotatedScrape] = []
    for part in subject.view.of("receivers", "prometheus"):
        for scrape in annotated_scrapes(part, nodes=subject.nodes):
            twin = next((other for other in earlier if other.selection.overlaps(scrape.selection)), None)
            if twin:
                message = f"job '{scrape.job}' scrapes the same annotated targets as job '{twin.job}'"
                yield Fault(scrape.path, message, "Remove one of the two jobs, or give it other targets.")
            for name in _collectors_with(scrape, subject.scraping):
                message = f"job '{scrape.job}' and collector '{name}' scrape the same annotated targets"
                fix = "Let one of the two collectors scrape them: set `annotated_pods: false` in the other one, or "
                yield Fault(scrape.path, message, f"{fix}give it another annotation with `annotation_prefixes`.")
            earlier.append(scrape)


def _collectors_with(scrape: AnnotatedScrape, others: Iterable[AnnotatedScrape]) -> list[str]:
    """Return the other collectors that scrape the targets of a job, each once."""
    return list(dict.fromkeys(other.collector for other in others if other.selection.overlaps(scrape.selection)))


@about("deployment")
def target_allocator_mode(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators in a mode that does not support them; the operator rejects them."""
    deployment = subject.deployment
    if deployment and deployment.target_allocator and deployment.mode not in _ALLOCATED:
        yield Fault(
            (),
            f"mode {deployment.mode} cannot have a target allocator: its pods have no stable names for the allocation",
            "Use mode statefulset, or daemonset with allocation strategy per-node.",
        )


def _jobs(part: Part) -> Iterator[tuple[Path, Any]]:
    """Yield the receiver's own jobs; a target allocator already distributes its jobs."""
    if "target_allocator" in part.settings:
        return
    for index, job in enumerate(items(part.settings, "config", "scrape_configs")):
        yield (*part.path, "config", "scrape_configs", index), job


def _name(job: Any) -> str:
    return str(at(job, ("job_name",), "without a name"))


_TARGET_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
_HERE: Path = ("spec", "targetAllocator")
_RECEIVER: Path = ("receivers", "prometheus")
_JOBS: Path = (*_RECEIVER, "config", "scrape_configs")
_PER_NODE = "per-node"


@about("resource")
def target_allocator_strategy(subject: Subject) -> Iterator[Fault]:
    """Yield allocation strategies that do not match the mode: a daemonset needs per-node, other modes another."""
    allocator = _allocator(subject)
    mode = at(subject.resource, ("spec", "mode"))
    per_node = allocator.get("allocationStrategy") == _PER_NODE
    if allocator and mode == "daemonset" and not per_node:
        yield Fault(_HERE, "a daemonset allocates targets only per node", "Set `allocationStrategy: per-node`.")
    elif allocator and mode == "statefulset" and per_node:
        path = (*_HERE, "allocationStrategy")
        yield Fault(path, "a statefulset is not on every node", "Use consistent-hashing, or mode daemonset.")


@about("resource")
def target_allocator_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators without a receiver `prometheus` or without scrape configs."""
    allocator = _allocator(subject)
    if not allocator:
        return
    receiver = at(subject.config, _RECEIVER)
    if not isinstance(receiver, dict):
        named = [name for name in section(subject.config, "receivers") if str(name).startswith("prometheus/")]
        yield Fault(
            ("receivers", named[0]) if named else ("receivers",),
            "a target allocator serves only the receiver named 'prometheus', which is missing",
            f"Rename '{named[0]}'." if named else "Add receiver `prometheus`, with `config` if it has jobs of its own.",
        )
    elif _is_idle(subject, allocator, receiver):
        fix = "Add one, or read custom resources of Prometheus: `targetAllocator.prometheusCR.enabled: true`."
        yield Fault(_RECEIVER, "there is no scrape config to distribute", fix)


def _is_idle(subject: Subject, allocator: dict[str, Any], receiver: dict[str, Any]) -> bool:
    """Whether the receiver has no jobs; a receiver without `config` gets its jobs from elsewhere."""
    elsewhere = at(allocator, ("prometheusCR", "enabled")) is True or "config" not in receiver
    return not elsewhere and not items(subject.config, *map(str, _JOBS))


@about("resource")
def target_allocator_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables in scrape configs of a target allocator, which does not expand them."""
    for path, value in leaves(at(subject.config, _JOBS), _JOBS) if _allocator(subject) else ():
        found = expressions_in(value) if isinstance(value, str) else []
        if found:
            message = f"`${{{found[0]}}}` is not replaced here: the target allocator reads this, not the Collector"
            fix = "Write the value itself; with strategy per-node each collector gets the targets of its node anyway."
            yield Fault(path, message, fix)


@about("resource")
def target_allocator_certificates(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators with mTLS and user-provided certificates, of which some are missing."""
    settings = section(_allocator(subject), "mtls")
    if settings.get("enabled") is not True or settings.get("useCertManager") is not False:
        return
    for name in ("serverCertificate", "clientCertificate", "certificateAuthorityCertificate"):
        if not at(settings, ("tls", name)):
            yield Fault((*_HERE, "mtls"), f"without cert-manager it needs tls.{name}", "Name the Secret that has it.")
    authority = section(settings, "tls", "certificateAuthorityCertificate")
    if authority and ("secret" in authority) == ("configMap" in authority):
        path = (*_HERE, "mtls", "tls", "certificateAuthorityCertificate")
        yield Fault(path, "it needs either secret or configMap", "Name the object with the CA certificate.")


def _allocator(subject: Subject) -> dict[str, Any]:
    """Return the target allocator of a custom resource; empty if it is disabled."""
    allocator = section(subject.resource, *map(str, _HERE))
    return allocator if allocator.get("enabled") is True else {}


RULES = (
    *rules("warning", duplicate_scrape, scraped_twice, documentation=_ALLOCATOR),
    *rules("error", target_allocator_mode, documentation=_ALLOCATOR),
    *rules("error", target_allocator_strategy, target_allocator_receiver, documentation=_TARGET_ALLOCATOR),
    *rules("error", target_allocator_variable, target_allocator_certificates, documentation=_TARGET_ALLOCATOR),
)
