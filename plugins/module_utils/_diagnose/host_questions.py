# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask a host about a config: files, certificates and peers that it names, and its OTLP receiver. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._collector.probing import passed_signals, received_signals, sampled_probe
from .._otelcol.config.paths import address, items, leaves, section
from .._otelcol.needs.listeners import started_parts
from .._otelcol.needs.peers import peers

_FILE_RECEIVERS = ("filelog",)
_CERTIFICATES = ("cert_file", "key_file", "ca_file", "client_ca_file")
# Where no namespace is meant: peers of hosts are names of DNS.
_NOWHERE = ""
# Where a process of the same host reaches a receiver that listens on all addresses.
LOOPBACK_OF_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_PATIENCE_SECONDS = 30


def host_question(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to ask the host about a collector with this config."""
    sampled = sampled_probe(config)
    url, signals = "", []
    if not untested(config):
        url, signals = _receiver_url(config), passed_signals(config)
    return {
        "name": name,
        "files": list(_files(config)),
        "certificates": list(_certificates(config)),
        "peers": list(_peers(config)),
        "journals": [part.path[1] for part in started_parts(config) if part.kind == "journald"],
        "url": url,
        "signals": signals,
        "timeout_seconds": sampled.get("timeout_seconds", _PATIENCE_SECONDS),
        "failed_spans": bool(sampled),
    }


def untested(config: Mapping[str, Any]) -> str:
    """Return why no test data is sent to a collector; empty if it is. The words are those of clusters."""
    http = _http(config)
    if http is None or not received_signals(config):
        return "it has no OTLP receiver over HTTP"
    if section(http, "tls").get("client_ca_file"):
        return "its OTLP receiver over HTTP requires a client's certificate"
    if section(http, "auth"):
        return "its OTLP receiver over HTTP requires a login"
    if not passed_signals(config):
        return "its sampler may drop what is sent"
    if section(config, "service", "telemetry", "metrics").get("level") == "none":
        return "it does not serve its own metrics"
    return ""


def _http(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the settings of OTLP/HTTP of the first OTLP receiver in use that has it."""
    for part in started_parts(config):
        protocols = section(part.settings, "protocols")
        if part.section == "receivers" and part.kind == "otlp" and "http" in protocols:
            return section(protocols, "http")
    return None


def _receiver_url(config: Mapping[str, Any]) -> str:
    """Return the URL of the OTLP receiver over HTTP, as a process of the same host reaches it."""
    settings = _http(config) or {}
    given_host, port = address(settings.get("endpoint") or "localhost:4318")
    host = LOOPBACK_OF_ANY.get(given_host, given_host)
    if ":" in host:
        host = f"[{host}]"
    scheme = "https" if section(settings, "tls") else "http"
    return f"{scheme}://{host}:{port or 4318}"


def _files(config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for part in started_parts(config):
        if part.section == "receivers" and part.kind in _FILE_RECEIVERS:
            for pattern in items(part.settings, "include"):
                yield {"about": "/".join(part.path), "pattern": str(pattern)}


def _certificates(config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the files of certificates and keys that the started components name by an absolute path."""
    for part in started_parts(config):
        for path, value in leaves(part.settings):
            if not path or path[-1] not in _CERTIFICATES:
                continue
            if isinstance(value, str) and value.startswith("/"):
                yield {"about": "/".join(part.path), "path": value}


def _peers(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for peer in peers(config, _NOWHERE):
        if peer.port and "$" not in peer.host:
            yield {"about": peer.about, "host": peer.host.strip("[]"), "port": peer.port}
