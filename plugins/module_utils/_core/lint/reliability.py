# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a collector does when its receiver is away.

Source: exporter/exporterhelper/README.md in the Collector. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import Path, at
from .finding import Fault, rule
from .subject import Subject
from .view import view

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
_SWITCHES: dict[Path, str] = {
    ("retry_on_failure", "enabled"): "drops what the receiver does not take at the first try",
    ("sending_queue", "enabled"): "makes senders wait for each request, and drops what does not go through",
    ("remote_write_queue", "enabled"): "makes senders wait for each request, and drops what does not go through",
}


def nothing_retried(subject: Subject) -> Iterator[Fault]:
    """Yield exporters whose retries or queue are turned off, so that a short outage loses data."""
    for part in view(subject).parts:
        for path, what in _SWITCHES.items() if part.section == "exporters" else ():
            if at(part.settings, path) is False:
                yield Fault((*part.path, *path), f"'{part.id}' {what}", f"Remove `{path[0]}: {{enabled: false}}`.")


RULES = (rule("warning", nothing_retried, documentation=_DOCUMENTATION),)
