# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet report as an HTML page. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._otelcol.config.paths import list_at, mapping_at
from ..module_utils._otelcol.errors import clean_text
from ..module_utils._otelcol.rules import batching
from ..module_utils._otelcol.rules.report_model import format_count
from ..module_utils._report.fleet_cluster import FleetCluster
from ..module_utils._report.fleet_host import FleetHost
from ..module_utils._report.fleet_waves import NO_WAVES, FleetWaves
from ..module_utils._report.page_model import FleetParts, build_page_model
from ._html_pages import render_page
from ._otelcol import _builds, _files, _yaml
from ._release import published

SCRIPT, STYLE = "page.js", "page.css"


def write_fleet_report(arguments: Mapping[str, Any], check: bool, waves: FleetWaves = NO_WAVES) -> dict[str, Any]:
    """Write the page, and return its summary. Raises Problem when it cannot be written."""
    clusters = [_build_cluster(row) for row in arguments["clusters"]]
    hosts = [_build_host(row) for row in arguments.get("hosts") or ()]
    page_model: dict[str, Any] = clean_text(
        build_page_model(
            FleetParts(clusters, hosts, waves), published.read_tables(), arguments["title"], arguments["time"]
        )
    )
    page_html = build_html(page_model)
    path = Path(arguments["path"])
    places: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    unread_places = [
        {"name": place.name, "why": "; ".join(place.unread_reasons)}
        for place in places
        if place.is_asked and not place.is_read
    ]
    unrendered_places = [{"name": place.name, "why": place.problem} for place in places if place.problem]
    return {
        "changed": _files.write_or_check(path, page_html, check),
        "path": str(path),
        "summary": page_model["summary"],
        "unread": clean_text(unread_places),
        "unrendered": clean_text(unrendered_places),
        "msg": _describe_summary(page_model["summary"]),
    }


def _build_cluster(cluster_row: Mapping[str, Any]) -> FleetCluster:
    """Return a cluster with the configs of its collectors, and those that planned versions would break."""
    collectors = list_at(mapping_at(cluster_row, "rendered"), "collectors")
    configs = {f"{collector['namespace']}/{collector['name']}": _read_config(collector) for collector in collectors}
    broken_by_version: dict[str, list[str]] = {}
    for version, _what, breaks_config in batching.PLANNED:
        broken_by_version[version] = [
            name for name, config in configs.items() if breaks_config(config, _builds.load_catalogue())
        ]
    return FleetCluster(str(cluster_row["name"]), cluster_row, configs, cluster_row["products"], broken_by_version)


def _build_host(host_row: Mapping[str, Any]) -> FleetHost:
    """Return a Linux host with the configs of its collectors."""
    collectors = list_at(host_row, "rendered", "collectors")
    configs = {str(collector["name"]): _read_config(collector) for collector in collectors}
    return FleetHost(str(host_row["name"]), host_row, configs)


def _read_config(collector: Mapping[str, Any]) -> Any:
    return _yaml.load(str(collector["config"]), f"config of {collector['name']}").data


class _PlaceWords(NamedTuple):
    """A place of collectors: what to call one, and the counts in a summary of all and of those that were not read."""

    noun: str
    total_key: str
    unread_key: str


_CLUSTER_WORDS, _HOST_WORDS = _PlaceWords("cluster", "clusters", "unread"), _PlaceWords("host", "hosts", "unread_hosts")


def _describe_summary(summary: Mapping[str, int]) -> str:
    """Return the summary of a page in a sentence; a page of nothing has no clusters."""
    places = [place for place in (_CLUSTER_WORDS, _HOST_WORDS) if summary[place.total_key]] or [_CLUSTER_WORDS]
    collectors = format_count(summary["collectors"], "collector")
    described_places = " and ".join(format_count(summary[place.total_key], place.noun) for place in places)
    errors = format_count(summary["errors"], "error")
    warnings = format_count(summary["warnings"], "warning")
    unread_words = " and ".join(format_count(summary[place.unread_key], place.noun) for place in places)
    return (
        f"{collectors} in {described_places}, {errors} and {warnings} in their configs, {unread_words} could not be"
        " read"
    )


def build_html(page: Mapping[str, Any]) -> str:
    """Return the page. All content is escaped except style and script, which come from this collection."""
    return render_page("report", page, [STYLE], SCRIPT)
