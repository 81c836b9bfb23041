# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure a fault of a statement is. What is a fault is in ottl_cases.py."""

from __future__ import annotations

import pytest

from .cases import case, findings


@pytest.mark.parametrize("listed_id", ["routing/a", "routing / a"])
@pytest.mark.parametrize("key", ["routing/a", "routing / a"])
def test_a_connector_is_in_use_however_its_id_is_spelled(key: str, listed_id: str) -> None:
    table = [{"context": "log", "condition": "a =="}]
    pipelines = {"logs": {"exporters": [listed_id]}, "logs/2": {"receivers": [listed_id]}}
    config = {"connectors": {key: {"table": table}}, "service": {"pipelines": pipelines}}
    (finding,) = findings(case("ottl-syntax", "spelled", {"build": "contrib 0.158.0", "config": config}))
    assert finding.severity == "error", finding.message
