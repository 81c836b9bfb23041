# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exporters of a config that send OTLP to the address of a group of gateways. Private.

For example, the alias `gateways.internal` stands for two gateways (host_groups.py). The exporter
`otlp: {endpoint: "https://gateways.internal:4317"}` sends to both, so `find_sending_exporters` yields it twice, once
with each gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.paths import iter_leaves, mapping_at
from .._otelcol.traits import divides_data, find_otlp_protocol
from .host_groups import GRPC, Gateway, GroupAddress


class SendingExporter(NamedTuple):
    """An exporter that sends to a gateway."""

    name: str
    settings: dict[str, Any]
    gateway: Gateway


def find_sending_exporters(config: Mapping[str, Any], address: GroupAddress) -> Iterator[SendingExporter]:
    """Yield the exporters of OTLP that send to the address of a group, once for each gateway that gets their data."""
    for name, settings in mapping_at(config, "exporters").items():
        if isinstance(name, str) and sent_protocol(name):
            for gateway in address.gateways_at(_list_addresses(settings)):
                yield SendingExporter(name, settings, gateway)


def _list_addresses(settings: Any) -> set[str]:
    """Return all texts of some settings, cut at slashes: the addresses without scheme and path are among them.

    Of `https://gw1:4318/v1/traces`, one part is `gw1:4318`. All texts are taken, because each exporter has its
    addresses in other settings.
    """
    parts: set[str] = set()
    for _path, value in iter_leaves(settings):
        if isinstance(value, str):
            parts.update(value.split("/"))
    return parts


def sent_protocol(exporter: str) -> str:
    """Return the protocol over which an exporter sends OTLP, `grpc` or `http`; empty if it does not send OTLP."""
    return GRPC if divides_data(exporter) else find_otlp_protocol(exporter)
