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
MIRROR_VARIABLE = "O11Y_TESTBED_DEBIAN_MIRROR"
"""The variable with the URL of a Debian archive; without it, debootstrap asks Debian's own."""
PACKAGE_FILES = (config.TESTBED_FOLDER / "hosts/packages.txt", config.TEMPLATES_FOLDER / "host-root.sh")
"""What is in the root, and what is done to it then; both are part of the build's key."""
PACKAGES_BY_PROGRAM = {
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


def _can_mount_overlays(home: Home) -> bool:
    """Whether a disk below the testbed's home can be the upper layer of an overlay."""
    home.prepare()
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        for name in ("lower", "upper", "work", "disk"):
            (Path(folder) / name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        mount_command = ["mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/disk"]
        return command.can_run(["unshare", "--mount", *mount_command])


def _is_linux(_: Home) -> bool:
    return sys.platform == "linux"


def _is_root(_: Home) -> bool:
    return os.geteuid() == 0


def _can_make_namespaces(_: Home) -> bool:
    return command.can_run(["unshare", "--net", "--mount", "true"])


def _can_install_programs(_: Home) -> bool:
    """Whether the programs of `PACKAGES_BY_PROGRAM` are on PATH, or can be installed."""
    return not packages.list_missing(PACKAGES_BY_PROGRAM) or shutil.which("apt-get") is not None


OBSTACLE_CHECKS: tuple[tuple[Callable[[Home], bool], Reason], ...] = (
    (_is_linux, Reason("this is not Linux", "use a Linux machine")),
    (_is_root, Reason("hosts need root", "run as root (sudo --preserve-env)")),
    (
        _can_make_namespaces,
        Reason("this machine allows no network namespaces", "make `unshare --net --mount true` work"),
    ),
    (
        _can_mount_overlays,
        Reason(
            "an overlay cannot be mounted below the testbed's home",
            "load the kernel's module `overlay`, and set O11Y_TESTBED_HOME to a disk such as ext4 or xfs",
        ),
    ),
    (
        _can_install_programs,
        Reason(
            "programs are missing, and there is no apt-get to install them with",
            f"install the programs {' '.join(PACKAGES_BY_PROGRAM)}",
        ),
    ),
)
"""What hosts need of the machine: a check, and the reason to give if it is the first one that fails."""


def find_obstacle(home: Home) -> Reason | None:
    """Why this machine cannot have hosts; None if it can. Installs packages that are missing."""
    for is_met, reason in OBSTACLE_CHECKS:
        if not is_met(home):
            return reason
    try:
        packages.install_packages(home, PACKAGES_BY_PROGRAM)
    except ClusterError as error:
        return Reason(error.why, error.do)
    return None


def root_key() -> str:
    """The content key: the architecture, the suite, the packages, and what is done to them."""
    key_parts = (platform.machine(), SUITE, *(file.read_text(encoding="utf-8") for file in PACKAGE_FILES))
    return hashlib.sha256("\0".join(key_parts).encode()).hexdigest()[:16]


def list_package_names() -> list[str]:
    """The Debian packages of the root, beside those that every Debian has."""
    lines = PACKAGE_FILES[0].read_text(encoding="utf-8").splitlines()
    names = [line.split("#")[0].strip() for line in lines]
    return [name for name in names if name]


def make_root(builds: Builds) -> Path:
    """Return the folder of the root. It is made unless it exists; that raises UnavailableError if it fails."""
    return builds.make_folder("debian", root_key(), partial(_fill_root, builds.home))


def prepare_root(builds: Builds) -> None:
    """Make the root ahead of the first hosts."""
    make_root(builds)


def _fill_root(home: Home, draft: Path) -> None:
    """Run debootstrap in a mount namespace of its own: what it mounts goes with it, however it ends."""
    home.require_space(GIB_TO_BUILD, "make the hosts' Debian")
    say(f"making a Debian ({SUITE}) for hosts")
    log = home.logs / "debootstrap.log"
    url = os.environ.get(MIRROR_VARIABLE)
    mirror_arguments = [url] if url else []
    package_option = f"--include={','.join(list_package_names())}"
    debootstrap_command = [
        "unshare",
        "--mount",
        "debootstrap",
        "--variant=minbase",
        package_option,
        SUITE,
        str(draft),
        *mirror_arguments,
    ]
    draft.chmod(0o755)
    try:
        command.run(command.end_with_parent(debootstrap_command), log=log)
        command.run(command.end_with_parent(["sh", str(PACKAGE_FILES[1]), str(draft)]), log=home.logs / "host-root.log")
    except ClusterError as error:
        advice = f"make Debian's packages available, or set {MIRROR_VARIABLE} to an archive that has {SUITE}; see {log}"
        raise UnavailableError("the hosts' Debian cannot be made", error.why, advice) from error
    say("the hosts' Debian is made")
