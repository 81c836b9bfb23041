# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask a host about a config: files, certificates and peers that it names, and its OTLP receiver. Private.

`_host_diagnose.py` of plugin_utils sends the question with module host_diagnose, and `_host_change/host_answer.py`
describes what comes back. A peer is an address that an exporter sends to. For example, a config with a filelog and an
otlp receiver and an otlp exporter gives

    {"name": "agent", "files": [{"about": "receivers/filelog", "pattern": "/var/log/app/*.log"}], "certificates": [],
     "peers": [{"about": "exporters/otlp", "host": "gateway", "port": 4317}], "journals": [],
     "url": "http://127.0.0.1:4318", "signals": ["traces"], "timeout_seconds": 30, "failed_spans": False}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._collector.sampled_routes import (
    NO_HTTP_RECEIVER,
    SAMPLER_MAY_DROP,
    list_passed_signals,
    list_received_signals,
    plan_sampled_probe,
)
from .._host_change.host_question import CertificateFile, FilePattern, HostPeer, HostQuestion
from .._otelcol.config.metrics_level import has_own_metrics
from .._otelcol.config.paths import iter_leaves, list_at
from .._otelcol.needs.peers import find_peers
from .._otelcol.needs.started_components import list_started_components
from .otlp_http_receiver import find_http_receiver

_FILE_RECEIVERS = ("filelog",)
_CERTIFICATE_FIELDS = ("cert_file", "key_file", "ca_file", "client_ca_file")
# Peers of hosts are names of DNS, and in no namespace.
_NO_NAMESPACE = ""
_TIMEOUT_SECONDS = 30


def build_host_question(name: str, config: Mapping[str, Any]) -> HostQuestion:
    """Return what to ask the host about a collector with this config.

    `url` and `signals` are empty if no test data is sent. `plan_sampled_probe` returns nothing for a config without a
    tail sampler. Such a sampler passes failed spans, and needs more time.
    """
    sampler_probe = plan_sampled_probe(config)
    receiver = find_http_receiver(config)
    is_tested = not explain_missing_test_data(config)
    return {
        "name": name,
        "files": list(_list_file_patterns(config)),
        "certificates": list(_list_certificate_files(config)),
        "peers": list(_list_exporter_peers(config)),
        "journals": [part.id for part in list_started_components(config) if part.kind == "journald"],
        "url": receiver.url if receiver and is_tested else "",
        "signals": list_passed_signals(config) if is_tested else [],
        "timeout_seconds": sampler_probe.get("timeout_seconds", _TIMEOUT_SECONDS),
        "failed_spans": bool(sampler_probe),
    }


def explain_missing_test_data(config: Mapping[str, Any]) -> str:
    """Return why no test data is sent to a collector; empty if it is. For those of clusters, see probing.py."""
    receiver = find_http_receiver(config)
    if receiver is None or not list_received_signals(config):
        return NO_HTTP_RECEIVER
    if receiver.unreachable_reason:
        return receiver.unreachable_reason
    if not list_passed_signals(config):
        return SAMPLER_MAY_DROP
    if not has_own_metrics(config):
        return "it does not serve its own metrics"
    return ""


def _list_file_patterns(config: Mapping[str, Any]) -> Iterator[FilePattern]:
    """Yield the patterns of files that the started receivers read."""
    for part in list_started_components(config):
        if part.section == "receivers" and part.kind in _FILE_RECEIVERS:
            for pattern in list_at(part.settings, "include"):
                yield {"about": "/".join(part.path), "pattern": str(pattern)}


def _list_certificate_files(config: Mapping[str, Any]) -> Iterator[CertificateFile]:
    """Yield the files of certificates and keys that the started components name by an absolute path."""
    for part in list_started_components(config):
        for path, value in iter_leaves(part.settings):
            if not path or path[-1] not in _CERTIFICATE_FIELDS:
                continue
            if isinstance(value, str) and value.startswith("/"):
                yield {"about": "/".join(part.path), "path": value}


def _list_exporter_peers(config: Mapping[str, Any]) -> Iterator[HostPeer]:
    """Yield the addresses that exporters send to, without those that are known only when the collector starts."""
    for peer in find_peers(config, _NO_NAMESPACE):
        if peer.port and "$" not in peer.host:
            yield {"about": peer.component_path, "host": peer.host.strip("[]"), "port": peer.port}
