# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the embedded metric format: what the exporter awsemf drops, or does not start with.

Sources: metric_declaration.go and config.go of exporter/awsemfexporter, and internal/aws/cwlogs, in
opentelemetry-collector-contrib 0.158. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import at, items, section
from .finding import Fault, rule
from .subject import Subject
from .view import view

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter"
_LOGGERS = ("awsemf", "awscloudwatchlogs")
_MOST_DIMENSIONS = 10
_RETENTIONS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653),
)


def dropped_declaration(subject: Subject) -> Iterator[Fault]:
    """Yield metric declarations that awsemf drops, so that CloudWatch never shows what they declare."""
    for part in view(subject).of("exporters", "awsemf"):
        for index, item in enumerate(items(part.settings, "metric_declarations")):
            here = (*part.path, "metric_declarations", index)
            if isinstance(item, dict) and not item.get("metric_name_selectors"):
                yield Fault(here, "it selects no metric", "Add `metric_name_selectors: [REGULAR EXPRESSION]`.")
            for number, dimensions in enumerate(items(item, "dimensions")):
                if isinstance(dimensions, list) and len(dimensions) > _MOST_DIMENSIONS:
                    yield Fault(
                        (*here, "dimensions", number),
                        f"it has {len(dimensions)} dimensions, and awsemf drops sets of more than {_MOST_DIMENSIONS}",
                        "Keep those that you look at, or make several sets of them.",
                    )


def log_retention(subject: Subject) -> Iterator[Fault]:
    """Yield times to keep log events that CloudWatch Logs does not offer; the Collector refuses them."""
    for name, settings in section(subject.config, "exporters").items():
        days = at(settings, ("log_retention",)) if str(name).split("/", 1)[0] in _LOGGERS else None
        if isinstance(days, int) and not isinstance(days, bool) and days not in _RETENTIONS:
            longer = next((item for item in _RETENTIONS if item > max(days, 0)), _RETENTIONS[-1])
            yield Fault(
                ("exporters", name, "log_retention"),
                f"CloudWatch Logs keeps no event for {days} days",
                f"Write {longer}, or another of: {', '.join(map(str, _RETENTIONS[1:]))}; 0 keeps them forever.",
            )


RULES = (
    rule("warning", dropped_declaration, documentation=_DOCUMENTATION),
    rule("error", log_retention, shared=True, documentation=_DOCUMENTATION),
)
