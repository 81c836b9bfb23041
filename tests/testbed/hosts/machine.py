# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host as processes of the machine: how it is booted, and whether it is ready."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.testbed import cgroups, command, config, process
from tests.testbed.errors import ClusterError
from tests.testbed.hosts import access
from tests.testbed.hosts.model import Host, HostGroup
from tests.testbed.progress import read_last_lines, say, wait_for

BOOT_SCRIPT = config.TEMPLATES_FOLDER / "host.sh"
NSPAWN_PROGRAM = "systemd-nspawn"
SECONDS_TO_BOOT = 90
SSH_PORT = 22
WATCHER_LIMIT_FILE = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED_WATCHERS = 1024
"""A host has about nine watchers of files, a node of a cluster about as many, and the usual limit is 128."""


def raise_watcher_limit(limit_file: Path = WATCHER_LIMIT_FILE) -> None:
    """Raise the machine's limit of watchers of files, until it boots again; a higher one stays."""
    current_limit = int(limit_file.read_text(encoding="ascii"))
    if current_limit >= NEEDED_WATCHERS:
        return
    try:
        limit_file.write_text(f"{NEEDED_WATCHERS}\n", encoding="ascii")
    except OSError as error:
        say(f"{limit_file} stays {current_limit}, which is enough for few hosts: {error.strerror}")
    else:
        say(f"{limit_file} is {NEEDED_WATCHERS} now, it was {current_limit}")


def create_disk(host: Host) -> None:
    """The host's own layer of the disk, with what it must not share with another host."""
    for folder in (host.changed, host.dir / "work", host.dir / "disk", host.changed / "etc"):
        folder.mkdir(parents=True, mode=0o755)
        folder.chmod(0o755)
    (host.changed / "etc/hostname").write_text(f"{host.name}\n", encoding="utf-8")
    (host.changed / "etc/machine-id").write_text(f"{host.machine_id}\n", encoding="utf-8")


def write_hosts_files(group: HostGroup) -> None:
    """Every host knows the names of all."""
    rows = ["127.0.0.1 localhost", *(f"{host.ip} {host.name}" for host in group.hosts)]
    for host in group.hosts:
        (host.changed / "etc/hosts").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def start_host(group: HostGroup, root_folder: Path, host: Host) -> None:
    """Boot the host, and return once systemd is done and SSH answers."""
    cgroups.create_cgroups(host.namespace)
    unshare_command = ["unshare", "--mount", "--propagation", "slave", "--"]
    boot_command = [
        *unshare_command,
        "sh",
        str(BOOT_SCRIPT),
        str(root_folder),
        str(host.dir),
        host.name,
        host.namespace,
    ]
    machine_process = process.start_server(group.dir, host.name, boot_command, group.log_file(host.name))
    wait_for(
        f"start of {host.name}",
        lambda: _find_unreadiness(group, host, machine_process),
        SECONDS_TO_BOOT,
        lambda: read_last_lines(group.log_file(host.name)),
    )
    say(f"{host.name} is ready at {host.ip}")


def _find_unreadiness(group: HostGroup, host: Host, machine_process: subprocess.Popen[bytes]) -> str | None:
    """None once the host is ready; a failure as soon as its machine has ended."""
    if (exit_code := machine_process.poll()) is not None:
        reason = f"it ended with code {exit_code}\n{read_last_lines(group.log_file(host.name))}"
        advice = "read the log; systemd-nspawn needs a machine that allows mounts, cgroups and namespaces"
        raise ClusterError(f"{host.name} did not start", reason, advice)
    return find_unreadiness(group, host)


def find_unreadiness(group: HostGroup, host: Host) -> str | None:
    """Why the host is not ready. A host with a failed unit is ready, and the unit is told."""
    if not _has_ssh_server(host):
        return f"nothing answers at {host.ip}:{SSH_PORT}"
    try:
        status_command = "systemctl is-system-running || systemctl list-units --failed --plain --no-legend"
        state, *failed_units = command.run(access.root_command(group, host, status_command)).splitlines() or [""]
    except ClusterError as error:
        return error.why
    if state == "degraded":
        say(f"{host.name} has failed units: {'; '.join(failed_units)}")
    return None if state in {"running", "degraded"} else f"systemd is {state}"


def _has_ssh_server(host: Host) -> bool:
    """Whether a server says that it is one of SSH."""
    with suppress(OSError), socket.create_connection((host.ip, SSH_PORT), timeout=1) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def is_dead(group: HostGroup, host: Host) -> bool:
    """Whether the host's machine is gone."""
    return process.find_server_pid(group.dir, host.name, NSPAWN_PROGRAM) is None
