# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages behind the programs that the embedded cluster runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.testbed import command
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.progress import say

CLUSTER_PACKAGES = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "socat": "socat",
    "busybox": "busybox-static",
    "ethtool": "ethtool",
    "openssl": "openssl",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "sysctl": "procps",
}
"""What has to be there (a program on PATH or a file) and the package that has it."""


def list_missing(packages_by_program: Mapping[str, str]) -> list[str]:
    """The packages that are needed and not there."""
    presence = {
        program: Path(program).exists() if program.startswith("/") else shutil.which(program)
        for program in packages_by_program
    }
    return sorted({packages_by_program[program] for program, is_present in presence.items() if not is_present})


def install_packages(home: Home, packages_by_program: Mapping[str, str]) -> None:
    """Install what is missing. The services in the packages may start; the cluster runs its own, beside them."""
    packages = list_missing(packages_by_program)
    if not packages:
        return
    advice = f"install these packages yourself: {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise ClusterError("programs are missing", "this machine has no apt-get to install them with", advice)
    say(f"installing {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt_command = ["apt-get", "--option", "DPkg::Lock::Timeout=120"]
    with home.lock("apt"):
        command.run([*apt_command, "update"], log=home.logs / "apt-update.log", env=environment, do=advice)
        command.run(
            [*apt_command, "install", "--yes", "--no-install-recommends", *packages],
            log=home.logs / "apt-install.log",
            env=environment,
            do=advice,
        )
    if still_missing := list_missing(packages_by_program):
        raise ClusterError(
            "programs are missing", f"apt-get installed {' '.join(still_missing)}, but not what it should hold", advice
        )
    say("packages are installed")
