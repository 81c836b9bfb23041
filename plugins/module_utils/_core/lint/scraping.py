# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the prometheus receiver: who scrapes what.

`${1}` in relabelling is refused by the rule on expansion; `$1` stays as it is since 0.104, as `$$1` does.
Sources: the receiver's README, and internal/webhook/collector_webhook.go of the operator. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.paths import Path, at, items, leaves
from .finding import Fault, rule
from .placement import copies
from .subject import Subject
from .view import Part, view

_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
# A target that differs from copy to copy.
_OWN = re.compile(r"NODE_NAME|NODE_IP|HOST_IP|POD_IP|POD_NAME|localhost|127\.0\.0\.1|0\.0\.0\.0|\bhashmod\b|\bSHARD\b")
_ALLOCATED = ("statefulset", "daemonset")


def duplicate_scrape(subject: Subject) -> Iterator[Fault]:
    """Yield scrape jobs that every copy of the collector runs over the same targets."""
    times, deployment = copies(subject.deployment), subject.deployment
    if not times or not deployment or deployment.target_allocator:
        return
    for part in view(subject).of("receivers", "prometheus"):
        for path, job in _jobs(part):
            if not any(_OWN.search(value) for _path, value in leaves(job) if isinstance(value, str)):
                yield Fault(
                    path,
                    f"job '{_name(job)}' scrapes all its targets from each copy, and there is {times}",
                    "Use `replicas: 1`, mode statefulset with a target allocator, or in a daemonset only targets of "
                    "the own node: `selectors: [{role: pod, field: spec.nodeName=${env:K8S_NODE_NAME}}]`.",
                )


def target_allocator_mode(subject: Subject) -> Iterator[Fault]:
    """Yield target allocators for a mode that cannot have one; the operator refuses it."""
    deployment = subject.deployment
    if deployment and deployment.target_allocator and deployment.mode not in _ALLOCATED:
        yield Fault(
            (),
            f"mode {deployment.mode} cannot have a target allocator: its pods have no names to give targets to",
            "Use mode statefulset, or daemonset with allocation strategy per-node.",
        )


def _jobs(part: Part) -> Iterator[tuple[Path, Any]]:
    """Yield the jobs that a receiver has itself; those of a target allocator are shared out already."""
    if "target_allocator" in part.settings:
        return
    for index, job in enumerate(items(part.settings, "config", "scrape_configs")):
        yield (*part.path, "config", "scrape_configs", index), job


def _name(job: Any) -> str:
    return str(at(job, ("job_name",), "without a name"))


RULES = (
    rule("warning", duplicate_scrape, documentation=_ALLOCATOR),
    rule("error", target_allocator_mode, documentation=_ALLOCATOR),
)
