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

from ..config.paths import at
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
# One scrape when the receiver stops; or several before, of which the first may be as late as the next.
_ONCE, _AGAIN, _TIME = "1h", "0s", 10
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


def scraped_pages(receivers: Mapping[str, Any], given: Sequence[Mapping[str, Any]], where: str) -> list[Page]:
    """Return the pages of a test for receivers with their settings.

    Raises Problem for a job that none of them has, or several, and for a page that is none.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    labels: dict[tuple[str, str], dict[str, str]] = {}
    for part in given:
        to = str(part.get("to") or "")
        for job, text in _texts_of_jobs(part, where):
            texts.setdefault(_place(receivers, job, to, where), []).append(text)
        for job, known in _labels_of_jobs(part, where):
            labels.setdefault(_place(receivers, job, to, where), {}).update(known)
    for place in labels:
        if place not in texts:
            raise Problem(f"job '{place[1]}' has a target and no page", where=where, fix="Give its page with `pages`.")
    return [
        Page(*place, f"{PATH}{number}", tuple(listed), labels.get(place, {}))
        for number, (place, listed) in enumerate(texts.items())
    ]


def _texts_of_jobs(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for job, text in (part.get("pages") or {}).items():
        if not isinstance(text, str):
            fix = "Write `JOB: |`, and the page below it."
            raise Problem(f"the page of job '{job}' is not a text", where=where, fix=fix)
        yield str(job), text


def _labels_of_jobs(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, dict[str, str]]]:
    for job, labels in (part.get("targets") or {}).items():
        if not isinstance(labels, Mapping):
            fix = "Write `JOB: {LABEL: VALUE}`."
            raise Problem(f"the target of job '{job}' is not a mapping", where=where, fix=fix)
        yield str(job), {str(name): str(value) for name, value in labels.items()}


def _place(receivers: Mapping[str, Any], job: str, to: str, where: str) -> tuple[str, str]:
    jobs = {
        item: [str(one.get("job_name")) for one in _jobs(settings)]
        for item, settings in receivers.items()
        if kind_of(item) == _KIND and to in ("", item)
    }
    able = [item for item, names in jobs.items() if job in names]
    if len(able) == 1:
        return able[0], job
    if able:
        wrong = f"several receivers have the job '{job}': {', '.join(able)}"
        raise Problem(wrong, where=where, fix="Name one with `to`.")
    known = [name for names in jobs.values() for name in names]
    fix = f"Jobs of prometheus receivers: {', '.join(known) or 'none'}."
    raise Problem(f"no prometheus receiver has the job '{job}'{near(job, known)}", where=where, fix=fix)


def _jobs(settings: Any) -> list[Mapping[str, Any]]:
    found = at(settings, ("config", "scrape_configs"), None) if isinstance(settings, Mapping) else None
    return [item for item in found or () if isinstance(item, Mapping)]


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
    pages_by_job, seconds = {page.job: page for page in own}, pace or _TIME
    jobs, changes = [], []
    for job in _jobs(settings):
        name = str(job.get("job_name"))
        if name not in pages_by_job:
            changes.append(f"job {name}: left out, the test gives no page")
            continue
        left_out = sorted(key for key in job if key.endswith(_DISCOVERS) or key in _REACHES)
        without = f"; without {', '.join(left_out)}" if left_out else ""
        changes.append(f"job {name}: one target, on loopback, every {seconds}s{without}")
        jobs.append(_job(job, left_out, pages_by_job[name], urlsplit(sink).netloc, f"{seconds}s"))
    changes.append("scrapes when it stops; no target allocator")
    result = {
        **{key: value for key, value in settings.items() if key not in ("config", "target_allocator")},
        "config": {**_shared_settings(settings), "scrape_configs": jobs},
        "api_server": {"enabled": True, "server_config": {"endpoint": f"127.0.0.1:{api}"}},
        "discovery_reload_on_startup": True,
        "initial_scrape_offset": _AGAIN if pace else _ONCE,
        "scrape_on_shutdown": True,
    }
    return ScrapingReceiver(result, changes)


def _shared_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `global` without what only says how a target is reached."""
    given = at(settings, ("config", "global"), None) or {}
    shared = {key: value for key, value in given.items() if key not in _REACHES}
    return {"global": shared} if shared else {}


def _job(given: Mapping[str, Any], left: Sequence[str], page: Page, host: str, pace: str) -> dict[str, Any]:
    first, known = next(_static(given), (_UNNAMED, {}))
    labels = {**known, **{name: value.replace("$", "$$") for name, value in page.labels.items()}}
    target = labels.pop(_ADDRESS, first)
    # The names stay those of the user's target: only the request goes to the test.
    last = [
        {"source_labels": ["instance", _ADDRESS], "regex": ";(.+)", "target_label": "instance", "replacement": "$$1"},
        {"target_label": _ADDRESS, "replacement": host},
        {"target_label": "__scheme__", "replacement": "http"},
        {"target_label": "__metrics_path__", "replacement": page.path},
    ]
    return {
        **{key: value for key, value in given.items() if key not in left},
        "static_configs": [{"targets": [target], "labels": labels}],
        "relabel_configs": [*(given.get("relabel_configs") or ()), *last],
        "scrape_interval": pace,
        "scrape_timeout": pace,
    }


def _static(given: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for group in given.get("static_configs") or ():
        if isinstance(group, Mapping) and group.get("targets"):
            yield group["targets"][0], group.get("labels") or {}
