# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on settings that moved."""

from __future__ import annotations

from typing import Any

from .builds import NOW, on
from .cases import PIPELINE, Case, config

QUEUE = config(exporters={"otlp_http": {"sending_queue": {"blocking": True}}})
BATCHER = config(exporters={"otlp": {"batcher": None}})


def measured(**metrics: Any) -> dict[str, Any]:
    return config(service={"telemetry": {"metrics": metrics}, "pipelines": {"traces": PIPELINE}})


CASES = [
    Case(
        "removed-setting",
        "the address of the own metrics",
        measured(address=":8888"),
        "service.telemetry.metrics.address",
        "'address' is gone since 0.128.0 Write `readers:",
        NOW,
    ),
    Case("removed-setting", "batcher", BATCHER, "exporters.otlp.batcher", "Write `sending_queue.batch`.", NOW),
    Case("removed-setting", "blocking", QUEUE, "exporters.otlp_http.sending_queue.blocking", "block_on_overflow", NOW),
    Case("removed-setting", "another exporter's batcher", config(exporters={"x": {"batcher": {}}}), more=NOW),
    Case("removed-setting", "what took their place", measured(readers=[]), more=NOW),
    Case("removed-setting", "no build", BATCHER),
    Case(
        "moved-setting",
        "an address that counts still",
        measured(address=":8888"),
        "service.telemetry.metrics.address",
        "'address' is deprecated since 0.111.0",
        on("contrib", "0.115.0"),
    ),
    Case(
        "moved-setting",
        "batcher while it was there",
        BATCHER,
        "exporters.otlp.batcher",
        "deprecated since 0.123.0",
        on("contrib", "0.125.0"),
    ),
    Case("moved-setting", "batcher when it was new", BATCHER, more=on("contrib", "0.115.0")),
    Case("moved-setting", "gone is another rule's", BATCHER, more=NOW),
]
