# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.quantities import parse_duration

from ...helpers import cases


@cases(
    "text, seconds",
    ("10s", 10),
    ("1m30s", 90),
    ("1h0.5m", 3630),
    ("1.s", 1),
    (".5s", 0.5),
    ("250ms", 0.25),
    ("100us", 1e-4),
    ("100µs", 1e-4),
    ("500ns", 5e-7),
    ("", 0),
    (None, 0),
    ("${env:WAIT}", 0),
    ("1.2.3s", 0),
)
def test_a_duration_of_go_is_seconds(text: Any, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
