# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet report as an HTML page. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._otelcol.config.paths import items, section
from ..module_utils._otelcol.errors import cleaned
from ..module_utils._otelcol.rules import batching
from ..module_utils._otelcol.rules.report_model import count_in_words
from ..module_utils._report.fleet_cluster import FleetCluster
from ..module_utils._report.fleet_host import FleetHost
from ..module_utils._report.fleet_waves import NO_WAVES, FleetWaves
from ..module_utils._report.page_model import FleetParts, model
from ._html_pages import page_text
from ._otelcol import _builds, _files, _yaml
from ._release import published

SCRIPT, STYLE = "page.js", "page.css"


def report(arguments: Mapping[str, Any], check: bool, waves: FleetWaves = NO_WAVES) -> dict[str, Any]:
    """Write the page, and return its summary. Raises Problem when it cannot be written."""
    clusters = [_cluster(item) for item in arguments["clusters"]]
    hosts = [_host(item) for item in arguments.get("hosts") or ()]
    page: dict[str, Any] = cleaned(
        model(FleetParts(clusters, hosts, waves), published.table(), arguments["title"], arguments["time"])
    )
    text = html(page)
    path = Path(arguments["path"])
    places: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    unread = [
        {"name": place.name, "why": "; ".join(place.unread)} for place in places if place.asked and not place.is_read
    ]
    unrendered = [{"name": place.name, "why": place.problem} for place in places if place.problem]
    return {
        "changed": _files.place(path, text, check),
        "path": str(path),
        "summary": page["summary"],
        "unread": cleaned(unread),
        "unrendered": cleaned(unrendered),
        "msg": _told(page["summary"]),
    }


def _cluster(item: Mapping[str, Any]) -> FleetCluster:
    """Return a cluster with the configs of its collectors, and those that planned versions would break."""
    collectors = items(section(item, "rendered"), "collectors")
    configs = {f"{collector['namespace']}/{collector['name']}": _config(collector) for collector in collectors}
    broken: dict[str, list[str]] = {}
    for version, _what, breaks in batching.PLANNED:
        broken[version] = [name for name, config in configs.items() if breaks(config, _builds.tables())]
    return FleetCluster(str(item["name"]), item, configs, item["products"], broken)


def _host(item: Mapping[str, Any]) -> FleetHost:
    """Return a Linux host with the configs of its collectors."""
    collectors = items(item, "rendered", "collectors")
    configs = {str(collector["name"]): _config(collector) for collector in collectors}
    return FleetHost(str(item["name"]), item, configs)


def _config(collector: Mapping[str, Any]) -> Any:
    return _yaml.load(str(collector["config"]), f"config of {collector['name']}").data


class _Place(NamedTuple):
    """A place of collectors: what to call one, and the counts in a summary of all and of those that were not read."""

    word: str
    total: str
    unread: str


_CLUSTERS, _HOSTS = _Place("cluster", "clusters", "unread"), _Place("host", "hosts", "unread_hosts")


def _told(summary: Mapping[str, int]) -> str:
    """Return the summary of a page in a sentence; a page of nothing has no clusters."""
    places = [place for place in (_CLUSTERS, _HOSTS) if summary[place.total]] or [_CLUSTERS]
    collectors = count_in_words(summary["collectors"], "collector")
    where = " and ".join(count_in_words(summary[place.total], place.word) for place in places)
    errors = count_in_words(summary["errors"], "error")
    warnings = count_in_words(summary["warnings"], "warning")
    unread = " and ".join(count_in_words(summary[place.unread], place.word) for place in places)
    return f"{collectors} in {where}, {errors} and {warnings} in their configs, {unread} could not be read"


def html(page: Mapping[str, Any]) -> str:
    """Return the page. All content is escaped except style and script, which come from this collection."""
    return page_text("report", page, [STYLE], SCRIPT)
