# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one collector of a Linux host, as typed values. Private.

`_host_options.py` of plugin_utils makes a `HostCollector` of each entry of `otel_host_collectors`. The fields are the
inputs of role otel_host without their prefix; argument_specs.yml of the role describes each. Code
for collectors of clusters works with these collectors too, so `HostCollector` is a `Collector`: its options about
objects of Kubernetes have the defaults of a cluster, and nothing reads them for a host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._collector.options import Collector
from .._collector.recipes import SERVICE_MODE
from .._host_change.bundle_form import state_folder, unit_name
from .._otelcol.needs.pod_logs import PodLogs

# The options that have the same meaning on a host and in a cluster. All other options of a cluster are about objects of
# Kubernetes.
SHARED_OPTIONS = (
    "name",
    "recipes",
    "config",
    "config_files",
    "log_level",
    "distribution",
    "version",
    "memory_limit",
    "memory_percent",
    "memory_spike_percent",
    "cpu_limit",
    "allow",
    "env",
    "termination_grace_seconds",
)
# The options that only collectors of hosts have.
HOST_OPTIONS = (
    "listen_address",
    "address",
    "tls",
    "health_port",
    "metrics_port",
    "program",
    "user",
    "groups",
    "keep",
    "ready_seconds",
    "watch_seconds",
)
# The mode and the backend of each collector of a host.
HOST_MODE = SERVICE_MODE
HOST_BACKEND = "systemd"


@dataclass(frozen=True)
class HostCollector(Collector):
    """A collector that systemd runs as a service of a host."""

    listen_address: str
    """Where its receivers listen."""
    address: str
    """How other hosts reach its receivers, if not by `listen_address`; empty if not set."""
    tls: dict[str, Any]
    """Certificates for mutual TLS, with the keys of `host_tls`; empty if not set."""
    health_port: int
    """The port of its health check."""
    metrics_port: int
    """The port of its own metrics."""
    program: dict[str, Any]
    """The Collector's program, see `host_program.read_host_program`."""
    user: str
    """The user of the service; empty for a user that systemd makes."""
    groups: list[str]
    """Further groups of the user."""
    keep: int
    """How many releases stay on the host."""
    ready_seconds: int
    """How many seconds it may take to be ready after a start."""
    watch_seconds: int
    """How many seconds a change is watched before it stays."""

    @classmethod
    def from_host_options(cls, options: Mapping[str, Any], cluster_defaults: Mapping[str, Any]) -> HostCollector:
        """Return the collector of a host with these options, which have no prefix.

        `cluster_defaults` has values for the options that only collectors of clusters have. Raises Problem for values
        that are out of range.
        """
        # A host has no pod: nothing delays its stop, and no scheduler asks what CPU it needs.
        fixed_options = {"mode": HOST_MODE, "backend": HOST_BACKEND, "pre_stop_seconds": 0, "cpu_request": ""}
        return cls.from_options({**cluster_defaults, **options, **fixed_options})  # type: ignore[return-value]

    @property
    def listen_host(self) -> str:
        """The host on which its receivers listen."""
        return self.listen_address

    @property
    def own_host(self) -> str:
        """The host on which it serves its health and its own metrics: only this machine reaches them."""
        return "127.0.0.1"

    @property
    def state_directory(self) -> str:
        """The one folder that it may write to."""
        return state_folder(self.name)

    @property
    def service_name(self) -> str:
        """The name of its unit."""
        return unit_name(self.name)

    @property
    def logs(self) -> PodLogs:
        """The place of its logs, of which no pod knows: they are in the journal."""
        return PodLogs(HOST_MODE, "", self.name, "")
