# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux hosts of the testbed that a test has for itself: it starts them, and removes them at its end."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.__main__ import DEFAULT_NAME
from tests.testbed.errors import UnavailableError
from tests.testbed.home import Home
from tests.testbed.hosts import lifecycle
from tests.testbed.hosts.model import HostGroup

ROOT = Path(__file__).parents[2]
# The first Collector and the first Debian for hosts take a quarter of an hour on a machine that builds all else, too.
TIMEOUT_SECONDS = 3600
# What the testbed allows.
_LONGEST_NAME = 32


@dataclass(frozen=True)
class OwnHosts:
    """The hosts of one test, which may run beside those of others."""

    name: str

    @classmethod
    def from_topic(cls, topic: str) -> OwnHosts:
        """Return the hosts of a topic. They have the name of the testbed too, so that two runs of tests have two."""
        testbed = os.environ.get("O11Y_TESTBED_NAME") or DEFAULT_NAME
        return cls(f"{testbed}-{topic}"[-_LONGEST_NAME:].lstrip("-"))

    def build_command(self, *arguments: str) -> list[str]:
        """Return a command about these hosts."""
        return [sys.executable, "-m", "tests.testbed", "hosts", *arguments, "--name", self.name]

    def run_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Return how a command about these hosts ends."""
        return subprocess.run(
            self.build_command(*arguments),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )

    def read_output(self, *arguments: str) -> str:
        """Return what a command about these hosts prints. Skips the test where this machine cannot have it."""
        completed = self.run_command(*arguments)
        if completed.returncode == UnavailableError.exit_code:
            pytest.skip(f"this machine cannot have hosts, or no Collector for them: {completed.stderr}")
        assert completed.returncode == 0, completed.stderr
        return completed.stdout.strip()

    @contextmanager
    def run_hosts(self, count: int = 1) -> Iterator[str]:
        """Start them, and remove them after the block, which gets the path of their inventory."""
        try:
            yield self.read_output("up", "--count", str(count))
        finally:
            self.run_command("down")

    def find_group(self) -> HostGroup:
        """Return the hosts as the testbed has them, once they run."""
        host_group = lifecycle.find_running_group(Home.from_environment(os.environ), self.name)
        assert host_group is not None
        return host_group

    def make_archive(self) -> Path:
        """Return the archive of the Collector, which is made if it is missing."""
        return Path(self.read_output("archive"))


def host_program_option(archive: Path) -> dict[str, Any]:
    """Return option `otel_host_program` for an archive, or a package, on the controller."""
    return {"amd64": {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest(), "file": str(archive)}}


def run_ansible(program_name: str, inventory: str, *arguments: str, code: int = 0) -> str:
    """Return what a program of Ansible prints that ends with this exit code."""
    command = [str(Path(sys.executable).with_name(program_name)), "-i", inventory, *arguments]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    assert completed.returncode == code, completed.stdout + completed.stderr
    return completed.stdout + completed.stderr
