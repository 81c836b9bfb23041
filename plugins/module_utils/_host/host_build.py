# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector of a host with its finished config, and all that follows from the config. Private.

`_host_build.py` of plugin_utils makes a `HostBuild` for each collector of a host, and checks it
(host_build_checks.py). Out of it follow the bundle, which is all that the host gets (host_bundle.py), and the summary
that people read (host_summary.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._host_change.service_environment import ServiceEnvironment
from .._otelcol.needs.derive_needs import Needs
from .._otelcol.needs.listeners import Listener
from .host_credentials import HostEnvironment
from .host_needs import HostNeeds
from .host_options import HostCollector
from .host_program import HostProgram
from .systemd_unit import UnitRequest, render_unit_text


@dataclass(frozen=True)
class HostBuild:
    """A collector of a host with its finished config, and all that follows from it."""

    collector: HostCollector
    config_text: str
    """The config that the service reads, with credentials in files."""
    composed_text: str
    """The config as recipes and users write it, with credentials in variables."""
    shown_text: str
    """`config_text` without secrets, for differences."""
    listeners: tuple[Listener, ...]
    needs: Needs
    host_needs: HostNeeds
    environment: HostEnvironment
    program: HostProgram
    host_name_lines: tuple[str, ...] = ()
    """Lines for the service's file of hosts, which name gateways."""
    receiving_collectors: tuple[Mapping[str, str], ...] = ()
    """The collectors of the inventory that get its data, each with `exporter`, `collector`, and the host or cluster as
    `place`."""
    sending_services: tuple[ServiceEnvironment, ...] = ()
    """The services of the host that send to it."""

    def render_unit(self) -> str:
        """Return the text of the unit."""
        has_host_names = bool(self.host_name_lines)
        return render_unit_text(UnitRequest(self.collector, self.host_needs, self.environment, has_host_names))


def bracket_host(address: str) -> str:
    """Return an address as URLs have it: `[::1]` for `::1`, and `127.0.0.1` as it is."""
    return f"[{address.strip('[]')}]" if ":" in address else address
