# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.item_counters import (
    ItemCounter,
    compare_counters,
    read_item_counters,
)

from ..helpers import cases

IN, OUT = ItemCounter("receiver_accepted", "spans"), ItemCounter("exporter_sent", "spans")


@cases(
    "line",
    'otelcol_receiver_accepted_spans{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans_total{receiver="otlp"} 3',
    'otelcol_receiver_accepted_spans__spans__total{receiver="otlp"} 3',
    "otelcol_receiver_accepted_spans__spans_ 3e+00",
    'otelcol_receiver_accepted_spans{receiver="a"} 1\notelcol_receiver_accepted_spans{receiver="b"} 2',
)
def test_counters_of_all_versions_are_read_and_summed(line: str) -> None:
    assert read_item_counters(f"# HELP x\n{line}\nother 1\n") == {IN: 3}


@pytest.mark.parametrize("name", ["processor_refused_spans", "processor_memory_limiter_refused_spans_total"])
def test_what_the_memory_limiter_refuses_is_read_by_both_names(name: str) -> None:
    assert list(read_item_counters(f"otelcol_{name} 2\n").values()) == [2]


@cases(
    "after, arrived, trouble",
    ({IN: 1, OUT: 1}, True, []),
    ({IN: 1}, False, []),
    ({IN: 1, ItemCounter("exporter_send_failed", "spans"): 1}, False, ["otelcol_exporter_send_failed_spans +1"]),
    ({IN._replace(item_name="log_records"): 1, OUT._replace(item_name="log_records"): 1}, False, []),
)
def test_growth_in_and_out_is_an_arrival(after: Any, arrived: Any, trouble: Any) -> None:
    found = compare_counters(Counter(), Counter(after), "traces")
    assert (found[0], found[2]) == (arrived, trouble)
