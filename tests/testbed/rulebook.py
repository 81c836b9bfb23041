# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook from PyPI in an environment of its own, and the Java that it needs, kept among the builds.

Nothing is installed in the system: a machine without Java gets Debian's package unpacked beside the environment.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import command, config
from tests.testbed.build import Builds
from tests.testbed.errors import ClusterError, UnavailableError
from tests.testbed.home import Home
from tests.testbed.progress import say

REQUIREMENTS = ("ansible-rulebook==1.3.2", "drools_jpy==0.4.1", "ansible-runner==2.4.3", "aiohttp==3.14.5")
# Source: https://ansible.readthedocs.io/projects/rulebook/en/latest/installation.html
OLDEST_JAVA = 17
JRE_PACKAGES = ("openjdk-21-jre-headless", "openjdk-17-jre-headless")


@dataclass(frozen=True)
class Rulebook:
    """The folder of the environment, and JAVA_HOME."""

    folder: Path
    java_home: Path

    @property
    def program(self) -> Path:
        return self.folder / "venv" / "bin" / "ansible-rulebook"


def ensure_rulebook(home: Home) -> Rulebook:
    """The environment, made if it is not there. Raises UnavailableError where its parts cannot be had."""
    home.prepare()
    builds, python = Builds(home, ""), ".".join(map(str, sys.version_info[:2]))
    folder = builds.make_folder(
        "ansible-rulebook", _content_key(python, *REQUIREMENTS), lambda draft: _install_rulebook(home, draft)
    )
    return Rulebook(folder, find_system_java() or _ensure_unpacked_java(builds))


def find_system_java() -> Path | None:
    """The home of the Java on PATH, if it is not too old."""
    program = shutil.which("java")
    if not program:
        return None
    version_output = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', version_output)
    return Path(program).resolve().parents[1] if match and int(match[1]) >= OLDEST_JAVA else None


def _ensure_unpacked_java(builds: Builds) -> Path:
    folder = builds.make_folder("jre", _content_key(*JRE_PACKAGES), lambda draft: _unpack_java(builds.home, draft))
    return next(folder.glob("usr/lib/jvm/java-*/bin/java")).parents[1]


def _content_key(*key_parts: str) -> str:
    return hashlib.sha256("\0".join((platform.machine(), *key_parts)).encode()).hexdigest()[:16]


def _install_rulebook(home: Home, draft: Path) -> None:
    """Make the environment with uv, which can make one that may be renamed."""
    uv = shutil.which("uv") or str(config.TESTBED_FOLDER.parents[1] / ".cache" / "uv" / "bin" / "uv")
    say("installing ansible-rulebook")
    venv, log = draft / "venv", home.logs / "ansible-rulebook.log"
    try:
        command.run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(venv)], log=log)
        install_command = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), *REQUIREMENTS]
        command.run(install_command, log=log)
    except ClusterError as error:
        advice = f"make {' '.join(REQUIREMENTS)} available from PyPI; see {log}"
        raise UnavailableError("ansible-rulebook cannot be installed", error.why, advice) from error


def _unpack_java(home: Home, draft: Path) -> None:
    """Unpack Debian's package without its dependencies, which a program without windows does not use."""
    log, package_name = home.logs / "jre.log", ""
    try:
        package_name = _find_offered_package(home)
        say(f"unpacking {package_name}")
        command.run(["apt-get", "download", package_name], log=log, cwd=draft)
        (package_file,) = draft.glob("*.deb")
        command.run(["dpkg", "--extract", str(package_file), str(draft)], log=log)
    except (ClusterError, OSError) as error:
        advice = (
            f"install a Java {OLDEST_JAVA} or newer, or make one of {' '.join(JRE_PACKAGES)} available to apt-get; see"
            f" {log}"
        )
        raise UnavailableError("there is no Java", str(getattr(error, "why", error)), advice) from error
    package_file.unlink()
    _relink_settings(draft)


def _find_offered_package(home: Home) -> str:
    """The first package that apt-get offers."""
    for attempt in range(2):
        if attempt:
            command.run(["apt-get", "update"], log=home.logs / "apt-update.log")
        for package in JRE_PACKAGES:
            if re.search(r"Candidate: \d", command.run(["apt-cache", "policy", package])):
                return package
    raise ClusterError("there is no Java", "apt-get offers none", "")


def _relink_settings(root_folder: Path) -> None:
    """Let the links of the package that lead to /etc lead to what it has there."""
    for link in root_folder.glob("usr/lib/jvm/**/*"):
        if link.is_symlink() and (target := link.readlink()).is_relative_to("/etc"):
            settings_path = root_folder / target.relative_to("/")
            link.unlink()
            if settings_path.exists():
                link.symlink_to(os.path.relpath(settings_path, link.parent))
