# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured shares are of what exporters send to other machines, by signal."""

from __future__ import annotations

import json

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import Sent
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import measure_resources
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.measured_shares import (
    has_sent_anything,
    measure_removed_shares,
)

from .planted import logs


def sent(records: int, size: int) -> Sent:
    made = Sent(byte_count=size)
    signal, request = logs(*[{"body": "x", "severity": "info"}] * records)
    made.tally.add_resources(signal, measure_resources(json.dumps(request, separators=(",", ":"))))
    return made


def test_shares_are_what_is_gone_of_all_exporters_but_debug() -> None:
    before = {
        "otlp_http/a": {"logs": sent(4, 100)},
        "otlp_http/b": {"logs": sent(4, 100)},
        "debug": {"logs": sent(9, 9)},
    }
    after = {"otlp_http/a": {"logs": sent(2, 60)}, "debug": {"logs": sent(9, 9)}}
    shares = measure_removed_shares(before, after)["logs"]
    assert (shares.item_share, shares.sent_share) == (0.75, 0.7)
    assert shares.as_dict()["items_percent"] == 75.0


def test_nothing_sent_is_seen() -> None:
    assert not has_sent_anything({"otlp_http": {}})
    assert has_sent_anything({"otlp_http": {"logs": sent(1, 1)}})
