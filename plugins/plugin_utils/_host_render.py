# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the collectors of a Linux host: from options to bundles. Controller only; contacts no host. Private.

A collector goes through the stages that `_render.py` draws. After them, `_host_build.py` builds what the host gets. A
bundle is what module host_apply puts on the host for one collector: the config, the unit of systemd, the credentials
and where the program comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..module_utils._host.connection_checks import HOST_TLS_FIXES
from ..module_utils._host.host_build import HostBuild
from ..module_utils._host.host_build_checks import check_host_collectors
from ..module_utils._host.host_bundle import build_host_bundle, list_drop_in_files
from ..module_utils._host.host_summary import HostSummary, describe_host, describe_lacks, summarize_host
from ..module_utils._host_change.bundle_form import HostBundle
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.profiles import UNUSED_SUPPRESSION
from ..module_utils._otelcol.rules.report_model import NEVER, CheckedConfig, Report
from . import _inventory
from ._configured_collectors import check_overlays
from ._host_build import build_host_collectors
from ._host_configs import configure_host_collectors
from ._host_request import HostRequest
from ._host_services import add_services
from ._inventory_hosts import COLLECTORS_VARIABLE, PREFIX
from ._judged_collectors import JudgedCollector, judge_collectors, refuse_malformed
from ._linked_collectors import leave_unlinked, link_to_inventory
from ._otelcol import _findings
from ._otelcol._garbage import without_garbage_collection
from ._recipe_facts import refuse_groups


@without_garbage_collection()
def render_hosts(
    request: HostRequest, judgement: _findings.JudgementOptions, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return a bundle for each collector of a host, and every finding. Raises Problem for findings that fail."""
    judged_collectors = _judge_request(request)
    named_findings = [_findings.NamedFindings(judged.collector.name, judged.findings) for judged in judged_collectors]
    configs = _findings.judge_configs(named_findings, judgement)
    if fail_on != NEVER:
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    refuse_malformed(judged_collectors)
    builds = build_host_collectors(judged_collectors, request)
    check_host_collectors(builds)
    return {**_build_bundles(add_services(builds, request.sdks)), "findings": _list_reported_findings(configs)}


def _judge_request(request: HostRequest) -> list[JudgedCollector]:
    """Return the collectors of a host after all stages. Raises Problem if nothing names a collector."""
    if not request.names_any:
        fix = f"Set `{COLLECTORS_VARIABLE}`, or `{PREFIX}recipes` or `{PREFIX}config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)
    groups = request.groups
    configured_collectors = configure_host_collectors(request, groups.resolve_for_recipe if groups else refuse_groups)
    check_overlays(configured_collectors, request.overlay_policy)
    collectors = leave_unlinked(configured_collectors)
    if groups:
        collectors = link_to_inventory(collectors, groups, HOST_TLS_FIXES)
    return judge_collectors(collectors, request.rule_paths)


def _build_bundles(builds: Sequence[HostBuild]) -> dict[str, Any]:
    """Return what hosts get, and what people read, of all collectors."""
    bundles: list[HostBundle] = []
    files: list[dict[str, Any]] = []
    programs: list[dict[str, Any]] = []
    summaries: list[HostSummary] = []
    for build in builds:
        bundle = build_host_bundle(build)
        bundles.append(bundle)
        for file in (*bundle["files"], *list_drop_in_files(build)):
            files.append({**file, "path": f"{build.collector.name}/{file['path']}"})
        programs += [asdict(archive) for archive in build.program.published_archives]
        summaries.append(summarize_host(build))
    return {
        "bundles": bundles,
        "bundle_of": {bundle["name"]: bundle for bundle in bundles},
        "names": [bundle["name"] for bundle in bundles],
        "files": files,
        "collectors": summaries,
        "summary": [line for summary in summaries for line in describe_host(summary)],
        "lacking": [line for summary in summaries for line in describe_lacks(summary)],
        "programs": programs,
    }


def _list_reported_findings(configs: Sequence[CheckedConfig]) -> list[dict[str, Any]]:
    """Return the findings of all collectors, without those about suppressions that nothing needs."""
    finding_rows: list[dict[str, Any]] = []
    for config in configs:
        for finding in config.findings:
            if finding.rule != UNUSED_SUPPRESSION:
                finding_rows.append({**finding.as_dict(), "collector": config.name})
    return finding_rows


def preload_shared_data() -> None:
    """Read what a render of every host needs, and keep it in this process: options, names, tables and some recipes."""
    _inventory.check_variable_names({COLLECTORS_VARIABLE: None})
    recipes = ["otlp_ingest", "host_metrics", "journald_logs", {"otlp_forward": {"endpoint": "localhost:4317"}}]
    collector_item = {"name": "any", "recipes": recipes}
    judgement = _findings.JudgementOptions.from_arguments({"profile": "", "severities": {}, "suppressions": ()})
    render_hosts(
        HostRequest([collector_item], {"program": {"path": "/usr/bin/otelcol"}}), judgement, lambda _text: None
    )
