# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry import metrics_address

from ..helpers import cases


@cases(
    "settings, place",
    ({}, ("localhost", 8888)),
    ({"level": "none"}, ("", 0)),
    ({"level": "None"}, ("", 0)),
    ({"address": "0.0.0.0:9999"}, ("0.0.0.0", 9999)),
    ({"address": "0.0.0.0:${env:PORT}"}, ("0.0.0.0", 8888)),
    ({"readers": [{"pull": {"exporter": {"prometheus": {"host": "1.2.3.4", "port": 7}}}}]}, ("1.2.3.4", 7)),
    ({"readers": [{"periodic": {}}]}, ("", 0)),
)
def test_where_the_metrics_are(settings: Any, place: Any) -> None:
    assert metrics_address.find_metrics_address({"service": {"telemetry": {"metrics": settings}}}, 8888) == place
