# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the target allocator of a collector which targets it has given to which collector, through the API server.

The target allocator of the operator distributes the targets of a Prometheus receiver among the pods of a collector. If
it gives a pod none, that pod collects nothing, and nothing else tells. `diagnosed_collector.py` calls `read_allocator`,
which returns for example

    {"endpoint": "http://prom-targetallocator", "jobs": [{"name": "kubelets", "targets": 12}],
     "collectors": [{"name": "prom-collector-0", "targets": 12}, {"name": "prom-collector-1", "targets": 0}],
     "idle": ["prom-collector-1"]}

Private.

Source: the HTTP API of the target allocator, cmd/otel-allocator of open-telemetry/opentelemetry-operator. `/jobs` has
the path of the targets of each job in `_link`, and that path has the targets by collector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import list_at, mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.service_names import resolve_service
from ..allocation import Allocation, summarize_allocation
from .reader import ClusterReader, Notes

# At most so many jobs are asked for their targets: each is a request.
MOST_JOBS = 50


class AllocatorRow(Allocation):
    """What a target allocator has given to the pods of a collector."""

    endpoint: str
    idle: list[str]
    """The pods without a target, if there are enough targets for all pods."""


class _ReadJobs(NamedTuple):
    """The answers of a target allocator about its jobs."""

    job_names: list[str]
    """All jobs that it has."""
    targets_by_job: dict[str, dict[str, int]]
    """For each job that was read, the number of its targets by collector."""


class _JobLink(NamedTuple):
    """A job, and where the target allocator has its targets: `/jobs/kubelets/targets`."""

    job_name: str
    path: str


def read_allocator(
    reader: ClusterReader, config: Any, namespace: str, pod_count: int, notes: Notes
) -> AllocatorRow | None:
    """Return the jobs and targets of the target allocator that a Prometheus receiver asks; None without one.

    It is None too if the target allocator cannot be asked, or is not understood. `notes` says so.
    """
    endpoint = _allocator_endpoint(config)
    if not endpoint:
        return None
    try:
        read_jobs = _read_jobs(reader, endpoint, namespace, notes)
    except (AttributeError, KeyError, Problem, TypeError, ValueError):  # a pod may answer anything
        notes.note_unseen("target allocator", f"{endpoint}: its address or its answer is not understood")
        return None
    return _build_row(endpoint, read_jobs, pod_count, notes) if read_jobs else None


def _allocator_endpoint(config: Any) -> str:
    """Return the address of the target allocator in the first receiver that has one; empty without one."""
    for settings in mapping_at(config, "receivers").values():
        endpoint = value_at(settings, ("target_allocator", "endpoint"))
        if isinstance(endpoint, str):
            return endpoint
    return ""


def _read_jobs(reader: ClusterReader, endpoint: str, namespace: str, notes: Notes) -> _ReadJobs | None:
    """Return what the target allocator at an address says of its jobs; None if it cannot be asked, which is noted.

    Raises AttributeError, KeyError, Problem, TypeError or ValueError for an answer of another form.
    """
    proxy_path = _find_proxy_path(endpoint, namespace)
    if proxy_path is None:
        notes.note_unseen("target allocator", f"{endpoint}: it is not in this cluster")
        return None
    scrape_configs = reader.read_answer_text(f"{proxy_path}/scrape_configs")
    jobs_answer = reader.read_answer_text(f"{proxy_path}/jobs")
    failure_reason = scrape_configs.unread_reason or jobs_answer.unread_reason
    if failure_reason:
        notes.note_unseen("target allocator", f"{endpoint}: {failure_reason}")
        return None
    jobs = parse_json(jobs_answer.value)
    job_names = list({**parse_json(scrape_configs.value), **jobs})
    return _ReadJobs(job_names, _count_targets(reader, proxy_path, job_names, jobs))


def _find_proxy_path(endpoint: str, namespace: str) -> str | None:
    """Return the path at the API server that leads to an address, as a pod of a namespace means it.

    None for an address outside of the cluster. Raises ValueError for no address.
    """
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    service = resolve_service(url.hostname or "", namespace)
    if not service.name:
        return None
    scheme, default_port = ("https:", 443) if url.scheme == "https" else ("", 80)
    port = url.port or default_port
    return f"/api/v1/namespaces/{service.namespace}/services/{scheme}{service.name}:{port}/proxy"


def _count_targets(
    reader: ClusterReader, proxy_path: str, job_names: Sequence[str], jobs: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Return the number of targets of each job by collector, without the jobs that cannot be read.

    At most MOST_JOBS jobs are asked for. A job that the allocator has not read yet has no target.
    """
    links = [_JobLink(name, jobs[name]["_link"]) for name in job_names if name in jobs][:MOST_JOBS]
    answers = reader.cluster.call_in_parallel(lambda link: reader.read_answer_text(f"{proxy_path}{link.path}"), links)
    targets_by_job: dict[str, dict[str, int]] = {name: {} for name in job_names if name not in jobs}
    for link, answer in zip(links, answers, strict=True):
        if not answer.unread_reason:
            answer_by_collector = parse_json(answer.value or "{}")  # an empty answer has no collectors
            targets_by_job[link.job_name] = {
                collector: _count_collector_targets(value) for collector, value in answer_by_collector.items()
            }
    return targets_by_job


def _count_collector_targets(value: Any) -> int:
    """Return how many targets a collector has, by the answer of the target allocator."""
    return sum(len(list_at(target, "targets")) for target in list_at(value, "targets"))


def _build_row(endpoint: str, read_jobs: _ReadJobs, pod_count: int, notes: Notes) -> AllocatorRow:
    """Return the row of a target allocator. Jobs that were not read are noted."""
    job_names, targets_by_job = read_jobs
    allocation = summarize_allocation(targets_by_job)
    unread_jobs = [name for name in job_names if name not in targets_by_job]
    if unread_jobs:
        notes.note_unseen("targets of the target allocator", _describe_unread_jobs(unread_jobs, job_names))
    return {
        **allocation,
        "endpoint": endpoint,
        # A collector may have targets of the jobs that are not read.
        "idle": [] if unread_jobs else _list_idle_collectors(allocation, pod_count),
    }


def _describe_unread_jobs(unread_jobs: Sequence[str], job_names: Sequence[str]) -> str:
    """Return how many of the jobs are not read, in words."""
    is_are = "is" if len(unread_jobs) == 1 else "are"
    return f"{len(unread_jobs)} of {len(job_names)} jobs {is_are} not read, such as {mask_and_clean(unread_jobs[0])}"


def _list_idle_collectors(allocation: Allocation, pod_count: int) -> list[str]:
    """Return the collectors without a target; none if there are fewer targets than pods.

    Then some pods rightly have no target.
    """
    if sum(row["targets"] for row in allocation["jobs"]) < pod_count:
        return []
    return [row["name"] for row in allocation["collectors"] if not row["targets"]]
