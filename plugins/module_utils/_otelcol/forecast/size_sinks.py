# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporters of a replay that send as the user's exporters do, so that their bytes can be counted. Private.

A forecast replays a capture through the config, with its exporters replaced by sinks: exporters that send what they get
to this process as JSON (testing/harness.py). JSON does not tell how many bytes the user's exporter would send. So
beside the sink of exporter otlp stands a size sink:

    exporters: {otlp_http/0_otlp: {…}, otlp_http/0_otlp_size: {endpoint: "http://127.0.0.1:4318/size%20of%20otlp",
      compression: gzip, sending_queue: {…}, retry_on_failure: {enabled: false}}}

It makes the batches of the user's exporter (sink_queues.py), and compresses them in the same way. replay.py in
plugin_utils adds size sinks, and counts the bytes that arrive below their paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..config.paths import mapping_at
from ..testing.harness import Harness
from ..testing.replaced_ends import ReplacedEnds
from ..traits import EXPORTERS, Trait, traits_of
from .sink_queues import QUEUE_SETTING, build_queue_of_size_sink

# Before the user's exporter in the name of its size sink: `size of otlp`.
_NAME_PREFIX = "size of "
# Each exporter of OTLP has one of these traits.
_OTLP_TRAITS = {Trait.SPEAKS_GRPC, Trait.SPEAKS_HTTP, Trait.DIVIDES}
# How an exporter of OTLP compresses if its settings do not say it.
# Source: README.md of exporter/otlpexporter and exporter/otlphttpexporter.
_DEFAULT_COMPRESSION = "gzip"
# The settings of an exporter of OTLP on which the bytes of a request depend.
_SETTINGS_OF_REQUEST_SIZE = ("compression", "compression_params", "encoding")


def name_size_sink(exporter: str) -> str:
    """Return the name under which the bytes of an exporter come: `size of otlp`."""
    return f"{_NAME_PREFIX}{exporter}"


def exporter_of_size_sink(name: str) -> str:
    """Return the exporter whose bytes come under a name: `otlp` of `size of otlp`; empty if it is no such name."""
    return name.removeprefix(_NAME_PREFIX) if name.startswith(_NAME_PREFIX) else ""


def sends_otlp(exporter: str) -> bool:
    """Return whether an exporter sends OTLP. The bytes of others are counted as if they did."""
    return bool(_OTLP_TRAITS & traits_of(EXPORTERS, exporter))


def add_size_sinks(harness: Harness, ends: ReplacedEnds, users_config: Mapping[str, Any]) -> None:
    """Add to the config of a replay a size sink beside each sink, in every pipeline that has the sink."""
    replay_config = harness.config
    for sink, users_exporter in harness.exporter_by_sink.items():
        size_sink = f"{sink}_size"
        users_settings = mapping_at(users_config, "exporters", users_exporter)
        replay_config["exporters"][size_sink] = _build_size_sink(users_exporter, users_settings, ends)
        for pipeline in replay_config["service"]["pipelines"].values():
            if sink in pipeline["exporters"]:
                pipeline["exporters"].append(size_sink)


def _build_size_sink(users_exporter: str, users_settings: Mapping[str, Any], ends: ReplacedEnds) -> dict[str, Any]:
    """Return the settings of a size sink: its own address, and the user's settings on which the bytes depend."""
    size_settings = {}
    if sends_otlp(users_exporter):
        size_settings = {key: users_settings[key] for key in _SETTINGS_OF_REQUEST_SIZE if key in users_settings}
    return {
        "endpoint": f"{ends.sink_address}/{quote(name_size_sink(users_exporter), safe='')}",
        "compression": _DEFAULT_COMPRESSION,
        **size_settings,
        QUEUE_SETTING: build_queue_of_size_sink(mapping_at(users_settings, QUEUE_SETTING)),
        "retry_on_failure": {"enabled": False},
    }
