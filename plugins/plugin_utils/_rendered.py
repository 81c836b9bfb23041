# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors rendered with their findings. Private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..module_utils._collector.critical.critical_table import COMPONENTS
from ..module_utils._identity.identity import CollectorGrants, account_warnings
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.rules.profiles import UNUSED
from ..module_utils._otelcol.rules.report_model import NEVER, Report
from . import _render, _summary
from ._otelcol import _builds, _findings
from ._otelcol._garbage import without_garbage_collection
from ._render_request import SOURCES, Request

_NAMES = ("name", "namespace")
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
def render(
    request: Request, judgement: _findings.Judgement, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return the bundle of all collectors, and every finding. Raises Problem for findings that fail.

    With `never`, findings are only returned; nothing follows from a malformed config even then.
    """
    planned = _render.plan(request)
    configs = _findings.checked_configs([(item.collector.name, item.findings) for item in planned], judgement)
    if fail_on != NEVER:
        for text in _builds.stand_ins(item.target for item in planned):
            warn(text)
        built = [CollectorGrants(item.collector, item.build.needs.grants) for item in planned if item.build]
        for text in account_warnings(built):
            warn(text)
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    findings = [
        {**one.as_dict(), "collector": item.name} for item in configs for one in item.findings if one.rule != UNUSED
    ]
    bundle = _render.bundle(planned)
    return {**bundle, "findings": findings, "summary": _summary.summary_lines(bundle["collectors"], findings)}


def render_for_removal(request: Request, judgement: _findings.Judgement, warn: Callable[[str], None]) -> dict[str, Any]:
    """Return the bundle of collectors that go. Raises Problem if their names are wrong.

    If configs cannot be rendered, they are left out; if options cannot be used, all but the names are. The labels of
    the bundle still select every object of these collectors, and the CA that those of a namespace share.
    """
    # Which of them the cluster has makes no difference to what is removed.
    request = replace(request, critical_components=tuple(COMPONENTS))
    try:
        return _with_shared(render(request, judgement, warn, NEVER))
    except Problem as problem:
        first = problem
    for less in (_without_configs(request), _names_only(request)):
        try:
            found = render(less, judgement, warn, NEVER)
        except Problem:
            continue
        warn(f"{first}\nThe removal goes on without it, and finds the objects by their labels.")
        return _with_shared(found)
    raise first


def _with_shared(found: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle that also selects what has a label of its namespace instead of one of a collector."""
    places = [(one["namespace"], one["name"]) for one in found["collectors"]]
    shared = {names.shared_release(namespace) for namespace, _name in places}
    return {**found, "prune_selector": names.selector({names.release(*place) for place in places} | shared)}


def _without_configs(request: Request) -> Request:
    items = [{**item, **dict.fromkeys(SOURCES)} for item in request.collectors]
    return replace(request, collectors=items, defaults={**request.defaults, **_NO_CONFIG})


def _names_only(request: Request) -> Request:
    items = [{name: item[name] for name in _NAMES if name in item} for item in request.collectors]
    named = {name: request.defaults[name] for name in _NAMES if name in request.defaults}
    return Request(items, {**named, **_NO_CONFIG})
