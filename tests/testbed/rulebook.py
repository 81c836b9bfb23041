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
JRES = ("openjdk-21-jre-headless", "openjdk-17-jre-headless")


@dataclass(frozen=True)
class Rulebook:
    """The folder of the environment, and JAVA_HOME."""

    folder: Path
    java: Path

    @property
    def program(self) -> Path:
        return self.folder / "venv" / "bin" / "ansible-rulebook"


def made(home: Home) -> Rulebook:
    """The environment, made if it is not there. Raises UnavailableError where its parts cannot be had."""
    home.prepare()
    builds, python = Builds(home, ""), ".".join(map(str, sys.version_info[:2]))
    folder = builds.make("ansible-rulebook", _key(python, *REQUIREMENTS), lambda draft: _install(home, draft))
    return Rulebook(folder, system_java() or _unpacked_java(builds))


def system_java() -> Path | None:
    """The home of the Java on PATH, if it is not too old."""
    program = shutil.which("java")
    if not program:
        return None
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return Path(program).resolve().parents[1] if found and int(found[1]) >= OLDEST_JAVA else None


def _unpacked_java(builds: Builds) -> Path:
    folder = builds.make("jre", _key(*JRES), lambda draft: _unpack(builds.home, draft))
    return next(folder.glob("usr/lib/jvm/java-*/bin/java")).parents[1]


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join((platform.machine(), *parts)).encode()).hexdigest()[:16]


def _install(home: Home, draft: Path) -> None:
    """Make the environment with uv, which can make one that may be renamed."""
    uv = shutil.which("uv") or str(config.HERE.parents[1] / ".cache" / "uv" / "bin" / "uv")
    say("installing ansible-rulebook")
    venv, log = draft / "venv", home.logs / "ansible-rulebook.log"
    try:
        command.run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(venv)], log=log)
        install = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), *REQUIREMENTS]
        command.run(install, log=log)
    except ClusterError as error:
        do = f"make {' '.join(REQUIREMENTS)} available from PyPI; see {log}"
        raise UnavailableError("ansible-rulebook cannot be installed", error.why, do) from error


def _unpack(home: Home, draft: Path) -> None:
    """Unpack Debian's package without its dependencies, which a program without windows does not use."""
    log, wanted = home.logs / "jre.log", ""
    try:
        wanted = _offered(home)
        say(f"unpacking {wanted}")
        command.run(["apt-get", "download", wanted], log=log, cwd=draft)
        (package,) = draft.glob("*.deb")
        command.run(["dpkg", "--extract", str(package), str(draft)], log=log)
    except (ClusterError, OSError) as error:
        do = f"install a Java {OLDEST_JAVA} or newer, or make one of {' '.join(JRES)} available to apt-get; see {log}"
        raise UnavailableError("there is no Java", str(getattr(error, "why", error)), do) from error
    package.unlink()
    _bring_settings(draft)


def _offered(home: Home) -> str:
    """The first package that apt-get offers."""
    for attempt in range(2):
        if attempt:
            command.run(["apt-get", "update"], log=home.logs / "apt-update.log")
        for package in JRES:
            if re.search(r"Candidate: \d", command.run(["apt-cache", "policy", package])):
                return package
    raise ClusterError("there is no Java", "apt-get offers none", "")


def _bring_settings(root: Path) -> None:
    """Let the links of the package that lead to /etc lead to what it has there."""
    for link in root.glob("usr/lib/jvm/**/*"):
        if link.is_symlink() and (target := link.readlink()).is_relative_to("/etc"):
            inside = root / target.relative_to("/")
            link.unlink()
            if inside.exists():
                link.symlink_to(os.path.relpath(inside, link.parent))
