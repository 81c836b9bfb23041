# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rule on retries and queues."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp": settings})


CASES = [
    Case(
        "nothing-retried",
        "no retries",
        exporter(retry_on_failure={"enabled": False}),
        "exporters.otlp.retry_on_failure.enabled",
        "drops what the receiver does not take at the first try Remove `retry_on_failure: {enabled: false}`.",
    ),
    Case(
        "nothing-retried",
        "no queue",
        exporter(sending_queue={"enabled": False}),
        "exporters.otlp.sending_queue.enabled",
        "wait",
    ),
    Case("nothing-retried", "a variable", exporter(retry_on_failure={"enabled": "${env:RETRY}"})),
    Case("nothing-retried", "the defaults", exporter(sending_queue={"queue_size": 5})),
]
