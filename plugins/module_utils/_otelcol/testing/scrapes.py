# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A prometheus receiver that scrapes pages of a test: its jobs keep their labels, relabelling and limits.

A job is one of the receiver's `scrape_configs`. A page is a text with metrics that the test serves, and that a job
scrapes. replaced_ends.py puts the receiver into the config of a test, and run_case.py in plugin_utils serves the pages.
An example: for `given: {pages: {shop: "up_time 3"}}`, the job `shop` with the target `shop:8080` becomes ::

    job_name: shop
    static_configs: [{targets: ["shop:8080"], labels: {}}]
    relabel_configs: [the user's, then those that send the request to 127.0.0.1:1234/pages/0]
    scrape_interval: 10s

Sources: receiver/prometheusreceiver of contrib from 0.155, where a receiver can scrape when it stops; the type
`ScrapeConfig` of Prometheus 3. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..config.paths import mapping_at, mappings_at, value_at
from ..errors import Problem, suggest_word
from ..traits import kind_of

OWN_METRICS = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What each scrape says of itself: a test compares these metrics only if it names them."""
PAGE_PATH = "/pages/"
_RECEIVER_KIND = "prometheus"
# What a job asks or sends beside the page itself: other machines, files and credentials.
_DISCOVERY_SUFFIX = "_sd_configs"
_KEYS_REACHING_OUT = (
    "authorization", "basic_auth", "bearer_token", "bearer_token_file", "http_headers", "no_proxy", "oauth2",
    "proxy_connect_header", "proxy_from_environment", "proxy_url", "query_log_file", "scrape_failure_log_file",
    "sigv4", "tls_config",
)  # fmt: skip
_ADDRESS_LABEL = "__address__"
_UNNAMED_ADDRESS = "target:80"
# When the first scrape is: never before the receiver stops, or at once.
_ONLY_AT_THE_STOP = "1h"
_AT_ONCE = "0s"
# The interval of a receiver that scrapes only when it stops.
_USUAL_SECONDS = 10
SECONDS_BETWEEN_SCRAPES = 2
"""Seconds between scrapes, in which the Collector must hear that it shall stop."""


@dataclass(frozen=True)
class ScrapedPage:
    """What one job gets."""

    receiver: str
    """The receiver that has the job."""
    job_name: str
    path: str
    """The path of the page at the server of the test, such as `/pages/0`."""
    texts: tuple[str, ...]
    """The texts of the page, one for each scrape."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels that a discovery would give its target."""


class _Job(NamedTuple):
    """A job by its name, and the receiver that has it."""

    receiver: str
    name: str


def read_scraped_pages(
    receivers: Mapping[str, Any], given_parts: Sequence[Mapping[str, Any]], where: str
) -> list[ScrapedPage]:
    """Return the pages of a test for receivers with their settings.

    Raises Problem for a job that none of them has, or several, and for a page that is none.
    """
    texts_by_job: dict[_Job, list[str]] = {}
    labels_by_job: dict[_Job, dict[str, str]] = {}
    for given_part in given_parts:
        named_receiver = str(given_part.get("to") or "")
        for job_name, text in _list_texts_of_jobs(given_part, where):
            job = _find_job(receivers, job_name, named_receiver, where)
            texts_by_job.setdefault(job, []).append(text)
        for job_name, labels in _list_labels_of_jobs(given_part, where):
            job = _find_job(receivers, job_name, named_receiver, where)
            labels_by_job.setdefault(job, {}).update(labels)
    for job in labels_by_job:
        if job not in texts_by_job:
            raise Problem(f"job '{job.name}' has a target and no page", where=where, fix="Give its page with `pages`.")
    pages = []
    for page_number, (job, texts) in enumerate(texts_by_job.items()):
        path = f"{PAGE_PATH}{page_number}"
        pages.append(ScrapedPage(job.receiver, job.name, path, tuple(texts), labels_by_job.get(job, {})))
    return pages


def _list_texts_of_jobs(given_part: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each job in a part of `given`, with its page. Raises Problem for a page that is no text."""
    for job, text in (given_part.get("pages") or {}).items():
        if not isinstance(text, str):
            fix = "Write `JOB: |`, and the page below it."
            raise Problem(f"the page of job '{job}' is not a text", where=where, fix=fix)
        yield str(job), text


def _list_labels_of_jobs(given_part: Mapping[str, Any], where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of each job in a part of `given`, with the labels of its target. Raises Problem."""
    for job, labels in (given_part.get("targets") or {}).items():
        if not isinstance(labels, Mapping):
            fix = "Write `JOB: {LABEL: VALUE}`."
            raise Problem(f"the target of job '{job}' is not a mapping", where=where, fix=fix)
        yield str(job), {str(name): str(value) for name, value in labels.items()}


def _find_job(receivers: Mapping[str, Any], job_name: str, named_receiver: str, where: str) -> _Job:
    """Return the job of a name, in the receiver `named_receiver` if one is named.

    Raises Problem if none or several have it.
    """
    known_jobs = list(_list_known_jobs(receivers, named_receiver))
    able_receivers = list(dict.fromkeys(job.receiver for job in known_jobs if job.name == job_name))
    if not able_receivers:
        known_names = [job.name for job in known_jobs]
        problem = f"no prometheus receiver has the job '{job_name}'{suggest_word(job_name, known_names)}"
        raise Problem(problem, where=where, fix=f"Jobs of prometheus receivers: {', '.join(known_names) or 'none'}.")
    if len(able_receivers) > 1:
        problem = f"several receivers have the job '{job_name}': {', '.join(able_receivers)}"
        raise Problem(problem, where=where, fix="Name one with `to`.")
    return _Job(able_receivers[0], job_name)


def _list_known_jobs(receivers: Mapping[str, Any], named_receiver: str) -> Iterator[_Job]:
    """Yield the jobs of prometheus receivers, or of the receiver `named_receiver` if one is named."""
    for receiver, settings in receivers.items():
        if kind_of(receiver) == _RECEIVER_KIND and named_receiver in ("", receiver):
            for job in _list_jobs(settings):
                yield _Job(receiver, str(job.get("job_name")))


def _list_jobs(settings: Any) -> list[dict[str, Any]]:
    """Return the jobs of a receiver."""
    return mappings_at(settings, "config", "scrape_configs")


class ScrapingReceiver(NamedTuple):
    """The settings of a receiver that scrapes the pages of a test, and what differs from the user's."""

    settings: dict[str, Any]
    changes: list[str]


def build_scraping_receiver(
    settings: Mapping[str, Any], own_pages: Iterable[ScrapedPage], sink: str, api_port: int, pace: int
) -> ScrapingReceiver:
    """Return a receiver that scrapes its own pages at the sink, which is the URL of the test's server.

    `api_port` is the port on which it says which targets it has. `pace` has the seconds between scrapes; 0 if one at
    its stop is enough. Raises Problem if a job cannot be changed.
    """
    seconds = pace or _USUAL_SECONDS
    jobs, changes = _build_scraping_jobs(settings, own_pages, urlsplit(sink).netloc, seconds)
    if isinstance(value_at(settings, ("config", "global")), str):
        changes.append("global: left out, for nobody knows what is in its expression")
    changes.append("scrapes when it stops; no target allocator")
    kept_settings = {key: value for key, value in settings.items() if key not in ("config", "target_allocator")}
    receiver_settings = {
        **kept_settings,
        "config": {**_keep_global_settings(settings), "scrape_configs": jobs},
        "api_server": {"enabled": True, "server_config": {"endpoint": f"127.0.0.1:{api_port}"}},
        "discovery_reload_on_startup": True,
        "initial_scrape_offset": _AT_ONCE if pace else _ONLY_AT_THE_STOP,
        "scrape_on_shutdown": True,
    }
    return ScrapingReceiver(receiver_settings, changes)


class _ScrapingJobs(NamedTuple):
    """The jobs of a receiver in a test, and a line for each job of the user."""

    jobs: list[dict[str, Any]]
    changes: list[str]


def _build_scraping_jobs(
    settings: Mapping[str, Any], own_pages: Iterable[ScrapedPage], host: str, seconds: int
) -> _ScrapingJobs:
    """Return the jobs of a receiver that have a page, as they scrape it at the test's host."""
    pages_by_job = {page.job_name: page for page in own_pages}
    scraping = _ScrapingJobs([], [])
    for job in _list_jobs(settings):
        job_name = str(job.get("job_name"))
        if job_name not in pages_by_job:
            scraping.changes.append(f"job {job_name}: left out, the test gives no page")
            continue
        left_out_keys = sorted(key for key in job if key.endswith(_DISCOVERY_SUFFIX) or key in _KEYS_REACHING_OUT)
        left_out_note = f"; without {', '.join(left_out_keys)}" if left_out_keys else ""
        scraping.changes.append(f"job {job_name}: one target, on loopback, every {seconds}s{left_out_note}")
        scraping.jobs.append(_build_scraping_job(job, left_out_keys, pages_by_job[job_name], host, f"{seconds}s"))
    return scraping


def _keep_global_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `global` without what only says how a target is reached; nothing of an expression."""
    global_settings = mapping_at(settings, "config", "global")
    shared_settings = {key: value for key, value in global_settings.items() if key not in _KEYS_REACHING_OUT}
    return {"global": shared_settings} if shared_settings else {}


def _build_scraping_job(
    user_job: Mapping[str, Any], left_out_keys: Sequence[str], page: ScrapedPage, host: str, pace: str
) -> dict[str, Any]:
    """Return a job of the user that scrapes a page at the test's host, every `pace`, without some of its settings.

    Raises Problem if its relabelling is no list, to which the test could add.
    """
    user_relabelling = user_job.get("relabel_configs") or []
    if not isinstance(user_relabelling, list):
        problem = f"`relabel_configs` of job '{page.job_name}' is no list, and a test adds to it"
        raise Problem(problem, fix="Write its rules in the config.")
    target = next(_list_first_targets(user_job), _StaticTarget(_UNNAMED_ADDRESS, {}))
    discovered_labels = {name: value.replace("$", "$$") for name, value in page.labels.items()}
    labels = {**target.labels, **discovered_labels}
    address = labels.pop(_ADDRESS_LABEL, target.address)
    kept_settings = {key: value for key, value in user_job.items() if key not in left_out_keys}
    return {
        **kept_settings,
        "static_configs": [{"targets": [address], "labels": labels}],
        "relabel_configs": [*user_relabelling, *_build_test_relabelling(host, page.path)],
        "scrape_interval": pace,
        "scrape_timeout": pace,
    }


def _build_test_relabelling(host: str, path: str) -> list[dict[str, Any]]:
    """Return the rules that send the request of a job to the test. The names stay those of the user's target.

    The first keeps the user's address as `instance`, if no rule of the user has set this label.
    """
    return [
        {
            "source_labels": ["instance", _ADDRESS_LABEL],
            "regex": ";(.+)",
            "target_label": "instance",
            "replacement": "$$1",
        },
        {"target_label": _ADDRESS_LABEL, "replacement": host},
        {"target_label": "__scheme__", "replacement": "http"},
        {"target_label": "__metrics_path__", "replacement": path},
    ]


class _StaticTarget(NamedTuple):
    """A target that a job names itself."""

    address: str
    labels: Mapping[str, str]


def _list_first_targets(job: Mapping[str, Any]) -> Iterator[_StaticTarget]:
    """Yield the first target of each group of a job; one in an expression has no name."""
    for target_group in mappings_at(job, "static_configs"):
        targets = target_group.get("targets")
        if targets:
            address = targets[0] if isinstance(targets, list) else _UNNAMED_ADDRESS
            yield _StaticTarget(address, mapping_at(target_group, "labels"))
