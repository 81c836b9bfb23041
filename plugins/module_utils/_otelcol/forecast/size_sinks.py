# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporters of a replay that send as the user's exporters do, so that their bytes can be counted. Private.

A forecast replays a capture through the config, with its exporters replaced by sinks: exporters that send what they get
to this process as JSON (testing/harness.py). JSON does not tell how many bytes the user's exporter would send. So
beside the sink of exporter otlp stands a size sink:

    exporters: {otlp_http/0_otlp: {…}, otlp_http/0_otlp_size: {endpoint: "http://127.0.0.1:4318/size%20of%20otlp",
      compression: gzip, sending_queue: {…}, retry_on_failure: {enabled: false}}}

It makes the batches of the user's exporter, and compresses them in the same way. replay.py in plugin_utils adds size
sinks, and counts the bytes that arrive below their paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..config.paths import mapping_at
from ..needs.quantities import MIB
from ..testing.harness import Harness
from ..testing.replaced_ends import ReplacedEnds
from ..traits import EXPORTERS, Trait, traits_of

_NAME_PREFIX = "size of "
_OTLP_TRAITS = {Trait.SPEAKS_GRPC, Trait.SPEAKS_HTTP, Trait.DIVIDES}
_COMPRESSION = "gzip"
"""What exporters of OTLP use. Source: README.md of exporter/otlpexporter and exporter/otlphttpexporter."""
_QUEUE = "sending_queue"
_NO_FLUSH = "1h"
"""Longer than any replay."""
_NEVER_FULL = 10**9
"""Bytes, items or requests: the queue holds what waits for a batch, and more is not lost but waits."""
_SINK_QUEUE_BYTES = 128 * MIB
"""What may wait for a sink that counts more slowly than the Collector works; a request of OTLP has 20 MiB at most."""
_SINK_BATCH_BYTES = MIB // 4
"""Of protobuf. A sink needs as long for a request by itself as for some 10 KiB of it."""
_BATCHING_NAME = "otlp_http"
"""What the exporter is called since 0.144. Queues of these versions have batches by bytes."""
_SETTINGS_OF_SIZE = ("compression", "compression_params", "encoding")
"""Settings on which the bytes of a request depend."""


def name_size_sink(exporter: str) -> str:
    """Return the name under which the bytes of an exporter come: `size of otlp`."""
    return f"{_NAME_PREFIX}{exporter}"


def exporter_of_size_sink(name: str) -> str:
    """Return the exporter whose bytes come under a name: `otlp` of `size of otlp`; empty if it is no such name."""
    return name.removeprefix(_NAME_PREFIX) if name.startswith(_NAME_PREFIX) else ""


def sends_otlp(exporter: str) -> bool:
    """Return whether an exporter sends OTLP. The bytes of others are counted as if they did."""
    return bool(_OTLP_TRAITS & traits_of(EXPORTERS, exporter))


def add_size_sinks(
    replay: dict[str, Any], ends: ReplacedEnds, config: Mapping[str, Any], sinks: Mapping[str, str]
) -> None:
    """Add to the config of a replay an exporter beside each sink. `sinks` has the user's exporter of each."""
    for sink, exporter in sinks.items():
        size_sink = f"{sink}_size"
        replay["exporters"][size_sink] = _build_size_sink(exporter, mapping_at(config, "exporters", exporter), ends)
        for pipeline in replay["service"]["pipelines"].values():
            if sink in pipeline["exporters"]:
                pipeline["exporters"].append(size_sink)


def batch_sinks(harness: Harness, ends: ReplacedEnds) -> None:
    """Let the sinks of a replay get many requests at once, in their order and uncut, since each costs time by itself.

    This changes the config of the harness. Nothing changes where a component sends by time: the replay counts requests
    to see the end of that.
    """
    if harness.flush_count or ends.otlp_http != _BATCHING_NAME:
        return
    batch = {"sizer": "bytes", "min_size": _SINK_BATCH_BYTES, "flush_timeout": _NO_FLUSH}
    for sink in harness.exporter_by_sink:
        harness.config["exporters"][sink][_QUEUE] = {
            "sizer": "bytes",
            "queue_size": _SINK_QUEUE_BYTES,
            "num_consumers": 1,
            "block_on_overflow": True,
            "batch": dict(batch),
        }


def _build_size_sink(exporter: str, settings: Mapping[str, Any], ends: ReplacedEnds) -> dict[str, Any]:
    """Return the settings of a size sink, with what the user's exporter has that its bytes depend on."""
    kept_settings = {}
    if sends_otlp(exporter):
        kept_settings = {key: settings[key] for key in _SETTINGS_OF_SIZE if key in settings}
    return {
        "endpoint": f"{ends.sink_address}/{quote(name_size_sink(exporter), safe='')}",
        "compression": _COMPRESSION,
        **kept_settings,
        _QUEUE: _build_queue(mapping_at(settings, _QUEUE)),
        "retry_on_failure": {"enabled": False},
    }


def _build_queue(queue_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the queue that makes the same batches, and lets what is replayed faster than it came wait.

    All batches are full but the last, so that the bytes do not depend on how busy this machine is.
    """
    if queue_settings.get("enabled") is False or "batch" not in queue_settings:
        return {"enabled": False}
    batch = {**(queue_settings["batch"] or {}), "flush_timeout": _NO_FLUSH}
    sizer = {"sizer": queue_settings["sizer"]} if "sizer" in queue_settings else {}
    return {**sizer, "queue_size": _NEVER_FULL, "num_consumers": 1, "block_on_overflow": True, "batch": batch}
