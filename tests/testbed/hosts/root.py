# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of which every host has a copy-on-write layer: a Debian made by debootstrap, kept among the builds."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.testbed import command, config, packages
from tests.testbed.build import Builds
from tests.testbed.errors import ClusterError, Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.progress import say

SUITE = "bookworm"
MIRROR = "O11Y_TESTBED_DEBIAN_MIRROR"
"""The variable with the URL of a Debian archive; without it, debootstrap asks Debian's own."""
PACKAGES = (config.HERE / "hosts/packages.txt", config.TEMPLATES / "host-root.sh")
"""What is in the root, and what is done to it then; both are part of the build's key."""
NEEDS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "sysctl": "procps",
}
GIB_TO_BUILD = 2


def _mounts_overlays(home: Home) -> bool:
    """Whether a disk below the testbed's home can be the upper layer of an overlay."""
    home.prepare()
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        for name in ("lower", "upper", "work", "disk"):
            (Path(folder) / name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        mount = ["mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/disk"]
        return command.succeeds(["unshare", "--mount", *mount])


def _is_linux(_: Home) -> bool:
    return sys.platform == "linux"


def _is_root(_: Home) -> bool:
    return os.geteuid() == 0


def _makes_namespaces(_: Home) -> bool:
    return command.succeeds(["unshare", "--net", "--mount", "true"])


def _can_install(_: Home) -> bool:
    """Whether the programs of `NEEDS` are on PATH, or can be installed."""
    return not packages.missing(NEEDS) or shutil.which("apt-get") is not None


CHECKS: tuple[tuple[Callable[[Home], bool], Reason], ...] = (
    (_is_linux, Reason("this is not Linux", "use a Linux machine")),
    (_is_root, Reason("hosts need root", "run as root (sudo --preserve-env)")),
    (
        _makes_namespaces,
        Reason("this machine allows no network namespaces", "make `unshare --net --mount true` work"),
    ),
    (
        _mounts_overlays,
        Reason(
            "an overlay cannot be mounted below the testbed's home",
            "load the kernel's module `overlay`, and set O11Y_TESTBED_HOME to a disk such as ext4 or xfs",
        ),
    ),
    (
        _can_install,
        Reason(
            "programs are missing, and there is no apt-get to install them with",
            f"install the programs {' '.join(NEEDS)}",
        ),
    ),
)
"""What hosts need of the machine: a check, and the reason to give if it is the first one that fails."""


def lacks(home: Home) -> Reason | None:
    """Why this machine cannot have hosts; None if it can. Installs packages that are missing."""
    for is_met, reason in CHECKS:
        if not is_met(home):
            return reason
    try:
        packages.install(home, NEEDS)
    except ClusterError as error:
        return Reason(error.why, error.do)
    return None


def key() -> str:
    """The content key: the architecture, the suite, the packages, and what is done to them."""
    parts = (platform.machine(), SUITE, *(file.read_text(encoding="utf-8") for file in PACKAGES))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def package_names() -> list[str]:
    """The Debian packages of the root, beside those that every Debian has."""
    lines = PACKAGES[0].read_text(encoding="utf-8").splitlines()
    names = [line.split("#")[0].strip() for line in lines]
    return [name for name in names if name]


def make(builds: Builds) -> Path:
    """Return the folder of the root. It is made unless it exists; that raises UnavailableError if it fails."""
    return builds.make("debian", key(), partial(_fill, builds.home))


def prepare(builds: Builds) -> None:
    """Make the root ahead of the first hosts."""
    make(builds)


def _fill(home: Home, draft: Path) -> None:
    """Run debootstrap in a mount namespace of its own: what it mounts goes with it, however it ends."""
    home.need_space(GIB_TO_BUILD, "make the hosts' Debian")
    say(f"making a Debian ({SUITE}) for hosts")
    log = home.logs / "debootstrap.log"
    url = os.environ.get(MIRROR)
    mirror = [url] if url else []
    included = f"--include={','.join(package_names())}"
    argv = ["unshare", "--mount", "debootstrap", "--variant=minbase", included, SUITE, str(draft), *mirror]
    draft.chmod(0o755)
    try:
        command.run(command.dies_with_us(argv), log=log)
        command.run(command.dies_with_us(["sh", str(PACKAGES[1]), str(draft)]), log=home.logs / "host-root.log")
    except ClusterError as error:
        do = f"make Debian's packages available, or set {MIRROR} to an archive that has {SUITE}; see {log}"
        raise UnavailableError("the hosts' Debian cannot be made", error.why, do) from error
    say("the hosts' Debian is made")
