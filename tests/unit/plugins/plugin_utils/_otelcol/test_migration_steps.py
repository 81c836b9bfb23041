# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _migrate

from ..helpers import MIGRATE


def migrate(config: Any) -> dict[str, Any]:
    return _migrate.migrate({**MIGRATE, "config": config}, check=False)


def test_a_change_at_an_anchor_is_done_once_its_other_use_is_removed() -> None:
    anchored = """extensions:
  zpages:
    endpoint: &address $POD_IP
  memory_ballast:
    endpoint: *address
receivers: {otlp: {protocols: {grpc: {endpoint: localhost:4317}}}}
exporters: {debug: {}}
service:
  extensions: [zpages, memory_ballast]
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
"""
    result = migrate(config=anchored)
    done = [row["path"] for row in result["changes"]]
    assert done == ["extensions.memory_ballast", "extensions.zpages.endpoint"]
    assert result["unsolved"] == []
    assert "endpoint: &address ${env:POD_IP}" in result["config"]
    assert migrate(config=result["config"])["changes"] == []
