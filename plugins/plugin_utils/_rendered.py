# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors rendered with their findings. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._core.lint.profiles import UNUSED
from ..module_utils._core.lint.reports import NEVER, Report
from . import _findings, _render, _summary


@_findings.without_garbage_collection()
def render(
    request: _render.Request, judgement: _findings.Judgement, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return the bundle of all collectors, and every finding. Raises Problem for findings that fail.

    With `never`, findings are only returned; nothing follows from a malformed config even then.
    """
    planned = _render.plan(request)
    configs = _findings.checked([(item.collector.name, item.findings) for item in planned], judgement)
    if fail_on != NEVER:
        _findings.conclude(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    findings = [
        {**one.as_dict(), "collector": item.name} for item in configs for one in item.findings if one.rule != UNUSED
    ]
    bundle = _render.bundle(planned)
    return {**bundle, "findings": findings, "summary": _summary.lines(bundle["collectors"], findings)}
