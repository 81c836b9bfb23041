# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive what a config needs of a Linux host: capabilities, groups, and settings of the sandbox of its unit. Private.

`_host_build.py` of plugin_utils calls `derive_host_needs` with the finished config, whether a recipe or a user has
written it, and `systemd_unit.py` renders the result. What each type of component needs is in component_rows.py. The
sandbox of the unit is never too strict for a component: a relaxation makes a setting less strict. For example, for
receiver `file_log` with files in /home, and for `docker_stats` without consent:

    HostNeeds(
        relaxations=(Relaxation("ProtectHome", "read-only", "receivers.file_log, it reads files in home folders"),),
        lacking_lines=("receivers.file_log reads only files that everybody … may read, unless `allow` lists …",),
        refused_rights=(RefusedRight("docker", "receivers.docker_stats", "asks Docker through its socket"),),
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from .._otelcol.config.paths import format_path
from .._otelcol.needs.listeners import Listener
from .._otelcol.needs.started_components import list_started_components
from .component_rows import CAPABILITIES, HOST_ROWS

# The capability to open the ports below 1024.
LOW_PORTS = "CAP_NET_BIND_SERVICE"
# The first port that every user may open. Source: ip_unprivileged_port_start in ip-sysctl of the Linux kernel.
_FIRST_FREE_PORT = 1024


@dataclass(frozen=True)
class Relaxation:
    """A setting of the unit that one component needs, and that is less strict than the sandbox."""

    setting: str
    """Such as `ProtectHome`."""
    value: str
    """Such as `read-only`."""
    reason: str
    """The component, such as `receivers.file_log`, and why it needs this."""

    def __str__(self) -> str:
        """Return the line that people read."""
        return f"{self.setting}={self.value}: {self.reason}"


@dataclass(frozen=True)
class RefusedRight:
    """A right that a component cannot start without, and where the component is in the config."""

    right: str
    component: str
    """Such as `receivers.docker_stats`."""
    reason: str
    """What the component does by the right, after its name in a sentence."""


@dataclass(frozen=True)
class HostNeeds:
    """All that a config needs of its host."""

    relaxations: tuple[Relaxation, ...]
    """The settings of the unit that are less strict than the sandbox."""
    lacking_lines: tuple[str, ...]
    """What components do without, and which consent gives it."""
    refused_rights: tuple[RefusedRight, ...] = ()
    """The rights without which a component cannot start, and to which the user has not consented."""

    def list_setting_values(self, setting: str) -> tuple[str, ...]:
        """Return the values that components need for a setting of the unit, each once, in a stable order."""
        return tuple(sorted({relaxation.value for relaxation in self.relaxations if relaxation.setting == setting}))


def derive_host_needs(config: Any, listeners: Iterable[Listener], allow: Iterable[str]) -> HostNeeds:
    """Return what the components in use of a config need of their host.

    `allow` has the rights to which the user consents.
    """
    relaxations: list[Relaxation] = []
    lacking: list[str] = []
    refused: list[RefusedRight] = []
    for part in list_started_components(config):
        host_row = HOST_ROWS.get((part.section, part.type))
        if host_row is None:
            continue
        component = format_path(part.path)
        for setting in host_row.list_settings(part.settings):
            relaxations.append(Relaxation(setting.name, setting.value, f"{component}, {setting.reason}"))
        for guarded in host_row.list_guarded_rights(part.settings):
            if guarded.right in allow:
                relaxations.append(Relaxation(guarded.setting, guarded.right, f"{component}, and `allow` consents"))
            elif guarded.is_needed:
                refused.append(RefusedRight(guarded.right, component, guarded.clause))
            else:
                lacking.append(f"{component} {guarded.clause}, unless `allow` lists {guarded.right}")
    relaxations += _find_low_ports(listeners)
    return HostNeeds(_drop_repeated(relaxations), _drop_repeated(lacking), _drop_repeated(refused))


_Item = TypeVar("_Item")


def _drop_repeated(repeated_values: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(repeated_values))


def _find_low_ports(listeners: Iterable[Listener]) -> Iterator[Relaxation]:
    """Yield the right to open each port below 1024. It needs no consent, because it gives no access to files."""
    for listener in listeners:
        if listener.port < _FIRST_FREE_PORT:
            config_path = format_path(listener.path)
            yield Relaxation(CAPABILITIES, LOW_PORTS, f"{config_path}, it listens on port {listener.port}")
