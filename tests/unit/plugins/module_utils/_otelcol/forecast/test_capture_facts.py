# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest says whose capture it is, and how much all pods received."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.capture_facts import (
    CaptureFacts,
    hash_config,
)

from tests.support.cases import cases


@cases(
    "manifest, facts",
    ({}, CaptureFacts()),
    ({"source": "files", "signals": {"logs": {"records": 7}}}, CaptureFacts()),
    (
        {
            "collector": {"namespace": "a", "name": "gateway"},
            "config_sha256": "f00",
            "other_pods": 2,
            "signals": {"traces": {"records_per_second": 4.5}},
        },
        CaptureFacts("gateway", "f00", {"traces": 13.5}, uncounted_signals=("traces",)),
    ),
    (
        {"other_pods": 1, "nodes": 3, "signals": {"logs": {"records_per_second": 2.0}}},
        CaptureFacts(rate_by_signal={"logs": 12.0}, node_count=3, uncounted_signals=("logs",)),
    ),
    (
        {
            "other_pods": 1,
            "nodes": 3,
            "signals": {"logs": {"records_per_second": 2.0, "collector_records_per_second": 9.5}},
        },
        CaptureFacts(rate_by_signal={"logs": 9.5}, node_count=3),
    ),
    ({"collector": "text", "signals": [], "nodes": "many"}, CaptureFacts()),
    ({"signals": {"logs": {"records_per_second": True}, "traces": {"records_per_second": -3}}}, CaptureFacts()),
    ({"signals": {"logs": {"collector_records_per_second": float("nan")}}}, CaptureFacts()),
    ({"signals": {"logs": 5, "traces": {"records_per_second": "x"}, "metrics": None}}, CaptureFacts()),
)
def test_a_manifest_is_read_as_far_as_it_says_something(manifest: dict[str, Any], facts: CaptureFacts) -> None:
    assert CaptureFacts.of(manifest) == facts


def test_masks_and_receivers_that_were_left_out_are_noted() -> None:
    facts = CaptureFacts.of(
        {"masked": {"mode": "hash", "kept_attributes": ["url.path"]}, "left_out_receivers": ["prometheus"]}
    )
    assert list(facts.describe_limits()) == [
        "the capture has masks in place of values, but for url.path: conditions on other values match nothing",
        "the capture has nothing of prometheus, and neither have the figures",
    ]
    assert list(CaptureFacts.of({"masked": {"mode": "keep"}}).describe_limits()) == []


def test_rates_of_one_node_are_noted() -> None:
    row = {"records_per_second": 2.0}
    counted = {**row, "collector_records_per_second": 5.0}
    facts = CaptureFacts.of({"other_pods": 1, "nodes": 3, "signals": {"logs": row, "traces": counted}})
    assert facts.rate_by_signal == {"logs": 12.0, "traces": 5.0}
    (note,) = facts.describe_limits()
    assert note == "the capture is of one of 3 nodes, and its rates of logs are taken for those of each"
    assert list(CaptureFacts.of({"nodes": 3, "signals": {"traces": counted}}).describe_limits()) == []


def test_the_hash_of_a_config_does_not_depend_on_the_order_of_keys() -> None:
    assert hash_config({"a": 1, "b": 2}) == hash_config({"b": 2, "a": 1}) != hash_config({"a": 1})
