# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manifest of a capture says: whose data it is, how much, for how long, and what was masked. Private.

A manifest holds no value of telemetry and no config: the config is a hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .._otelcol.forecast.capture_facts import COLLECTOR_RATE, HASH_MODE, POD_RATE
from .capture_sample import Sample, SampleEnd, SignalSize
from .kept_values import ENUMERATED_ATTRIBUTES

FORMAT = 1
# In fewer seconds, a single request decides what a rate is.
_LEAST_SECONDS = 3.0
# What is masked how, by the option `values`.
_HASHED_PARTS = {
    "values": "keyed BLAKE2b with a key of the run that is not kept; the length stays",
    "bodies": "templates; a placeholder is the mask of what it stands for, between < and >",
    "span_names": "templates",
    "ids": "masked; equal ids stay equal",
    "stays": "names of attributes, metrics and events; numbers of data points; times; enumerations",
}
_KEPT_PARTS = {
    "values": "kept, but for headers of requests, values under names of secrets, and texts that look like secrets",
    "ids": "masked; equal ids stay equal",
}


def signal_file_name(signal: str) -> str:
    """Return the name of the file of a signal."""
    return f"{signal}.jsonl.gz"


def describe_masking(values: str, keep: list[str]) -> dict[str, Any]:
    """Return what the manifest says of masking."""
    masked_parts: dict[str, Any] = dict(_HASHED_PARTS if values == HASH_MODE else _KEPT_PARTS)
    return {
        "mode": values,
        **masked_parts,
        "kept_attributes": sorted(keep),
        "enumerations": list(ENUMERATED_ATTRIBUTES),
    }


def build_signal_rows(sample: Sample, end: SampleEnd) -> dict[str, dict[str, Any]]:
    """Return how much each signal has, and its rates; none where the time is too short for them."""
    rows = {}
    for signal, size in sorted(sample.sizes.items()):
        row: dict[str, Any] = {"file": signal_file_name(signal), **asdict(size)}
        if end.seconds >= _LEAST_SECONDS:
            row |= _compute_rates(signal, size, end)
        rows[signal] = row
    return rows


def _compute_rates(signal: str, size: SignalSize, end: SampleEnd) -> dict[str, float]:
    """Return what the pod of the capture received in a second, and what all pods did if their own metrics say so."""
    rates = {
        POD_RATE: round(size.records / end.seconds, 3),
        "received_bytes_per_second": round(size.received_bytes / end.seconds, 3),
    }
    if end.served_records and signal in end.served_records.records_by_signal:
        rates[COLLECTOR_RATE] = round(
            (size.records + end.served_records.records_by_signal[signal]) / end.served_records.seconds, 3
        )
    return rates


def build_manifest(source_facts: Mapping[str, Any], sample: Sample, end: SampleEnd) -> dict[str, Any]:
    """Return the manifest of a capture. `source_facts` is what is known of its source."""
    signals = build_signal_rows(sample, end)
    has_collector_rates = any(COLLECTOR_RATE in row for row in signals.values())
    pod_facts = (
        {"rates_of_pods": end.served_records.known_pod_count} if end.served_records and has_collector_rates else {}
    )
    return {
        "capture": FORMAT,
        **source_facts,
        **pod_facts,
        "seconds": round(end.seconds, 3),
        "ended_by": end.ended_by,
        "records": sample.records,
        "signals": signals,
    }
