# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import Sent
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.replay import order_by_arrival


def test_signals_stand_in_the_order_of_the_capture_whichever_batch_came_first() -> None:
    arrived = {signal: Sent() for signal in ("profiles", "traces", "metrics")}
    ordered = order_by_arrival(arrived, ["logs", "metrics", "traces"])
    assert list(ordered) == ["metrics", "traces", "profiles"]
    assert ordered["traces"] is arrived["traces"]
