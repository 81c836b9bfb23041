# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import record_lines

from tests.support.cases import cases

POINT: dict[str, Any] = {"name": "m", "attributes": {}, "resource": {}}
GAUGE: dict[str, Any] = {**POINT, "type": "gauge", "value": 1}
SUM: dict[str, Any] = {**POINT, "type": "sum", "value": 1, "temporality": "delta", "monotonic": True}


@cases(
    "old_record, new_record, changes",
    (GAUGE, SUM, ["type: 'gauge' → 'sum'", "temporality: nothing → 'delta'", "monotonic: nothing → True"]),
    (SUM, GAUGE, ["type: 'sum' → 'gauge'", "temporality: 'delta' → nothing", "monotonic: True → nothing"]),
    (POINT, {"name": "m", "attributes": {"x": 1}}, ["attributes.x: nothing → 1"]),
)
def test_a_record_may_get_and_lose_fields(old_record: Any, new_record: Any, changes: list[str]) -> None:
    assert list(record_lines.describe_changes(old_record, new_record)) == changes
