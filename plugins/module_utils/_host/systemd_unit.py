# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the unit of a collector: a strict sandbox, and what its config needs beyond it. Private.

`HostBuild.render_unit` calls `render_unit_text`. If a component needs a less strict setting, host_needs.py derives that
from the config, and the user reads it. The host leaves out what its systemd does not know (fitted_unit.py). The text
begins, for example:

    # Written by o11y.opentelemetry for collector 'agent'. Change the inventory instead.
    [Unit]
    Description=OpenTelemetry Collector agent
    …
    [Service]
    Type=exec
    ExecStart=@program@ --config=/etc/otelcol/agent/current/config.yaml

Sources: systemd.exec(5), systemd.service(5), systemd.resource-control(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .._host_change.bundle_form import CONFIG, CREDENTIALS, HOSTS, PROGRAM_TOKEN, current_folder, runtime_folder
from .._host_change.fitted_unit import quote_unit_word
from .._otelcol.needs.quantities import parse_bytes, parse_cpu
from .component_rows import ROOT
from .host_credentials import HostEnvironment
from .host_needs import HostNeeds
from .host_options import HostCollector

# The sandbox of a collector that receives and sends OTLP.
STRICT_SANDBOX = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateMounts": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectControlGroups": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RemoveIPC": "yes",
    "KeyringMode": "private",
    "DevicePolicy": "closed",
    "UMask": "0077",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
}
# The families of addresses that every collector may use.
_ADDRESS_FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX")
# The system calls that it may make, as groups of systemd; those after `~` it may not.
_SYSTEM_CALLS = ("@system-service", "~@privileged @resources")
# A crash loop costs little, and never ends: a backend that is back later finds its collector.
_RESTART_SETTINGS = {
    "Restart": "always",
    "RestartSec": "2s",
    "RestartSteps": "5",
    "RestartMaxDelaySec": "60s",
}
# How many files it may have open.
_OPEN_FILES = 65536
_HOSTS_FILE = "/etc/hosts"
_PERCENT = 100


@dataclass(frozen=True)
class UnitRequest:
    """What a unit is made of: the collector, its needs, its environment, and whether its release has names of hosts."""

    collector: HostCollector
    needs: HostNeeds
    environment: HostEnvironment
    has_host_names: bool = False


def render_unit_text(request: UnitRequest) -> str:
    """Return the text of a unit. It ends with a line end."""
    sections = {
        "Unit": list(_list_unit_settings(request.collector)),
        "Service": [
            *_list_service_settings(request),
            *_list_identity_settings(request),
            *_list_sandbox_settings(request.needs, request.collector.user),
        ],
        "Install": [("WantedBy", "multi-user.target")],
    }
    lines = [f"# Written by o11y.opentelemetry for collector '{request.collector.name}'. Change the inventory instead."]
    for title, rows in sections.items():
        lines += [f"[{title}]", *(f"{setting}={value}" for setting, value in rows), ""]
    return "\n".join(lines[:-1]) + "\n"


def _list_unit_settings(collector: HostCollector) -> Iterator[tuple[str, str]]:
    """Yield the settings of the section [Unit], each with its value."""
    yield "Description", f"OpenTelemetry Collector {collector.name}"
    yield "Wants", "network-online.target"
    yield "After", "network-online.target"
    yield "StartLimitIntervalSec", "0"  # no limit: by default, systemd gives a unit up that fails too often


def _list_service_settings(request: UnitRequest) -> Iterator[tuple[str, str]]:
    """Yield the settings of the section [Service], but for the sandbox, in the order of the file."""
    collector, folder = request.collector, current_folder(request.collector.name)
    yield "Type", "exec"
    yield from _list_name_settings(request)
    yield "ExecStart", f"{PROGRAM_TOKEN} --config={folder}/{CONFIG}"
    yield "ExecReload", "/bin/kill -HUP $MAINPID"
    yield "KillMode", "mixed"
    yield "TimeoutStopSec", f"{max(collector.termination_grace_seconds, 1)}s"  # systemd would wait forever with 0
    yield from _RESTART_SETTINGS.items()
    yield from _list_limit_settings(collector)
    for name, value in request.environment.variables.items():
        yield "Environment", quote_unit_word(f"{name}={value}")
    for credential in request.environment.credentials:
        yield "LoadCredential", f"{credential.name}:{folder}/{CREDENTIALS}{credential.name}"


def _list_name_settings(request: UnitRequest) -> Iterator[tuple[str, str]]:
    """Yield the settings that add the names of a release to those of the host, at each start and for this service only.

    ExecStartPre writes a file with the names of both. systemd mounts that file over /etc/hosts for each process of the
    service if it is there: not for ExecStartPre itself, which reads the host's own file, but for the Collector.
    gRPC asks DNS for settings too (a record TXT), which takes long where no server answers.
    """
    if request.has_host_names:
        folder = current_folder(request.collector.name)
        joined_file = f"{runtime_folder(request.collector.name)}/{HOSTS}"
        yield "RuntimeDirectory", runtime_folder(request.collector.name).removeprefix("/run/")
        yield "ExecStartPre", f"/bin/sh -c 'cat {_HOSTS_FILE} {folder}/{HOSTS} > {joined_file}'"
        yield "BindReadOnlyPaths", f"-{joined_file}:{_HOSTS_FILE}"
        yield "Environment", quote_unit_word("GRPC_ENABLE_TXT_SERVICE_CONFIG=false")


def _list_limit_settings(collector: HostCollector) -> Iterator[tuple[str, str]]:
    """Yield the limits: MemoryMax, and GOMEMLIMIT below it, follow from one option."""
    yield "LimitNOFILE", str(_OPEN_FILES)
    yield "MemoryMax", str(parse_bytes(collector.memory_limit))
    if "GOMEMLIMIT" not in collector.env:
        yield "Environment", quote_unit_word(f"GOMEMLIMIT={collector.memory.gomemlimit}")
    cpu_limit = parse_cpu(collector.cpu_limit) if collector.cpu_limit else 0
    if cpu_limit > 0:  # 0 is no limit, as it is for a container
        yield "CPUQuota", f"{max(int(cpu_limit * _PERCENT), 1)}%"


def _list_identity_settings(request: UnitRequest) -> Iterator[tuple[str, str]]:
    """Yield who the service is, and the one folder that it may write to."""
    collector = request.collector
    if collector.user:
        yield "User", collector.user
    else:
        yield "DynamicUser", "yes"
    groups = sorted({*collector.groups, *request.needs.list_setting_values("SupplementaryGroups")})
    if groups:
        yield "SupplementaryGroups", " ".join(groups)
    yield "StateDirectory", collector.state_directory.removeprefix("/var/lib/")
    yield "StateDirectoryMode", "0700"


def _list_sandbox_settings(needs: HostNeeds, user: str = "") -> Iterator[tuple[str, str]]:
    """Yield the settings of the sandbox: the value that the config needs, else the strict one.

    Capabilities count in the user namespace of the host alone, so a collector that has one, or runs as root, shares
    that namespace: PrivateUsers=no.
    """
    capabilities = needs.list_setting_values("AmbientCapabilities")
    shares_users = bool(capabilities) or user == ROOT
    for setting, strict_value in STRICT_SANDBOX.items():
        # All components that need another value of a setting of the sandbox need the same one (component_rows.py).
        needed_values = needs.list_setting_values(setting)
        if setting == "PrivateUsers" and shares_users:
            yield setting, "no"
        else:
            yield setting, needed_values[0] if needed_values else strict_value
    yield "CapabilityBoundingSet", " ".join(capabilities)
    yield "AmbientCapabilities", " ".join(capabilities)
    address_families = (*_ADDRESS_FAMILIES, *needs.list_setting_values("RestrictAddressFamilies"))
    yield "RestrictAddressFamilies", " ".join(address_families)
    for calls in _SYSTEM_CALLS:
        yield "SystemCallFilter", calls
