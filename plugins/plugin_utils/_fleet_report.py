# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet report as an HTML page. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.config.paths import items, section
from ..module_utils._otelcol.errors import cleaned
from ..module_utils._otelcol.rules import batching
from ..module_utils._otelcol.rules.reports import count_in_words
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
    unread = [{"name": one.name, "why": "; ".join(one.unread)} for one in places if one.asked and not one.is_read]
    return {
        "changed": _files.place(path, text, check),
        "path": str(path),
        "summary": page["summary"],
        "unread": cleaned(unread),
        "unrendered": cleaned([{"name": one.name, "why": one.problem} for one in places if one.problem]),
        "msg": _told(page["summary"]),
    }


def _cluster(item: Mapping[str, Any]) -> FleetCluster:
    rendered = section(item, "rendered")
    configs = {f"{one['namespace']}/{one['name']}": _config(one) for one in items(rendered, "collectors")}
    broken = {
        version: [name for name, config in configs.items() if breaks(config, _builds.tables())]
        for version, _what, breaks in batching.PLANNED
    }
    return FleetCluster(str(item["name"]), item, configs, item["products"], broken)


def _host(item: Mapping[str, Any]) -> FleetHost:
    configs = {str(one["name"]): _config(one) for one in items(item, "rendered", "collectors")}
    return FleetHost(str(item["name"]), item, configs)


def _config(collector: Mapping[str, Any]) -> Any:
    return _yaml.load(str(collector["config"]), f"config of {collector['name']}").data


# The places of collectors: what to call one, and the counts of all and of those that could not be read.
_PLACES = (("cluster", "clusters", "unread"), ("host", "hosts", "unread_hosts"))


def _told(summary: Mapping[str, int]) -> str:
    places = [place for place in _PLACES if summary[place[1]]] or [_PLACES[0]]
    where = " and ".join(count_in_words(summary[total], word) for word, total, _unread in places)
    errors = count_in_words(summary["errors"], "error")
    warnings = count_in_words(summary["warnings"], "warning")
    found = f"{errors} and {warnings} in their configs"
    unread = " and ".join(count_in_words(summary[lost], word) for word, _total, lost in places)
    return f"{count_in_words(summary['collectors'], 'collector')} in {where}, {found}, {unread} could not be read"


def html(page: Mapping[str, Any]) -> str:
    """Return the page. All content is escaped except style and script, which come from this collection."""
    return page_text("report", page, [STYLE], SCRIPT)
