# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each type of component needs of a Linux host, as a table: `HOST_ROWS` has a row for each type. Private.

`host_needs.py` applies the rows to the components of a config. For example, the row of receiver `journald` says that
the unit needs `SupplementaryGroups=systemd-journal`, because it reads the journal of the host. docs/hosts.md has the
table for users.

Sources: capabilities(7), systemd.exec(5), and the README of each component in opentelemetry-collector-contrib 0.158:
hostmetricsreceiver, "Collecting host metrics from inside a container" and the permissions of its scraper `process`;
journaldreceiver, "Setup and deployment"; filelogreceiver; dockerstatsreceiver, "Docker Socket Permissions";
podmanreceiver, and podman-system-service(1) on its socket; resourcedetectionprocessor, "Docker metadata". What the
scraper `filesystem` reads: gopsutil 4, disk_linux.go, which takes the mounts of /proc/1 before those of the process
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.config.paths import list_at, mapping_at

# The settings of a component in the config of a Collector.
Settings = Mapping[str, Any]

# Rights of a process that only root has otherwise: to read every file, and to trace the processes of others.
READ_ALL = "CAP_DAC_READ_SEARCH"
TRACE_PROCESSES = "CAP_SYS_PTRACE"
# The group that may use the socket of Docker.
DOCKER = "docker"
# These rights let a collector do what only root may do: they need the user's consent.
GUARDED = (READ_ALL, TRACE_PROCESSES, DOCKER)
# A user and a group of the host.
ROOT = "root"
JOURNAL_GROUP = "systemd-journal"
# Settings of the unit, by their names in systemd.
USER = "User"
CAPABILITIES = "AmbientCapabilities"
_GROUPS = "SupplementaryGroups"
# The folders that the settings ProtectHome and PrivateTmp of a unit hide.
_HOME_FOLDERS = ("/home/", "/root/", "/run/user/")
_TEMPORARY_FOLDERS = ("/tmp/", "/var/tmp/")
# The usual paths of sockets.
_DOCKER_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_PODMAN_SOCKETS = ("/run/podman/podman.sock", "/var/run/podman/podman.sock")


@dataclass(frozen=True)
class GuardedRight:
    """A right that a component gets only with the user's consent, because its holder may do what root may do."""

    right: str
    """A capability or a group."""
    clause: str
    """A clause after the component. If the right is needed, what the component does with it, such as `asks Docker
    through its socket`. Otherwise what it does without the right, such as `detects nothing of Docker`."""
    setting: str = CAPABILITIES
    """The setting of the unit that gives the right."""
    is_needed: bool = False
    """Whether the component cannot start without the right."""


class UnitSetting(NamedTuple):
    """A setting of the unit that a component needs, its value, and the reason, as a clause after the component."""

    name: str
    value: str
    reason: str


def _list_no_settings(_settings: Settings) -> Iterator[UnitSetting]:
    return iter(())


def _list_no_rights(_settings: Settings) -> Iterator[GuardedRight]:
    return iter(())


@dataclass(frozen=True)
class HostRow:
    """What components of some types need of a host, by functions of the settings of a component."""

    component_types: tuple[str, ...]
    """Several names of one type, or several types with the same needs."""
    list_settings: Callable[[Settings], Iterator[UnitSetting]] = _list_no_settings
    list_guarded_rights: Callable[[Settings], Iterator[GuardedRight]] = _list_no_rights


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


def _list_docker_rights(settings: Settings) -> Iterator[GuardedRight]:
    if not settings.get("endpoint") or _socket_path(settings) in _DOCKER_SOCKETS:
        yield GuardedRight(DOCKER, "asks Docker through its socket", _GROUPS, is_needed=True)


def _list_file_rights(_settings: Settings) -> Iterator[GuardedRight]:
    yield GuardedRight(READ_ALL, "reads only files that everybody, or a group in `groups`, may read")


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


def _list_process_rights(settings: Settings) -> Iterator[GuardedRight]:
    if "process" in mapping_at(settings, "scrapers"):
        yield GuardedRight(TRACE_PROCESSES, "has no disk usage and no program of processes of other users")
        yield GuardedRight(READ_ALL, "has no open files of processes of other users")


def _list_detection_settings(settings: Settings) -> Iterator[UnitSetting]:
    if "system" in map(str, list_at(settings, "detectors")):
        yield UnitSetting("ProcSubset", "all", "it describes the host by files in /proc")
        yield UnitSetting("RestrictAddressFamilies", "AF_NETLINK", "it asks the kernel for the interfaces of the host")


def _list_detection_rights(settings: Settings) -> Iterator[GuardedRight]:
    if DOCKER in map(str, list_at(settings, "detectors")):
        yield GuardedRight(DOCKER, "detects nothing of Docker", _GROUPS)


# The rows by section of a config.
_ROWS_BY_SECTION: Mapping[str, tuple[HostRow, ...]] = {
    "receivers": (
        HostRow(("journald",), _list_journal_settings),
        HostRow(("file_log", "filelog"), _list_file_settings, _list_file_rights),
        HostRow(("host_metrics", "hostmetrics"), _list_metrics_settings, _list_process_rights),
        HostRow(("docker_stats",), _list_socket_settings, _list_docker_rights),
        HostRow(("podman_stats",), _list_podman_settings),
        HostRow(("haproxy", "memcached", "mysql", "postgresql", "redis"), _list_socket_settings),
    ),
    "processors": (
        HostRow(("resource_detection", "resourcedetection"), _list_detection_settings, _list_detection_rights),
    ),
    "extensions": (HostRow(("docker_observer",), _list_socket_settings, _list_docker_rights),),
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
