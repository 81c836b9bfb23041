# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module fleet_report: write the HTML page about all clusters and hosts of an inventory. Controller only. Private.

`module_utils/_report/` decides what the page says. This file reads the configs for it, and renders the page. Its
summary in the result is a sentence such as "3 collectors in 2 clusters, 0 errors and 1 warning in their configs, 1
cluster could not be read".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from ..module_utils._otelcol.config.paths import list_at, mapping_at
from ..module_utils._otelcol.errors import clean_text
from ..module_utils._otelcol.rules.planned_breaks import PLANNED
from ..module_utils._otelcol.rules.report_model import format_count
from ..module_utils._report.fleet_cluster import FleetCluster
from ..module_utils._report.fleet_host import FleetHost
from ..module_utils._report.fleet_waves import NO_WAVES, FleetWaves
from ..module_utils._report.page_model import FleetParts, build_page_model
from ._html_pages import render_page
from ._otelcol import _builds, _files, _yaml
from ._release.release_tables import read_tables

# The files that stand in the page.
SCRIPT = "page.js"
STYLE = "page.css"
_RUN_FAILED = "the run failed for it, and its output says why"


class _PlaceReason(TypedDict):
    """A cluster or host of the result, and why it was not read or rendered."""

    name: str
    why: str


def write_fleet_report(arguments: Mapping[str, Any], check: bool, waves: FleetWaves = NO_WAVES) -> dict[str, Any]:
    """Write the page, and return the result of module fleet_report. Raises Problem when it cannot be written."""
    cluster_rows = _add_failed(arguments["clusters"], arguments.get("cluster_names") or ())
    host_rows = _add_failed(arguments.get("hosts") or (), arguments.get("host_names") or ())
    clusters = [_build_cluster(row) for row in cluster_rows]
    hosts = [_build_host(row) for row in host_rows]
    fleet_parts = FleetParts(clusters, hosts, waves)
    raw_model = build_page_model(fleet_parts, read_tables(), arguments["title"], arguments["time"])
    page_model: dict[str, Any] = clean_text(raw_model)
    path = Path(arguments["path"])
    is_changed = _files.write_or_check(path, build_html(page_model), check)
    return {
        "changed": is_changed,
        "path": str(path),
        "summary": page_model["summary"],
        "unread": clean_text(_list_unread_places([*clusters, *hosts])),
        "unrendered": clean_text(_list_unrendered_places([*clusters, *hosts])),
        "msg": _describe_summary(page_model["summary"]),
    }


def _add_failed(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the rows of clusters or hosts, and one for each name without a row: the run failed before it had one."""
    names_with_row = {row["name"] for row in rows}
    failed_rows = [{"name": name, "problem": _RUN_FAILED} for name in names if name not in names_with_row]
    return [*rows, *failed_rows]


def _list_unread_places(places: Sequence[FleetCluster | FleetHost]) -> list[_PlaceReason]:
    """Return the clusters and hosts that were asked and could not be read."""
    unread_places: list[_PlaceReason] = []
    for place in places:
        if place.is_asked and not place.is_read:
            unread_places.append({"name": place.name, "why": "; ".join(place.unread_reasons)})
    return unread_places


def _list_unrendered_places(places: Sequence[FleetCluster | FleetHost]) -> list[_PlaceReason]:
    """Return the clusters and hosts without rendered collectors: they cannot be rendered, or the run failed there."""
    return [{"name": place.name, "why": place.problem} for place in places if place.problem]


def build_html(page: Mapping[str, Any]) -> str:
    """Return the page. All content is escaped except style and script, which come from this collection."""
    return render_page("report", page, [STYLE], SCRIPT)


# ── Clusters and hosts ──


def _build_cluster(cluster_row: Mapping[str, Any]) -> FleetCluster:
    """Return a cluster with the configs of its collectors, and those that planned versions would break."""
    collectors = list_at(mapping_at(cluster_row, "rendered"), "collectors")
    configs = {f"{collector['namespace']}/{collector['name']}": _read_config(collector) for collector in collectors}
    catalogue = _builds.load_catalogue()
    broken_by_version: dict[str, list[str]] = {}
    for planned in PLANNED:
        broken_by_version[planned.version] = [
            name for name, config in configs.items() if planned.is_config_affected(config, catalogue)
        ]
    wanted_products = mapping_at(cluster_row, "products")
    return FleetCluster(str(cluster_row["name"]), cluster_row, configs, wanted_products, broken_by_version)


def _build_host(host_row: Mapping[str, Any]) -> FleetHost:
    """Return a Linux host with the configs of its collectors."""
    collectors = list_at(host_row, "rendered", "collectors")
    configs = {str(collector["name"]): _read_config(collector) for collector in collectors}
    return FleetHost(str(host_row["name"]), host_row, configs)


def _read_config(collector: Mapping[str, Any]) -> Any:
    """Return the config of a rendered collector as data."""
    return _yaml.load(str(collector["config"]), f"config of {collector['name']}").data


# ── The summary ──


class _SummaryKeys(NamedTuple):
    """What to call a cluster or a host, and its two keys in the summary of the page: of all, and of unread ones."""

    noun: str
    total_key: str
    unread_key: str


_CLUSTER_KEYS = _SummaryKeys("cluster", "clusters", "unread")
_HOST_KEYS = _SummaryKeys("host", "hosts", "unread_hosts")


def _describe_summary(summary: Mapping[str, int]) -> str:
    """Return the summary of a page in a sentence.

    For example: `3 collectors in 2 clusters, 0 errors and 1 warning in their configs, 1 cluster could not be read`. A
    page about nothing has 0 clusters.
    """
    described_keys = [keys for keys in (_CLUSTER_KEYS, _HOST_KEYS) if summary[keys.total_key]] or [_CLUSTER_KEYS]
    collectors = format_count(summary["collectors"], "collector")
    places = " and ".join(format_count(summary[keys.total_key], keys.noun) for keys in described_keys)
    errors = format_count(summary["errors"], "error")
    warnings = format_count(summary["warnings"], "warning")
    unread_places = " and ".join(format_count(summary[keys.unread_key], keys.noun) for keys in described_keys)
    return f"{collectors} in {places}, {errors} and {warnings} in their configs, {unread_places} could not be read"
