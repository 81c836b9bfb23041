# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the embedded metric format."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running

TEN = [f"d{number}" for number in range(10)]


def emf(**settings: Any) -> Json:
    return running("metrics", exporters={"awsemf": settings})


def declared(*dimensions: Any, **more: Any) -> Json:
    return emf(metric_declarations=[{"metric_name_selectors": [".*"], "dimensions": list(dimensions), **more}])


CASES = [
    Case(
        "dropped-declaration",
        "no selector",
        emf(metric_declarations=[{"dimensions": [["Cluster"]]}]),
        "exporters.awsemf.metric_declarations[0]",
        "it selects no metric Add `metric_name_selectors: [REGULAR EXPRESSION]`.",
    ),
    Case(
        "dropped-declaration",
        "too many dimensions",
        declared(["Cluster"], [*TEN, "one_more"]),
        "exporters.awsemf.metric_declarations[0].dimensions[1]",
        "it has 11 dimensions, and awsemf drops sets of more than 10",
    ),
    Case("dropped-declaration", "ten dimensions", declared(TEN)),
    Case("dropped-declaration", "none", emf()),
    Case("dropped-declaration", "no mapping", emf(metric_declarations=["a", None])),
    Case(
        "log-retention",
        "ten days",
        emf(log_retention=10),
        "exporters.awsemf.log_retention",
        "CloudWatch Logs keeps no event for 10 days Write 14, or another of: 1, 3, 5,",
    ),
    Case(
        "log-retention",
        "a hundred years",
        running("logs", exporters={"awscloudwatchlogs": {"log_retention": 36500}}),
        "exporters.awscloudwatchlogs.log_retention",
        "Write 3653,",
    ),
    Case("log-retention", "a month", emf(log_retention=30)),
    Case("log-retention", "forever", emf(log_retention=0)),
    Case("log-retention", "a variable", emf(log_retention="${env:DAYS}")),
]
