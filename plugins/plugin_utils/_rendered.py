# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors rendered with their findings: the result of module otel_render. Private.

The bundle is the manifests and all else that one run renders (`Bundle` in _planned.py). Findings are what the rules
find in a config.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..module_utils._collector.critical.critical_table import COMPONENTS
from ..module_utils._identity.identity import CollectorGrants, list_account_warnings
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.rules.profiles import UNUSED_SUPPRESSION
from ..module_utils._otelcol.rules.report_model import NEVER, Report
from . import _render, _summary
from ._otelcol import _builds, _findings
from ._otelcol._garbage import without_garbage_collection
from ._render_request import SOURCES, RenderRequest

_NAME_KEYS = ("name", "namespace")
# Instead of the options that give a collector its config: the smallest config that there is.
_NO_CONFIG = {
    **dict.fromkeys(SOURCES),
    "config": {
        "receivers": {"nop": None},
        "exporters": {"nop": None},
        "service": {"pipelines": {"traces": {"receivers": ["nop"], "exporters": ["nop"]}}},
    },
}


@without_garbage_collection()
def render_collectors(
    request: RenderRequest, judgement: _findings.JudgementOptions, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return the bundle of all collectors, and every finding. Raises Problem for findings that fail.

    With `never`, findings are only returned; nothing follows from a malformed config even then.
    """
    planned = _render.plan_collectors(request)
    named_findings = [_findings.NamedFindings(item.collector.name, item.findings) for item in planned]
    configs = _findings.judge_configs(named_findings, judgement)
    if fail_on != NEVER:
        for warning in _builds.list_stand_in_warnings(item.target for item in planned):
            warn(warning)
        collector_grants = [
            CollectorGrants(item.collector, item.build.needs.aws_grants) for item in planned if item.build
        ]
        for warning in list_account_warnings(collector_grants):
            warn(warning)
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    findings = [
        {**finding.as_dict(), "collector": item.name}
        for item in configs
        for finding in item.findings
        if finding.rule != UNUSED_SUPPRESSION
    ]
    bundle = _render.build_bundle(planned)
    return {**bundle, "findings": findings, "summary": _summary.build_summary_lines(bundle["collectors"], findings)}


def render_for_removal(
    request: RenderRequest, judgement: _findings.JudgementOptions, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of collectors that go. Raises Problem if their names are wrong.

    If configs cannot be rendered, they are left out; if options cannot be used, all but the names are. The labels of
    the bundle still select every object of these collectors, and the CA that those of a namespace share.
    """
    # Which of them the cluster has makes no difference to what is removed.
    request = replace(request, critical_components=tuple(COMPONENTS))
    try:
        return _select_shared_objects(render_collectors(request, judgement, warn, NEVER))
    except Problem as problem:
        first_problem = problem
    for reduced_request in (_drop_configs(request), _keep_names_only(request)):
        try:
            bundle = render_collectors(reduced_request, judgement, warn, NEVER)
        except Problem:
            continue
        warn(f"{first_problem}\nThe removal goes on without it, and finds the objects by their labels.")
        return _select_shared_objects(bundle)
    raise first_problem


def _select_shared_objects(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle that also selects what has a label of its namespace instead of one of a collector."""
    places = [(collector["namespace"], collector["name"]) for collector in bundle["collectors"]]
    shared_releases = {names.shared_release(namespace) for namespace, _name in places}
    return {
        **bundle,
        "prune_selector": names.release_selector(
            {names.collector_release(*place) for place in places} | shared_releases
        ),
    }


def _drop_configs(request: RenderRequest) -> RenderRequest:
    collectors = [{**collector, **dict.fromkeys(SOURCES)} for collector in request.collectors]
    return replace(request, collectors=collectors, defaults={**request.defaults, **_NO_CONFIG})


def _keep_names_only(request: RenderRequest) -> RenderRequest:
    collectors = [
        {name: collector[name] for name in _NAME_KEYS if name in collector} for collector in request.collectors
    ]
    default_names = {name: request.defaults[name] for name in _NAME_KEYS if name in request.defaults}
    return RenderRequest(collectors, {**default_names, **_NO_CONFIG})
