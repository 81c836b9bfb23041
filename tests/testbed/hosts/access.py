# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hosts are reached: a key of the group, keys of the hosts, and the inventory that names them."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from tests.testbed import command, config
from tests.testbed.hosts.model import Host, HostGroup

USER = "ops"
"""The user with sudo; config/host-root.sh makes it."""
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
USER_ID = 1000
"""The first user that `useradd` makes."""


def _create_key(target: Path, comment: str) -> str:
    """Make a key pair; the public half."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(target)])
    return target.with_name(f"{target.name}.pub").read_text(encoding="utf-8").strip()


def create_access(group: HostGroup) -> None:
    """Make all keys, let the group's key open every host, and write known_hosts and the inventory."""
    group.key.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    public_key = _create_key(group.key, f"testbed-{group.name}")
    rows = []
    for host in group.hosts:
        host_key = _create_key(host.changed / HOST_KEY, host.name)
        rows.append(f"{host.ip} {' '.join(host_key.split()[:2])}\n")
        _authorize_key(host.changed / "root", public_key, 0, 0o700)
        _authorize_key(host.changed / "home" / USER, public_key, USER_ID, 0o755)
    group.known_hosts.write_text("".join(rows), encoding="utf-8")
    config.write_config(group.inventory, "inventory.yml", list_inventory_values(group))


def _authorize_key(home_folder: Path, public_key: str, owner: int, mode: int) -> None:
    """Let a key open an account. A folder in the upper layer has the mode and the owner that the host sees."""
    folder = home_folder / ".ssh"
    folder.mkdir(parents=True)
    keys_file = folder / "authorized_keys"
    keys_file.write_text(f"{public_key}\n", encoding="utf-8")
    home_folder.parent.chmod(0o755)
    for path, permissions in ((home_folder, mode), (folder, 0o700), (keys_file, 0o600)):
        path.chmod(permissions)
        os.chown(path, owner, owner)


def list_ssh_options(group: HostGroup) -> list[str]:
    """Arguments for ssh: the host's key is checked, and nothing of the user's own configuration is read."""
    options = (f"UserKnownHostsFile={group.known_hosts}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes")
    return ["-F", "none", *(word for option in options for word in ("-o", option))]


def list_inventory_values(group: HostGroup) -> dict[str, str]:
    """What the inventory's template is filled with; JSON is YAML too, and quotes what needs it."""
    rows = [f"    {host.name}: {{ansible_host: {host.ip}}}" for host in group.hosts]
    return {
        "group": group.name,
        "hosts": "\n".join(rows),
        "user": USER,
        "key": json.dumps(str(group.key)),
        "arguments": json.dumps(shlex.join(list_ssh_options(group))),
    }


def root_command(group: HostGroup, host: Host, *arguments: str) -> list[str]:
    """The command that runs words on a host."""
    connection_options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
    return ["ssh", *list_ssh_options(group), *connection_options, "-i", str(group.key), f"root@{host.ip}", *arguments]
