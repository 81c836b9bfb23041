# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the services of a Linux host from options. Controller only; reads files, contacts no host. Private."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..module_utils._host.host_bundle import (
    HostBuild,
    check_together,
    drop_in_files,
    host_bundle,
    host_lines,
    host_summary,
    lacking_lines,
)
from ..module_utils._host.host_hops import OF_HOSTS
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.profiles import UNUSED
from ..module_utils._otelcol.rules.report_model import NEVER, Checked, Report
from . import _inventory
from ._composed_collectors import check_overlays
from ._connected_collectors import follow_groups, lone_collectors
from ._host_build import host_builds
from ._host_drafts import HostRequest, composed_host
from ._host_groups import ITEMS, PREFIX
from ._host_services import with_services
from ._judged_collectors import judged_collectors, refuse_malformed
from ._otelcol import _findings
from ._otelcol._garbage import without_garbage_collection
from ._planned import Planned
from ._recipe_layers import no_route


@without_garbage_collection()
def render_hosts(
    request: HostRequest, judgement: _findings.Judgement, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return a bundle for each collector of a host, and every finding. Raises Problem for findings that fail."""
    planned = _plan(request)
    configs = _findings.checked_configs([(item.collector.name, item.findings) for item in planned], judgement)
    if fail_on != NEVER:
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    refuse_malformed(planned)
    builds = host_builds(planned, request)
    check_together(builds)
    return {**_bundles(with_services(builds, request.sdks)), "findings": _reported(configs)}


def _plan(request: HostRequest) -> list[Planned]:
    """Return the collectors of a host with their configs and findings. Raises Problem if nothing names a collector."""
    if not request.names_any:
        fix = f"Set `{ITEMS}`, or `{PREFIX}recipes` or `{PREFIX}config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)
    groups = request.groups
    composed = composed_host(request, groups.for_recipe if groups else no_route)
    check_overlays(composed, request.overlay_policy)
    collectors = lone_collectors(composed)
    if groups:
        collectors = follow_groups(collectors, groups, OF_HOSTS)
    return judged_collectors(collectors, request.rule_paths)


def _bundles(builds: Sequence[HostBuild]) -> dict[str, Any]:
    """Return what hosts get, and what people read, of all collectors."""
    bundles: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    programs: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for build in builds:
        bundle = host_bundle(build)
        bundles.append(bundle)
        for file in (*bundle["files"], *drop_in_files(build)):
            files.append({**file, "path": f"{build.collector.name}/{file['path']}"})
        programs += [asdict(archive) for archive in build.program.released]
        summaries.append(host_summary(build))
    return {
        "bundles": bundles,
        "bundle_of": {bundle["name"]: bundle for bundle in bundles},
        "names": [bundle["name"] for bundle in bundles],
        "files": files,
        "collectors": summaries,
        "summary": [line for summary in summaries for line in host_lines(summary)],
        "lacking": [line for summary in summaries for line in lacking_lines(summary)],
        "programs": programs,
    }


def _reported(configs: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return the findings of all collectors, without those about suppressions that nothing needs."""
    reported: list[dict[str, Any]] = []
    for config in configs:
        for finding in config.findings:
            if finding.rule != UNUSED:
                reported.append({**finding.as_dict(), "collector": config.name})
    return reported


def read_shared() -> None:
    """Read what a render of every host needs, and keep it in this process: options, names, tables and some recipes."""
    _inventory.check_names({ITEMS: None})
    recipes = ["otlp_ingest", "host_metrics", "journald_logs", {"otlp_forward": {"endpoint": "localhost:4317"}}]
    common = {"name": "any", "recipes": recipes}
    judgement = _findings.Judgement.from_arguments({"profile": "", "severities": {}, "suppressions": ()})
    render_hosts(HostRequest([common], {"program": {"path": "/usr/bin/otelcol"}}), judgement, lambda _text: None)
