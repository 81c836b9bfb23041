# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One collector of a Linux host as typed values: what collectors of clusters have too, and what hosts have. Private.

The fields are the inputs of role otel_host, without its prefix; its argument_specs.yml says what each means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._collector.options import Collector
from .._collector.recipes import SERVICE_MODE
from .._host_change.bundle_form import state_folder, unit_name
from .._otelcol.needs.pod_logs import PodLogs

# The options that mean on a host what they mean in a cluster. All others of a cluster speak of its objects.
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
HOST_MODE, HOST_BACKEND = SERVICE_MODE, "systemd"


@dataclass(frozen=True)
class HostCollector(Collector):
    """A collector that systemd runs as a service of a host."""

    listen_address: str
    address: str
    tls: dict[str, Any]
    health_port: int
    metrics_port: int
    program: dict[str, Any]
    user: str
    groups: list[str]
    keep: int
    ready_seconds: int
    watch_seconds: int

    @classmethod
    def from_host_options(cls, options: Mapping[str, Any], cluster_defaults: Mapping[str, Any]) -> HostCollector:
        """Return the collector of a host with these options. Raises Problem for values that are out of range.

        `cluster_defaults` has the defaults of the options that only clusters have.
        """
        fixed_options = {"mode": HOST_MODE, "backend": HOST_BACKEND, "pre_stop_seconds": 0, "cpu_request": ""}
        return cls.from_options({**cluster_defaults, **options, **fixed_options})  # type: ignore[return-value]

    @property
    def listen_host(self) -> str:
        """Where its receivers listen: on the loopback, unless the user gives another address."""
        return self.listen_address

    @property
    def own_host(self) -> str:
        """Where its health and its own metrics are served: never beyond the host."""
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
        """No pod prints its logs: the journal has them."""
        return PodLogs(HOST_MODE, "", self.name, "")
