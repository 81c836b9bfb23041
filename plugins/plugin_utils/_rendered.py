# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module otel_render: render collectors, report their findings, and return one result. Private.

`_render.py` makes the bundle: the manifests and facts for later tasks. This file adds the findings, and fails the task
for one that is as severe as `fail_on`. For a removal, `render_for_removal` renders as much as it can: objects are found
by their labels, which follow from the names of collectors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._collector.critical.critical_table import COMPONENTS
from ..module_utils._identity.identity import CollectorGrants, list_account_warnings
from ..module_utils._kube.release_names import collector_release, release_selector, shared_release
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.profiles import UNUSED_SUPPRESSION
from ..module_utils._otelcol.rules.report_model import NEVER, Report
from . import _render, _summary
from ._judged_collectors import JudgedCollector
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
    judged_collectors = _render.judge_request(request)
    named_findings = [_findings.NamedFindings(judged.collector.name, judged.findings) for judged in judged_collectors]
    configs = _findings.judge_configs(named_findings, judgement)
    if fail_on != NEVER:
        for warning in _list_warnings(judged_collectors):
            warn(warning)
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    findings: list[dict[str, Any]] = []
    for config in configs:
        for finding in config.findings:
            if finding.rule != UNUSED_SUPPRESSION:
                findings.append({**finding.as_dict(), "collector": config.name})
    bundle = _render.build_bundle(judged_collectors)
    return {**bundle, "findings": findings, "summary": _summary.build_summary_lines(bundle["collectors"], findings)}


def _list_warnings(judged_collectors: Sequence[JudgedCollector]) -> Iterator[str]:
    """Yield what users should know beside the findings.

    The catalogue may know the build of a collector only in another version. And a sidecar may call AWS by the accounts
    of pods that nobody has named.
    """
    yield from _builds.list_stand_in_warnings(judged.target for judged in judged_collectors)
    grants = [
        CollectorGrants(judged.collector, judged.build.needs.aws_grants) for judged in judged_collectors if judged.build
    ]
    yield from list_account_warnings(grants)


def render_for_removal(
    request: RenderRequest, judgement: _findings.JudgementOptions, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of collectors that go. Raises Problem if their names are wrong.

    If configs cannot be rendered, they are left out; if options cannot be used, all but the names are. The labels of
    the bundle still select every object of these collectors, and the CA that those of a namespace share.
    """
    # Which critical components the cluster has makes no difference to what is removed.
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
    """Return a bundle whose selector also finds what all collectors of a namespace share, such as their CA."""
    releases: set[str] = set()
    for collector in bundle["collectors"]:
        releases.add(collector_release(collector["namespace"], collector["name"]))
        releases.add(shared_release(collector["namespace"]))
    return {**bundle, "prune_selector": release_selector(releases)}


def _drop_configs(request: RenderRequest) -> RenderRequest:
    """Return a request with all options of its collectors, and the smallest config in place of theirs."""
    collectors = [{**collector, **dict.fromkeys(SOURCES)} for collector in request.collectors]
    return replace(request, collectors=collectors, defaults={**request.defaults, **_NO_CONFIG})


def _keep_names_only(request: RenderRequest) -> RenderRequest:
    """Return a request with the names and namespaces of its collectors, and the smallest config for each."""
    collectors = [
        {name: collector[name] for name in _NAME_KEYS if name in collector} for collector in request.collectors
    ]
    default_names = {name: request.defaults[name] for name in _NAME_KEYS if name in request.defaults}
    return RenderRequest(collectors, {**default_names, **_NO_CONFIG})
