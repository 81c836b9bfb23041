# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the value that a host gets for one collector: host_render writes it, host_apply reads it. Private.

Names of files, folders and units that both sides use are here and nowhere else.
"""

from __future__ import annotations

from typing import Any

# Files of a release, as the value names them. `tmpfiles` may be absent.
CONFIG, UNIT, TMPFILES, HOSTS = "config.yaml", "unit", "tmpfiles", "hosts"
CREDENTIALS = "credentials/"
# Names the collection in each folder that a run makes.
MANIFEST = "manifest.json"
# What the unit says in place of the program: its folder has a sum that only the host's architecture determines.
PROGRAM_TOKEN = "@program@"
ARCHITECTURES = ("amd64", "arm64")
# The key of a result by which a host asks for the program of an architecture, before it changes anything.
AWAITED = "awaited_program"
# What comes before a first install, as the release to go back to.
BEFORE_ALL = "nothing"
CONFIG_FOLDER = "/etc/otelcol"
PROGRAM_FOLDER = "/opt/otelcol"
_STATE_FOLDER = "/var/lib/otelcol"
# The drop-in of each service that sends to a collector, in the folder of its unit.
DROP_IN, SERVICE_SUFFIX = "50-o11y-otel.conf", ".service"

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
# A service of the host that sends to the collector: `service_environment` has what its variables are.
_SERVICE = {
    "unit": {"required": True},
    "variables": {"type": "dict", "required": True},
    "restart": {"type": "bool", "default": False},
}
# The options of the value, as Ansible's argument specs have them.
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
    """Return the unit of a collector. Its file in a release has this name, or systemd would say that it is an alias."""
    return f"otelcol-{name}.service"


def current_folder(name: str) -> str:
    """Return the folder by which a unit names the files of its release, whichever is in use."""
    return f"{CONFIG_FOLDER}/{name}/current"


def runtime_folder(name: str) -> str:
    """Return the folder of a running service, which systemd makes and removes."""
    return f"/run/otelcol-{name}"


def state_folder(name: str) -> str:
    """Return the one folder that a collector writes to."""
    return f"{_STATE_FOLDER}/{name}"
