# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on scrape jobs of receiver prometheus: targets that more than one replica, job or collector scrapes.

Source: the receiver's README. Private.

target_allocators.py has the rules on target allocators, which divide targets among replicas.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.prometheus.config.scrape_configs[1]: warning [scraped-twice] job 'again' scrapes the same annotated
    targets as job 'pods'. Remove one of the two jobs, or give it other targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import Path, iter_leaves, list_at, value_at
from ..needs.started_components import StartedComponent
from .annotated_scrapes import AnnotatedScrape, find_annotated_scrapes
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .workload_placement import describe_copies

_ALLOCATOR = "https://opentelemetry.io/docs/platforms/kubernetes/operator/target-allocator/"
# Patterns of texts in a scrape job that stand for something else in each replica.
_PATTERNS_OF_REPLICA = (
    # A variable with the name or the address of its node or pod, such as ${env:K8S_NODE_NAME}.
    r"NODE_NAME|NODE_IP|HOST_IP|POD_IP|POD_NAME",
    # The replica itself. The address 10.0.0.0 also ends with the digits of 0.0.0.0, and is another one.
    r"localhost|\b127\.0\.0\.1|\b0\.0\.0\.0",
    # Its share of the targets: relabelling by `action: hashmod`, or a variable such as ${env:SHARD}.
    r"\bhashmod\b|\bSHARD\b",
)
_TEXT_OF_REPLICA = re.compile("|".join(_PATTERNS_OF_REPLICA))


@about("deployment")
def duplicate_scrape(subject: Subject) -> Iterator[Fault]:
    """Yield scrape jobs that every replica of the collector runs on the same targets."""
    copies, deployment = describe_copies(subject.deployment), subject.deployment
    if not copies or not deployment or deployment.has_target_allocator:
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
        for scrape in find_annotated_scrapes(part, nodes=subject.node_choice):
            other_scrapes = [earlier for earlier in earlier_scrapes if earlier.selection.overlaps(scrape.selection)]
            if other_scrapes:
                other_job = other_scrapes[0].job_name
                message = f"job '{scrape.job_name}' scrapes the same annotated targets as job '{other_job}'"
                yield Fault(scrape.path, message, "Remove one of the two jobs, or give it other targets.")
            for collector in _list_overlapping_collectors(scrape, subject.annotated_scrapes):
                message = f"job '{scrape.job_name}' and collector '{collector}' scrape the same annotated targets"
                fix = (
                    "Let one of the two collectors scrape them: set `annotated_pods: false` in the other one, or give "
                    "it another annotation with `annotation_prefixes`."
                )
                yield Fault(scrape.path, message, fix)
            earlier_scrapes.append(scrape)  # at the end, so that of two jobs only the later one has a fault


def _list_overlapping_collectors(scrape: AnnotatedScrape, other_scrapes: Iterable[AnnotatedScrape]) -> list[str]:
    """Return the other collectors that scrape the targets of a job, each once."""
    collectors: list[str] = []
    for other_scrape in other_scrapes:
        is_overlapping = other_scrape.selection.overlaps(scrape.selection)
        if is_overlapping and other_scrape.collector not in collectors:
            collectors.append(other_scrape.collector)
    return collectors


def _list_scrape_jobs(part: StartedComponent) -> Iterator[tuple[Path, Any]]:
    """Yield the receiver's own jobs; a target allocator already distributes its jobs."""
    if "target_allocator" in part.settings:
        return
    for index, job in enumerate(list_at(part.settings, "config", "scrape_configs")):
        yield (*part.path, "config", "scrape_configs", index), job


def _read_job_name(job: Any) -> str:
    return str(value_at(job, ("job_name",), "without a name"))


RULES = define_rules("warning", duplicate_scrape, scraped_twice, documentation=_ALLOCATOR)
