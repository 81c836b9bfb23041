# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive what a config needs of a Linux host: capabilities, groups, and settings of the sandbox of its unit. Private.

`derive_host_needs` is for `_host_build.py` of the controller, and `systemd_unit.py` renders the needs. They follow from
the finished config, whether a recipe or a user has written it. `HOST_ROWS` has a row for each type of component. What
the sandbox of the unit allows is never too strict for a component: a relaxation makes a setting less strict. A wish is
a right that needs the user's consent in the option `allow`, because its holder may do what root may do.

Sources: capabilities(7), systemd.exec(5), and the README of each component in opentelemetry-collector-contrib 0.158:
hostmetricsreceiver, "Collecting host metrics from inside a container" and the permissions of its scraper `process`;
journaldreceiver, "Setup and deployment"; filelogreceiver; dockerstatsreceiver, "Docker Socket Permissions";
podmanreceiver, and podman-system-service(1) on its socket; resourcedetectionprocessor, "Docker metadata". What the
scraper `filesystem` reads: gopsutil 4, disk_linux.go, which takes the mounts of /proc/1 before those of the process
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from .._otelcol.config.paths import format_path, list_at, mapping_at
from .._otelcol.needs.listeners import Listener, started_parts

READ_ALL, TRACE_PROCESSES, LOW_PORTS = "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE", "CAP_NET_BIND_SERVICE"
DOCKER = "docker"
# Capabilities and a group that let a collector do what only root may do: they need the user's consent.
GUARDED = (READ_ALL, TRACE_PROCESSES, DOCKER)
ROOT = "root"
JOURNAL_GROUP = "systemd-journal"
# The first port that every user may open. Source: ip_unprivileged_port_start in ip-sysctl of the Linux kernel.
_FIRST_FREE_PORT = 1024
_HOME_FOLDERS = ("/home/", "/root/", "/run/user/")
_TEMPORARY_FOLDERS = ("/tmp/", "/var/tmp/")  # what PrivateTmp hides
_DOCKER_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_PODMAN_SOCKETS = ("/run/podman/podman.sock", "/var/run/podman/podman.sock")
USER = "User"
_CAPABILITIES, _GROUPS = "AmbientCapabilities", "SupplementaryGroups"


@dataclass(frozen=True)
class Relaxation:
    """A setting of the unit that one component needs, and that is less strict than the sandbox."""

    setting: str
    """Such as `ProtectHome`."""
    value: str
    """Such as `read-only`."""
    reason: str
    """The place of the component in the config, and why it needs this."""

    def __str__(self) -> str:
        """Return the line that people read."""
        return f"{self.setting}={self.value}: {self.reason}"


@dataclass(frozen=True)
class Wish:
    """A right that a component gets only with the user's consent."""

    right: str
    """A capability or a group."""
    effect_without: str
    """What the component does without the right, such as `detects nothing of Docker`."""
    setting: str = _CAPABILITIES
    """The setting of the unit that gives the right."""
    is_needed: bool = False
    """Whether the component cannot start without the right."""


@dataclass(frozen=True)
class RefusedRight:
    """A right that a component cannot start without, and where the component is in the config."""

    right: str
    place: str
    """Such as `receivers.docker_stats`."""
    reason: str
    """What the component does by the right, after its place in a sentence."""


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


# The settings of a component in the config of a Collector.
Settings = Mapping[str, Any]


class UnitSetting(NamedTuple):
    """A setting of the unit that a component needs, its value, and the reason, as a clause after the component."""

    name: str
    value: str
    reason: str


def _list_no_settings(_settings: Settings) -> Iterator[UnitSetting]:
    return iter(())


def _list_no_wishes(_settings: Settings) -> Iterator[Wish]:
    return iter(())


@dataclass(frozen=True)
class HostRow:
    """What components of some types need of a host, by functions of the settings of a component."""

    component_types: tuple[str, ...]
    list_settings: Callable[[Settings], Iterator[UnitSetting]] = _list_no_settings
    list_wishes: Callable[[Settings], Iterator[Wish]] = _list_no_wishes


def _list_journal_settings(settings: Settings) -> Iterator[UnitSetting]:
    yield UnitSetting(_GROUPS, JOURNAL_GROUP, "it reads the journal of the host")
    if not settings.get("merge"):  # `journalctl --follow` without `--merge` takes the records of this boot alone
        yield UnitSetting("ProcSubset", "all", "journalctl reads the id of the boot in /proc")


def _list_file_settings(settings: Settings) -> Iterator[UnitSetting]:
    yield from _unhide_paths([str(glob) for glob in list_at(settings, "include")], "reads files")


def _unhide_paths(paths: Sequence[str], action: str) -> Iterator[UnitSetting]:
    """Yield the settings that let a component see paths in home folders and temporary folders.

    `action` is the beginning of the reason, such as `reads files`.
    """
    if any(path.startswith(_HOME_FOLDERS) for path in paths):
        yield UnitSetting("ProtectHome", "read-only", f"it {action} in home folders")
    if any(path.startswith(_TEMPORARY_FOLDERS) for path in paths):
        yield UnitSetting("PrivateTmp", "no", f"it {action} in the temporary folders of the host")


def _socket_path(settings: Settings) -> str:
    """Return the path of the socket that the endpoint names; empty for an address of a network."""
    endpoint = str(settings.get("endpoint") or "")
    for scheme in ("unix://", "file://"):
        endpoint = endpoint.removeprefix(scheme)
    return endpoint if endpoint.startswith("/") else ""


def _list_socket_settings(settings: Settings) -> Iterator[UnitSetting]:
    yield from _unhide_paths([_socket_path(settings)], "opens a socket")


def _list_podman_settings(settings: Settings) -> Iterator[UnitSetting]:
    yield from _list_socket_settings(settings)
    if not settings.get("endpoint") or _socket_path(settings) in _PODMAN_SOCKETS:
        yield UnitSetting(USER, ROOT, "this socket of Podman is root's alone")


def _list_docker_wishes(settings: Settings) -> Iterator[Wish]:
    if not settings.get("endpoint") or _socket_path(settings) in _DOCKER_SOCKETS:
        yield Wish(DOCKER, "asks Docker through its socket", _GROUPS, is_needed=True)


def _list_file_wishes(_settings: Settings) -> Iterator[Wish]:
    yield Wish(READ_ALL, "reads only files that everybody, or a group in `groups`, may read")


def _list_metrics_settings(settings: Settings) -> Iterator[UnitSetting]:
    """Yield what the scrapers of receiver `host_metrics` need of the unit."""
    scrapers = mapping_at(settings, "scrapers")
    if scrapers:
        yield UnitSetting("ProcSubset", "all", "it measures the host by files in /proc")
    if {"process", "processes"} & set(scrapers):
        yield UnitSetting("ProtectProc", "default", "it measures the processes of other users")
    if "filesystem" in scrapers:
        # Its own mounts are those of the sandbox: all are read-only, and home folders are empty.
        yield UnitSetting("ProtectProc", "default", "it reads the mounts of the host in /proc/1")
        yield UnitSetting("ProtectHome", "read-only", "it measures file systems of home folders")
    if "network" in scrapers:
        yield UnitSetting("RestrictAddressFamilies", "AF_NETLINK", "it asks the kernel for the interfaces of the host")


def _list_process_wishes(settings: Settings) -> Iterator[Wish]:
    if "process" in mapping_at(settings, "scrapers"):
        yield Wish(TRACE_PROCESSES, "has no disk usage and no program of processes of other users")
        yield Wish(READ_ALL, "has no open files of processes of other users")


def _list_detection_settings(settings: Settings) -> Iterator[UnitSetting]:
    if "system" in map(str, list_at(settings, "detectors")):
        yield UnitSetting("ProcSubset", "all", "it describes the host by files in /proc")
        yield UnitSetting("RestrictAddressFamilies", "AF_NETLINK", "it asks the kernel for the interfaces of the host")


def _list_detection_wishes(settings: Settings) -> Iterator[Wish]:
    if DOCKER in map(str, list_at(settings, "detectors")):
        yield Wish(DOCKER, "detects nothing of Docker", _GROUPS)


_ROWS_BY_SECTION: Mapping[str, tuple[HostRow, ...]] = {
    "receivers": (
        HostRow(("journald",), _list_journal_settings),
        HostRow(("file_log", "filelog"), _list_file_settings, _list_file_wishes),
        HostRow(("host_metrics", "hostmetrics"), _list_metrics_settings, _list_process_wishes),
        HostRow(("docker_stats",), _list_socket_settings, _list_docker_wishes),
        HostRow(("podman_stats",), _list_podman_settings),
        HostRow(("haproxy", "memcached", "mysql", "postgresql", "redis"), _list_socket_settings),
    ),
    "processors": (
        HostRow(("resource_detection", "resourcedetection"), _list_detection_settings, _list_detection_wishes),
    ),
    "extensions": (HostRow(("docker_observer",), _list_socket_settings, _list_docker_wishes),),
}


def _index_rows() -> dict[tuple[str, str], HostRow]:
    """Return the rows by section and type of component."""
    row_by_component: dict[tuple[str, str], HostRow] = {}
    for section, rows in _ROWS_BY_SECTION.items():
        for row in rows:
            for component_type in row.component_types:
                row_by_component[section, component_type] = row
    return row_by_component


# The rows by section and type of component, such as `("receivers", "journald")`.
HOST_ROWS = _index_rows()


def derive_host_needs(config: Any, listeners: Iterable[Listener], allow: Iterable[str]) -> HostNeeds:
    """Return what the components in use of a config need of their host.

    `allow` has the rights to which the user consents.
    """
    relaxations: list[Relaxation] = []
    lacking: list[str] = []
    refused: list[RefusedRight] = []
    for part in started_parts(config):
        host_row = HOST_ROWS.get((part.section, part.type))
        if host_row is None:
            continue
        place = format_path(part.path)
        for setting in host_row.list_settings(part.settings):
            relaxations.append(Relaxation(setting.name, setting.value, f"{place}, {setting.reason}"))
        for wish in host_row.list_wishes(part.settings):
            if wish.right in allow:
                relaxations.append(Relaxation(wish.setting, wish.right, f"{place}, and `allow` consents"))
            elif wish.is_needed:
                refused.append(RefusedRight(wish.right, place, wish.effect_without))
            else:
                lacking.append(f"{place} {wish.effect_without}, unless `allow` lists {wish.right}")
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
            yield Relaxation("AmbientCapabilities", LOW_PORTS, f"{config_path}, it listens on port {listener.port}")
