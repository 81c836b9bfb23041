# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of hosts, rendered as role otel_host asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _host_render, _host_request
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _findings

PREFIX = "otel_host_"
_COLLECTORS_VARIABLE = f"{PREFIX}collectors"


def render_host(variables: dict[str, Any], sdks: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return what module host_render returns for these variables of a host, and rows of `otel_host_sdks`."""
    judgement_options = {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    defaults = {name.removeprefix(PREFIX): value for name, value in variables.items() if name != _COLLECTORS_VARIABLE}
    request = _host_request.HostRequest(variables.get(_COLLECTORS_VARIABLE, []), defaults, sdks=sdks)
    return _host_render.render_hosts(request, _findings.JudgementOptions.from_arguments(judgement_options), print)
