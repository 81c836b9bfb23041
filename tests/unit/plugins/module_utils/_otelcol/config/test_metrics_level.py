# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which level turns off the metrics of a Collector."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.metrics_level import has_own_metrics


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({}, True),
        ({"level": "none"}, False),
        ({"level": "NONE"}, False),
        ({"level": "basic"}, True),
        ({"level": 0}, True),
    ],
)
def test_a_level_of_none_turns_metrics_off(metrics: dict[str, Any], expected: bool) -> None:
    assert has_own_metrics({"service": {"telemetry": {"metrics": metrics}}}) == expected
