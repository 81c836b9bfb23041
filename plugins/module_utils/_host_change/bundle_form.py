# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a bundle of a host: all that the host gets for one collector, its files, credentials, ports and program.
Private.

Module host_render writes bundles on the controller (`HostBundle`), and modules host_apply, host_check and host_diagnose
read them on the host (`BUNDLE_OPTIONS`, as Ansible's argument specs have it). For example:

    {"name": "agent", "files": [{"path": "config.yaml", "content": "receivers: …", "mode": "0644"}, …],
     "program": {"path": "/usr/bin/otelcol"}, "credentials": [{"name": "token", "content": "…"}], "keep": 3, …}

On the host, a bundle becomes a release: a numbered folder with its files (see host_plan.py). Names of files, folders
and units that both sides use are here too. A bundle of a cluster is something else: a list of manifests.
"""

from __future__ import annotations

from typing import Any, TypedDict

# The names of files in a bundle. The config and the unit must be there.
CONFIG = "config.yaml"
UNIT = "unit"
# Says which folders systemd-tmpfiles makes.
TMPFILES = "tmpfiles"
# Has names of gateways with their addresses, in the form of /etc/hosts.
HOSTS = "hosts"
# What the paths of credentials in a release begin with.
CREDENTIALS = "credentials/"
# The file that names this collection, in each folder that a run makes.
MANIFEST = "manifest.json"
# The unit says this in place of the program's path: the path contains the sum of the program, which differs by the
# architecture of the host.
PROGRAM_TOKEN = "@program@"
# The architectures of hosts for which there are programs.
ARCHITECTURES = ("amd64", "arm64")
# The key of a result by which a host asks the controller for the program of an architecture, before any change.
AWAITED = "awaited_program"
# Stands for the release to roll back to if a first install is undone.
BEFORE_ALL = "nothing"
# The folders of this collection on a host: of the releases, of the programs, and of what collectors keep.
CONFIG_FOLDER = "/etc/otelcol"
PROGRAM_FOLDER = "/opt/otelcol"
_STATE_FOLDER = "/var/lib/otelcol"
# The name of the drop-in of each service that sends to a collector, in the folder of its unit.
DROP_IN = "50-o11y-otel.conf"
# What the names of units of services end with.
SERVICE_SUFFIX = ".service"


class _FileKeys(TypedDict):
    path: str
    content: str
    mode: str
    """Octal digits, such as `0644`."""


class BundleFile(_FileKeys, total=False):
    """A file of a release, by its path in the release's folder."""

    shown: str
    """The text for differences, if it is not the content: without secrets."""


class BundlePort(TypedDict):
    """A port that the collector opens; `address` is empty if it listens on all."""

    number: int
    protocol: str
    address: str


class BundleService(TypedDict):
    """A service of the host that sends to the collector, see `service_environment`."""

    unit: str
    """Such as `shop.service`."""
    variables: dict[str, str]
    """The environment variables `OTEL_…` that its SDK reads."""
    restart: bool
    """Whether a run may restart it, so that it reads the variables."""


class _BundleKeys(TypedDict):
    name: str
    files: list[BundleFile]
    program: dict[str, Any]
    """`path` of a program of the host; or `distribution`, `version`, and `architectures` with an archive for each."""
    credentials: list[dict[str, str]]
    """Each has `name`, and `content` or the `path` of a file on the host."""
    ports: list[BundlePort]
    metrics: str
    """The URL of the collector's own metrics; empty without them."""
    health: str
    """The URL of its health check; empty without one."""
    state: str
    """The folder that it may write to."""
    ready_seconds: float
    """How long it may take to be ready after a start."""
    watch_seconds: float
    """How long a change is watched before it stays."""
    keep: int
    """How many releases stay on the host."""


class HostBundle(_BundleKeys, total=False):
    """A bundle. docs/hosts.md describes its keys for users."""

    services: list[BundleService]
    """Absent if no service sends to the collector."""


# Parts of the options below.
_LIST_OF_ROWS = {"type": "list", "elements": "dict"}
_FILE = {"path": {"required": True}, "content": {"required": True}, "mode": {"default": "0644"}, "shown": {}}
_ARCHIVE = {"sha256": {"required": True}, "file": {"type": "path"}, "path": {"type": "path"}, "url": {}, "member": {}}
_PROGRAM = {
    "path": {"type": "path"},
    "distribution": {},
    "version": {},
    "architectures": {
        "type": "dict",
        "options": {name: {"type": "dict", "options": _ARCHIVE} for name in ARCHITECTURES},
    },
}
_CREDENTIAL = {"name": {"required": True}, "content": {"no_log": True}, "path": {"type": "path"}}
_PORT = {
    "number": {"type": "int", "required": True},
    "protocol": {"choices": ["tcp", "udp"], "default": "tcp"},
    "address": {"default": ""},
}
_SERVICE = {
    "unit": {"required": True},
    "variables": {"type": "dict", "required": True},
    "restart": {"type": "bool", "default": False},
}
# The options of a `HostBundle`, as Ansible's argument specs have them.
BUNDLE_OPTIONS: dict[str, Any] = {
    "name": {"required": True},
    "files": {**_LIST_OF_ROWS, "options": _FILE},
    "program": {"type": "dict", "options": _PROGRAM},
    "credentials": {**_LIST_OF_ROWS, "options": _CREDENTIAL},
    "ports": {**_LIST_OF_ROWS, "options": _PORT},
    "metrics": {"default": ""},
    "health": {"default": ""},
    "state": {"default": ""},
    "ready_seconds": {"type": "float", "default": 30},
    "watch_seconds": {"type": "float", "default": 0},
    "keep": {"type": "int", "default": 3},
    "services": {**_LIST_OF_ROWS, "options": _SERVICE},
}


def unit_name(name: str) -> str:
    """Return the unit of a collector: `otelcol-agent.service` for `agent`.

    Its file in a release has this name too, or systemd would call it an alias.
    """
    return f"otelcol-{name}.service"


def current_folder(name: str) -> str:
    """Return the link to the folder of the release in use: `/etc/otelcol/agent/current`. Units name files by it."""
    return f"{CONFIG_FOLDER}/{name}/current"


def runtime_folder(name: str) -> str:
    """Return the folder of a running service, which systemd makes and removes: `/run/otelcol-agent`."""
    return f"/run/otelcol-{name}"


def state_folder(name: str) -> str:
    """Return the one folder that a collector writes to: `/var/lib/otelcol/agent`."""
    return f"{_STATE_FOLDER}/{name}"
