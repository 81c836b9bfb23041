# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle of collectors whatever is wrong with their configs, and with it all that is. Controller only. Private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._core.config.masking import masker, secrets_in
from ..module_utils._core.lint import profiles
from ..module_utils._core.lint.finding import Finding
from . import _judge, _render


def bundle(planned: Sequence[_render.Planned], judgement: _judge.Judgement) -> dict[str, Any]:
    """Return what `_render.bundle` does, and every finding; only from a malformed config nothing follows."""
    judged = [(item, _masked(item, judgement.judge(item.findings).kept)) for item in planned]
    judged = [(item, [one for one in found if one.rule != profiles.UNUSED]) for item, found in judged]
    _render.refuse(finding for _item, found in judged for finding in found if finding.rule in _render._MALFORMED)
    findings = [{**one.as_dict(), "collector": item.collector.name} for item, found in judged for one in found]
    return {**_render.bundle([replace(item, findings=[]) for item in planned], judgement), "findings": findings}


def _masked(item: _render.Planned, findings: Sequence[Finding]) -> list[Finding]:
    secrets = secrets_in(item.composed.config)
    if not secrets:
        return list(findings)
    mask = masker(secrets)
    return [replace(one, message=mask(one.message), fix=mask(one.fix)) for one in findings]
