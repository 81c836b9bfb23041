# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a capture, a JSON file beside its records: whose data it is, how much, and what is masked. Private.

`capture_task` writes it, and `capture_facts` reads it for a forecast. It holds no value of telemetry, and of the config
a hash alone. For example:

    {"capture": 1, "source": "pod", "begun": "2026-07-01T12:00:00Z", "seconds": 60.0, "ended_by": "seconds",
     "signals": {"traces": {"file": "traces.jsonl.gz", "records": 5120, …}}, "masked": {"mode": "hash", …}, …}

The source of a capture is a pod or files with records. Which keys a manifest has:

| keys | of a pod | of files |
|---|---|---|
| `capture`, `source`, `begun`, `seconds`, `ended_by`, `records`, `signals`, `masked` | always | always |
| `files` | never | always |
| `collector` | always | if the user names the collector |
| `image`, `config_sha256`, `other_pods`, `asked_signals`, `receivers`, `left_out_receivers` | always | never |
| `nodes` | if several nodes have a load of their own | never |
| `rates_of_pods` | if metrics of other pods were read | never |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from .._otelcol.forecast.capture_facts import COLLECTOR_RATE, HASH_MODE, POD_RATE
from .capture_sample import CaptureSample, SampleEnd, SignalSize
from .kept_values import ENUMERATED_ATTRIBUTES

# The version of the format.
FORMAT = 1
# In fewer seconds, a single request decides what a rate is.
_LEAST_SECONDS = 3.0
# How each part of a record is masked in mode `hash`, and in mode `keep`.
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


class CapturedCollector(TypedDict, total=False):
    """The collector whose data a capture has; `namespace` is missing for a Linux host, `kind` for files."""

    namespace: str
    name: str
    kind: str


class SourceFacts(TypedDict, total=False):
    """What is known of the source of a capture before its first record."""

    source: str
    """`pod` or `files`."""
    begun: str
    """When the capture began, such as `2026-07-01T12:00:00Z`."""
    collector: CapturedCollector
    files: list[str]
    """The names of the files. This field is for source `files` alone, and all below are for source `pod` alone."""
    image: str
    config_sha256: str
    """What `hash_config` returns for the config of the collector."""
    other_pods: int
    """The number of pods with which the pod of the capture shares the load."""
    nodes: int
    """The number of nodes with a load of their own; missing if all pods share one load."""
    asked_signals: list[str]
    receivers: list[str]
    left_out_receivers: list[str]


# How much a capture has of a signal: `file`, the fields of SignalSize, and the rates of `_compute_rates`.
SignalRow = dict[str, Any]


class SourceRow(SourceFacts, total=False):
    """A capture in the result of the module in check mode."""

    path: str
    """The folder that the capture would have; empty for a collector."""


class _CountedFacts(TypedDict, total=False):
    """What is known if metrics of other pods say how much all pods received."""

    rates_of_pods: int
    """The number of other pods whose own metrics were read; missing if nothing was counted there."""


class CaptureManifest(SourceFacts, _CountedFacts, total=False):
    """The manifest of a capture, but for `masked`, which has what `describe_masking` returns."""

    capture: int
    """The version of the format."""
    seconds: float
    ended_by: str
    """What ended the sample: one of its bounds, or FILES_END."""
    records: int
    signals: dict[str, SignalRow]


class CaptureRow(CaptureManifest, total=False):
    """A capture in the result of the module."""

    path: str
    """The folder of the capture."""


def build_manifest(source_facts: SourceFacts, sample: CaptureSample, end: SampleEnd) -> CaptureManifest:
    """Return the manifest of a sample."""
    signal_rows = build_signal_rows(sample, end)
    counted_facts: _CountedFacts = {}
    has_collector_rates = any(COLLECTOR_RATE in row for row in signal_rows.values())
    if end.served_records and has_collector_rates:
        counted_facts["rates_of_pods"] = end.served_records.known_pod_count
    return {
        "capture": FORMAT,
        **source_facts,
        **counted_facts,
        "seconds": round(end.seconds, 3),
        "ended_by": end.ended_by,
        "records": sample.records,
        "signals": signal_rows,
    }


def build_signal_rows(sample: CaptureSample, end: SampleEnd) -> dict[str, SignalRow]:
    """Return the rows of all signals of a sample. They have no rates if the sample took less than three seconds."""
    rows = {}
    for signal, size in sorted(sample.sizes.items()):
        row: SignalRow = {"file": signal_file_name(signal), **asdict(size)}
        if end.seconds >= _LEAST_SECONDS:
            row |= _compute_rates(signal, size, end)
        rows[signal] = row
    return rows


def describe_masking(value_mode: str, kept_names: Sequence[str]) -> dict[str, Any]:
    """Return what the manifest says of masking: the mode, how each part is masked, and which values stay."""
    masked_parts = _HASHED_PARTS if value_mode == HASH_MODE else _KEPT_PARTS
    return {
        "mode": value_mode,
        **masked_parts,
        "kept_attributes": sorted(kept_names),
        "enumerations": list(ENUMERATED_ATTRIBUTES),
    }


def signal_file_name(signal: str) -> str:
    """Return the name of the file with the records of a signal."""
    return f"{signal}.jsonl.gz"


def _compute_rates(signal: str, size: SignalSize, end: SampleEnd) -> dict[str, float]:
    """Return what the pod of the capture received in a second, and what all pods did if their own metrics say so."""
    rates = {
        POD_RATE: round(size.records / end.seconds, 3),
        "received_bytes_per_second": round(size.received_bytes / end.seconds, 3),
    }
    served = end.served_records
    if served and signal in served.records_by_signal:
        all_records = size.records + served.records_by_signal[signal]
        rates[COLLECTOR_RATE] = round(all_records / served.seconds, 3)
    return rates
