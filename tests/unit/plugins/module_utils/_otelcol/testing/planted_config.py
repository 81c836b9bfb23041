# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config with a receiver of clients and one of files, and the records that are planted in it."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    planted_records,
    read_records,
    written_records,
)

CONFIG: dict[str, Any] = {
    "receivers": {
        "otlp": {},
        "file_log": {"include": ["/var/log/pods/*/*/*.log"], "operators": [{"type": "container"}]},
    },
    "service": {
        "pipelines": {
            "traces": {"receivers": ["otlp"], "processors": ["transform", "filter"], "exporters": ["a", "b"]},
            "logs": {"receivers": ["file_log"], "exporters": ["a"]},
        }
    },
}
PLAN = planted_records.plant_records(CONFIG)
SPAN = next(
    read_records.read_records("spans", written_records.build_otlp_request("spans", PLAN.given_parts[0]["spans"], "t"))
)
