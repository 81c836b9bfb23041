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

PACKAGES = {
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


def missing(needs: Mapping[str, str]) -> list[str]:
    """The packages that are needed and not there."""
    there = {need: Path(need).exists() if need.startswith("/") else shutil.which(need) for need in needs}
    return sorted({needs[need] for need, found in there.items() if not found})


def install(home: Home, needs: Mapping[str, str]) -> None:
    """Install what is missing. The services in the packages may start; the cluster runs its own, beside them."""
    packages = missing(needs)
    if not packages:
        return
    do = f"install these packages yourself: {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise ClusterError("programs are missing", "this machine has no apt-get to install them with", do)
    say(f"installing {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "--option", "DPkg::Lock::Timeout=120"]
    with home.lock("apt"):
        command.run([*apt, "update"], log=home.logs / "apt-update.log", env=environment, do=do)
        command.run(
            [*apt, "install", "--yes", "--no-install-recommends", *packages],
            log=home.logs / "apt-install.log",
            env=environment,
            do=do,
        )
    if still := missing(needs):
        raise ClusterError(
            "programs are missing", f"apt-get installed {' '.join(still)}, but not what it should hold", do
        )
    say("packages are installed")
