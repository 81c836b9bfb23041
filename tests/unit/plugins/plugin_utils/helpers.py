# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._findings import JudgementOptions
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._render_request import RenderRequest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._rendered import render_collectors

OTLP = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
    "exporters": {"debug": None},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}


def defaults(action: str) -> dict[str, Any]:
    """Return the arguments of an action with their defaults."""
    return {name: option.get("default") for name, option in read_argument_spec(action).items()}


VALIDATE, MIGRATE, RELEASE = map(defaults, ("pipeline_validate", "pipeline_migrate", "release_render"))


def request(*collectors: dict[str, Any], **defaults: Any) -> RenderRequest:
    """Return a request in the namespace telemetry."""
    return RenderRequest(collectors, {"namespace": "telemetry", **defaults})


def rendered(*collectors: dict[str, Any], pin: Any = None, **defaults: Any) -> dict[str, Any]:
    """Return the bundle of these collectors, with what is found in their configs."""
    asked = request(*collectors, **defaults)
    return render_collectors(replace(asked, pin=pin) if pin else asked, JudgementOptions(), lambda _warning: None)


def of_kind(result: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the objects of a kind."""
    return [manifest for manifest in result["manifests"] if manifest["kind"] == kind]
