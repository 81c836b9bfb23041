# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the target allocator of a collector for its jobs and targets, through the API server. Private.

Source: the HTTP API of the target allocator, cmd/otel-allocator of open-telemetry/opentelemetry-operator. `/jobs` has
the path of the targets of each job in `_link`, and that path has the targets by collector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.config.masking import quoted
from ..._otelcol.config.paths import at, items, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.service_names import service_of
from ..cluster_objects import share
from .reader import ClusterReader, Notes

# At most so many jobs are asked for their targets: each is a request.
MOST_JOBS = 50


class _Proxy(NamedTuple):
    """The proxy of the API server to a Service: the name, empty for an address outside of the cluster, and the path."""

    service: str
    path: str


def allocator(reader: ClusterReader, config: Any, namespace: str, pods: int, notes: Notes) -> dict[str, Any] | None:
    """Return the jobs and targets of the target allocator that a Prometheus receiver asks; None without one."""
    endpoint = _allocator_endpoint(config)
    if not endpoint:
        return None
    try:
        return _allocated(reader, endpoint, namespace, pods, notes)
    except (AttributeError, KeyError, Problem, TypeError, ValueError):  # what it answers is the text of a pod
        notes.add("target allocator", f"{endpoint}: its address or its answer is not understood")
        return None


def _allocator_endpoint(config: Any) -> str:
    """Return the address of the target allocator in the first receiver that has one; empty without one."""
    for settings in section(config, "receivers").values():
        endpoint = at(settings, ("target_allocator", "endpoint"))
        if isinstance(endpoint, str):
            return endpoint
    return ""


def _allocated(reader: ClusterReader, endpoint: str, namespace: str, pods: int, notes: Notes) -> dict[str, Any] | None:
    """Return what the target allocator at an address says; None if it does not answer, which is noted.

    Raises AttributeError, KeyError, Problem, TypeError or ValueError for an answer of another form.
    """
    proxy = _proxy_of(endpoint, namespace)
    scrape_configs = reader.text(f"{proxy.path}/scrape_configs")
    jobs_answer = reader.text(f"{proxy.path}/jobs")
    why = scrape_configs.why or jobs_answer.why
    if why or not proxy.service:
        notes.add("target allocator", f"{endpoint}: {why or 'it is not in this cluster'}")
        return None
    jobs = json_value(jobs_answer.value)
    names = list({**json_value(scrape_configs.value), **jobs})
    targets = _targets(reader, proxy.path, names, jobs)
    shares = share(targets)
    unread = [name for name in names if name not in targets]
    if unread:
        notes.add("targets of the target allocator", _what_is_unread(unread, names))
    return {**shares, "endpoint": endpoint, "idle": [] if unread else _idle(shares, pods)}


def _proxy_of(endpoint: str, namespace: str) -> _Proxy:
    """Return how the API server reaches an address, as seen from a namespace. Raises ValueError for no address."""
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    place, service, _certain = service_of(url.hostname or "", namespace)
    scheme, usual_port = ("https:", 443) if url.scheme == "https" else ("", 80)
    port = url.port or usual_port
    return _Proxy(service, f"/api/v1/namespaces/{place}/services/{scheme}{service}:{port}/proxy")


def _what_is_unread(unread: Sequence[str], names: Sequence[str]) -> str:
    """Return how many of the jobs are not read, in words."""
    is_are = "is" if len(unread) == 1 else "are"
    return f"{len(unread)} of {len(names)} jobs {is_are} not read, such as {quoted(unread[0])}"


def _targets(
    reader: ClusterReader, root: str, names: Sequence[str], jobs: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Return the number of targets of each job by collector, without the jobs that cannot be read.

    At most MOST_JOBS jobs are asked for. A job that the allocator has not read yet has no target.
    """
    links = [(name, jobs[name]["_link"]) for name in names if name in jobs][:MOST_JOBS]
    answers = reader.cluster.parallel(lambda link: reader.text(f"{root}{link[1]}"), links)
    targets: dict[str, dict[str, int]] = {name: {} for name in names if name not in jobs}
    for (name, _link), answer in zip(links, answers, strict=True):
        if not answer.why:
            by_collector = json_value(answer.value or "{}")
            targets[name] = {key: _count(value) for key, value in by_collector.items()}
    return targets


def _idle(shares: Mapping[str, Any], pods: int) -> list[str]:
    """Return the collectors without a target; none while there are fewer targets than pods."""
    if sum(row["targets"] for row in shares["jobs"]) < pods:
        return []
    return [row["name"] for row in shares["collectors"] if not row["targets"]]


def _count(value: Any) -> int:
    """Return how many targets a collector has, by the answer of the target allocator."""
    return sum(len(items(target, "targets")) for target in items(value, "targets"))
