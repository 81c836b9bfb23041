# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the prometheus receiver and the target allocator.

The expansion rules report `${1}` in relabelling; since 0.104 `$1` and `$$1` both mean `$1`.
Sources: the receiver's README, and internal/webhook/collector_webhook.go of the operator. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.prometheus.config.scrape_configs[1]: warning [scraped-twice] job 'again' scrapes the same annotated
    targets as job 'pods'. Remove one of the two jobs, or give it other targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import Path, iter_leaves, list_at, mapping_at, value_at
from ..needs.listeners import StartedComponent
from .annotated_scrapes import AnnotatedScrape, find_annotated_scrapes
from .expansion import find_expressions
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .workload_placement import describe_copies

_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
# A text in a scrape job that stands for something else in each replica.
_TEXT_OF_REPLICA = re.compile(
    r"NODE_NAME|NODE_IP|HOST_IP|POD_IP|POD_NAME|localhost|127\.0\.0\.1|0\.0\.0\.0|\bhashmod\b|\bSHARD\b"
)
_MODES_WITH_ALLOCATOR = ("statefulset", "daemonset")


@about("deployment")
def duplicate_scrape(subject: Subject) -> Iterator[Fault]:
    """Yield scrape jobs that every replica of the collector runs on the same targets."""
    copies, deployment = describe_copies(subject.deployment), subject.deployment
    if not copies or not deployment or deployment.target_allocator:
        return
    for part in subject.view.find_parts("receivers", "prometheus"):
        for path, job in _list_scrape_jobs(part):
            if not _differs_between_replicas(job):
                yield Fault(
                    path,
                    f"job '{_read_job_name(job)}' scrapes all its targets from each replica, and there is {copies}",
                    "Use `replicas: 1`, mode statefulset with a target allocator, or in a daemonset only targets of "
                    "the own node: `selectors: [{role: pod, field: spec.nodeName=${env:K8S_NODE_NAME}}]`.",
                )


def _differs_between_replicas(job: Any) -> bool:
    """Whether a text of a scrape job, such as the name of the node, gives each replica other targets."""
    texts = [value for _path, value in iter_leaves(job) if isinstance(value, str)]
    return any(_TEXT_OF_REPLICA.search(text) for text in texts)


@about(receivers=["prometheus"])
def scraped_twice(subject: Subject) -> Iterator[Fault]:
    """Yield jobs whose annotated targets another job, or another collector of the run, scrapes too."""
    earlier_scrapes: list[AnnotatedScrape] = []
    for part in subject.view.find_parts("receivers", "prometheus"):
        for scrape in find_annotated_scrapes(part, nodes=subject.nodes):
            other_scrapes = [earlier for earlier in earlier_scrapes if earlier.selection.overlaps(scrape.selection)]
            if other_scrapes:
                other_job = other_scrapes[0].job_name
                message = f"job '{scrape.job_name}' scrapes the same annotated targets as job '{other_job}'"
                yield Fault(scrape.path, message, "Remove one of the two jobs, or give it other targets.")
            for collector in _list_overlapping_collectors(scrape, subject.scraping):
                message = f"job '{scrape.job_name}' and collector '{collector}' scrape the same annotated targets"
                fix = (
                    "Let one of the two collectors scrape them: set `annotated_pods: false` in the other one, or give "
                    "it another annotation with `annotation_prefixes`."
                )
                yield Fault(scrape.path, message, fix)
            earlier_scrapes.append(scrape)


def _list_overlapping_collectors(scrape: AnnotatedScrape, other_scrapes: Iterable[AnnotatedScrape]) -> list[str]:
    """Return the other collectors that scrape the targets of a job, each once."""
    collectors: list[str] = []
    for other_scrape in other_scrapes:
        is_overlapping = other_scrape.selection.overlaps(scrape.selection)
        if is_overlapping and other_scrape.collector not in collectors:
            collectors.append(other_scrape.collector)
    return collectors


@about("deployment")
def target_allocator_mode(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators in a mode that does not support them; the operator rejects them."""
    deployment = subject.deployment
    if deployment and deployment.target_allocator and deployment.mode not in _MODES_WITH_ALLOCATOR:
        yield Fault(
            (),
            f"mode {deployment.mode} cannot have a target allocator: its pods have no stable names for the allocation",
            "Use mode statefulset, or daemonset with allocation strategy per-node.",
        )


def _list_scrape_jobs(part: StartedComponent) -> Iterator[tuple[Path, Any]]:
    """Yield the receiver's own jobs; a target allocator already distributes its jobs."""
    if "target_allocator" in part.settings:
        return
    for index, job in enumerate(list_at(part.settings, "config", "scrape_configs")):
        yield (*part.path, "config", "scrape_configs", index), job


def _read_job_name(job: Any) -> str:
    return str(value_at(job, ("job_name",), "without a name"))


_TARGET_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
_ALLOCATOR_PATH: Path = ("spec", "targetAllocator")
_RECEIVER: Path = ("receivers", "prometheus")
_JOBS: Path = (*_RECEIVER, "config", "scrape_configs")
_PER_NODE = "per-node"


@about("resource")
def target_allocator_strategy(subject: Subject) -> Iterator[Fault]:
    """Yield allocation strategies that do not match the mode: a daemonset needs per-node, other modes another."""
    allocator = _read_target_allocator(subject)
    mode = value_at(subject.resource, ("spec", "mode"))
    is_per_node = allocator.get("allocationStrategy") == _PER_NODE
    if allocator and mode == "daemonset" and not is_per_node:
        yield Fault(
            _ALLOCATOR_PATH, "a daemonset allocates targets only per node", "Set `allocationStrategy: per-node`."
        )
    elif allocator and mode == "statefulset" and is_per_node:
        path = (*_ALLOCATOR_PATH, "allocationStrategy")
        yield Fault(path, "a statefulset is not on every node", "Use consistent-hashing, or mode daemonset.")


@about("resource")
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


@about("resource")
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


@about("resource")
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
    if authority and ("secret" in authority) == ("configMap" in authority):
        path = (*_ALLOCATOR_PATH, "mtls", "tls", "certificateAuthorityCertificate")
        yield Fault(path, "it needs either secret or configMap", "Name the object with the CA certificate.")


def _read_target_allocator(subject: Subject) -> dict[str, Any]:
    """Return the target allocator of a custom resource; empty if it is disabled."""
    allocator = mapping_at(subject.resource, *map(str, _ALLOCATOR_PATH))
    return allocator if allocator.get("enabled") is True else {}


RULES = (
    *define_rules("warning", duplicate_scrape, scraped_twice, documentation=_ALLOCATOR),
    *define_rules("error", target_allocator_mode, documentation=_ALLOCATOR),
    *define_rules("error", target_allocator_strategy, target_allocator_receiver, documentation=_TARGET_ALLOCATOR),
    *define_rules("error", target_allocator_variable, target_allocator_certificates, documentation=_TARGET_ALLOCATOR),
)
