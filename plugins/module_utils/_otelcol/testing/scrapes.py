# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A prometheus receiver that scrapes pages of a test: its jobs keep their labels, relabelling and limits.

Sources: receiver/prometheusreceiver of contrib from 0.155, where a receiver can scrape when it stops; the type
`ScrapeConfig` of Prometheus 3. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..config.paths import at, mappings
from ..errors import Problem, near
from ..traits import kind_of

OWN = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What each scrape says of itself: a test compares these metrics only if it names them."""
PATH = "/pages/"
_KIND = "prometheus"
# What a job asks or sends beside the page itself: other machines, files and credentials.
_DISCOVERS = "_sd_configs"
_REACHES = (
    "authorization", "basic_auth", "bearer_token", "bearer_token_file", "http_headers", "no_proxy", "oauth2",
    "proxy_connect_header", "proxy_from_environment", "proxy_url", "query_log_file", "scrape_failure_log_file",
    "sigv4", "tls_config",
)  # fmt: skip
_ADDRESS = "__address__"
_UNNAMED = "target:80"
# When the first scrape is: never before the receiver stops, or at once.
_ONLY_AT_THE_STOP, _AT_ONCE = "1h", "0s"
_USUAL_PACE = 10
PACE = 2
"""Seconds between scrapes, in which the Collector must hear that it shall stop."""


@dataclass(frozen=True)
class Page:
    """What one job gets, scrape after scrape, and the labels that a discovery would give its target."""

    receiver: str
    job: str
    path: str
    texts: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


class _Job(NamedTuple):
    """A job by its name, and the receiver that has it."""

    receiver: str
    name: str


def scraped_pages(receivers: Mapping[str, Any], given: Sequence[Mapping[str, Any]], where: str) -> list[Page]:
    """Return the pages of a test for receivers with their settings.

    Raises Problem for a job that none of them has, or several, and for a page that is none.
    """
    texts: dict[_Job, list[str]] = {}
    labels: dict[_Job, dict[str, str]] = {}
    for part in given:
        to = str(part.get("to") or "")
        for name, text in _texts_of_jobs(part, where):
            texts.setdefault(_job_of(receivers, name, to, where), []).append(text)
        for name, labels_of_target in _labels_of_jobs(part, where):
            labels.setdefault(_job_of(receivers, name, to, where), {}).update(labels_of_target)
    for job in labels:
        if job not in texts:
            raise Problem(f"job '{job.name}' has a target and no page", where=where, fix="Give its page with `pages`.")
    pages = []
    for number, (job, texts_of_job) in enumerate(texts.items()):
        pages.append(Page(job.receiver, job.name, f"{PATH}{number}", tuple(texts_of_job), labels.get(job, {})))
    return pages


def _texts_of_jobs(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Yield the jobs of a part of `given`, each with its page. Raises Problem for a page that is no text."""
    for job, text in (part.get("pages") or {}).items():
        if not isinstance(text, str):
            fix = "Write `JOB: |`, and the page below it."
            raise Problem(f"the page of job '{job}' is not a text", where=where, fix=fix)
        yield str(job), text


def _labels_of_jobs(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the jobs of a part of `given`, each with the labels of its target. Raises Problem."""
    for job, labels in (part.get("targets") or {}).items():
        if not isinstance(labels, Mapping):
            fix = "Write `JOB: {LABEL: VALUE}`."
            raise Problem(f"the target of job '{job}' is not a mapping", where=where, fix=fix)
        yield str(job), {str(name): str(value) for name, value in labels.items()}


def _job_of(receivers: Mapping[str, Any], name: str, to: str, where: str) -> _Job:
    """Return the job of a name, in the receiver `to` if one is named. Raises Problem if none or several have it."""
    names_of: dict[str, list[str]] = {}
    for receiver, settings in receivers.items():
        if kind_of(receiver) == _KIND and to in ("", receiver):
            names_of[receiver] = [str(job.get("job_name")) for job in _jobs(settings)]
    able = [receiver for receiver, names in names_of.items() if name in names]
    if len(able) == 1:
        return _Job(able[0], name)
    if able:
        wrong = f"several receivers have the job '{name}': {', '.join(able)}"
        raise Problem(wrong, where=where, fix="Name one with `to`.")
    known_names = [known for names in names_of.values() for known in names]
    fix = f"Jobs of prometheus receivers: {', '.join(known_names) or 'none'}."
    raise Problem(f"no prometheus receiver has the job '{name}'{near(name, known_names)}", where=where, fix=fix)


def _jobs(settings: Any) -> list[dict[str, Any]]:
    """Return the jobs of a receiver."""
    return mappings(settings, "config", "scrape_configs")


class ScrapingReceiver(NamedTuple):
    """The settings of a receiver that scrapes the pages of a test, and what differs from the user's."""

    settings: dict[str, Any]
    changes: list[str]


def scraping_receiver(
    settings: Mapping[str, Any], own: Iterable[Page], sink: str, api: int, pace: int
) -> ScrapingReceiver:
    """Return a receiver that scrapes its own pages.

    `api` is the port on which it says which targets it has. `pace` has the
    seconds between scrapes; 0 if one at its stop is enough.
    """
    pages_by_job = {page.job: page for page in own}
    seconds = pace or _USUAL_PACE
    jobs, changes = [], []
    for job in _jobs(settings):
        name = str(job.get("job_name"))
        if name not in pages_by_job:
            changes.append(f"job {name}: left out, the test gives no page")
            continue
        left_out = sorted(key for key in job if key.endswith(_DISCOVERS) or key in _REACHES)
        without = f"; without {', '.join(left_out)}" if left_out else ""
        changes.append(f"job {name}: one target, on loopback, every {seconds}s{without}")
        jobs.append(_scraping_job(job, left_out, pages_by_job[name], urlsplit(sink).netloc, f"{seconds}s"))
    changes.append("scrapes when it stops; no target allocator")
    kept = {key: value for key, value in settings.items() if key not in ("config", "target_allocator")}
    result = {
        **kept,
        "config": {**_shared_settings(settings), "scrape_configs": jobs},
        "api_server": {"enabled": True, "server_config": {"endpoint": f"127.0.0.1:{api}"}},
        "discovery_reload_on_startup": True,
        "initial_scrape_offset": _AT_ONCE if pace else _ONLY_AT_THE_STOP,
        "scrape_on_shutdown": True,
    }
    return ScrapingReceiver(result, changes)


def _shared_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `global` without what only says how a target is reached."""
    given = at(settings, ("config", "global"), None) or {}
    shared = {key: value for key, value in given.items() if key not in _REACHES}
    return {"global": shared} if shared else {}


def _scraping_job(
    given: Mapping[str, Any], left_out: Sequence[str], page: Page, host: str, pace: str
) -> dict[str, Any]:
    """Return a job of the user that scrapes a page at the test's host, every `pace`, without some of its settings."""
    target = next(_targets(given), _Target(_UNNAMED, {}))
    of_discovery = {name: value.replace("$", "$$") for name, value in page.labels.items()}
    labels = {**target.labels, **of_discovery}
    address = labels.pop(_ADDRESS, target.address)
    # The names stay those of the user's target: only the request goes to the test.
    to_the_test = [
        {"source_labels": ["instance", _ADDRESS], "regex": ";(.+)", "target_label": "instance", "replacement": "$$1"},
        {"target_label": _ADDRESS, "replacement": host},
        {"target_label": "__scheme__", "replacement": "http"},
        {"target_label": "__metrics_path__", "replacement": page.path},
    ]
    kept = {key: value for key, value in given.items() if key not in left_out}
    return {
        **kept,
        "static_configs": [{"targets": [address], "labels": labels}],
        "relabel_configs": [*(given.get("relabel_configs") or ()), *to_the_test],
        "scrape_interval": pace,
        "scrape_timeout": pace,
    }


class _Target(NamedTuple):
    """A target that a job names itself."""

    address: str
    labels: Mapping[str, str]


def _targets(given: Mapping[str, Any]) -> Iterator[_Target]:
    """Yield the first target of each group of a job."""
    for group in given.get("static_configs") or ():
        if isinstance(group, Mapping) and group.get("targets"):
            yield _Target(group["targets"][0], group.get("labels") or {})
