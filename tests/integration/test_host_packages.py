# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real host runs the program of a deb, and keeps its credential encrypted; both by role otel_host over SSH.

The host is this test's own. There is no rpm and no SELinux here: unit tests have these.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support import own_hosts
from tests.support.own_hosts import OwnHosts

HOSTS = OwnHosts.from_topic("packages")
VERSION = "0.158.0"
SECRET = "hunter2hunter2"
CONTROL = f"""Package: otelcol-contrib
Version: {VERSION}
Architecture: amd64
Maintainer: Nobody <nobody@example.com>
Description: The Collector, with a service as its releases have it
"""
FORWARD = {"endpoint": "192.0.2.77:4317", "headers": {"authorization": "Bearer ${env:TOKEN}"}}
BUILD_SECONDS = 600


@pytest.fixture(scope="module")
def inventory() -> Iterator[str]:
    """A host that runs."""
    with HOSTS.run_hosts() as path:
        yield path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the testbed's Collector, with a unit that starts it."""
    builder = shutil.which("dpkg-deb")
    if builder is None:
        pytest.skip("dpkg-deb is not installed")
    folder = tmp_path_factory.mktemp("package")
    for name, content in (("DEBIAN/control", CONTROL), ("lib/systemd/system/otelcol-contrib.service", "[Service]\n")):
        path = folder / "root" / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    programs = folder / "root" / "usr" / "bin"
    programs.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", str(HOSTS.make_archive()), "-C", str(programs), "otelcol-contrib"], check=True)
    made = folder / f"otelcol-contrib_{VERSION}_linux_amd64.deb"
    command = [builder, "-Zgzip", "-z1", "--root-owner-group", "--build", str(folder / "root"), str(made)]
    subprocess.run(command, check=True, capture_output=True, timeout=BUILD_SECONDS)
    return made


def ansible(name: str, inventory: str, *arguments: str) -> str:
    said = own_hosts.run_ansible(name, inventory, *arguments)
    assert SECRET not in said
    return said


def shell(inventory: str, text: str) -> str:
    return ansible("ansible", inventory, "linux", "--become", "-m", "shell", "-a", text)


def test_a_host_runs_the_program_of_a_package_and_keeps_its_secret(
    inventory: str, package: Path, tmp_path: Path
) -> None:
    token, play = tmp_path / "token", tmp_path / "play.yml"
    token.write_text(f"{SECRET}\n")
    variables = {
        "otel_host_program": own_hosts.host_program_option(package),
        "otel_host_lock_file": "none",
        "otel_host_watch_seconds": 1,
        "otel_host_env": {"TOKEN": {"credential": {"file": str(token)}}},
        "otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": FORWARD}]}],
    }
    role = {"name": "o11y.opentelemetry.otel_host"}
    tasks = [{"ansible.builtin.include_role": role}]
    play.write_text(yaml.safe_dump([{"hosts": "linux", "gather_facts": False, "vars": variables, "tasks": tasks}]))
    shell(inventory, "systemd-creds setup")
    assert "changed=1" in ansible("ansible-playbook", inventory, str(play))
    assert "changed=0" in ansible("ansible-playbook", inventory, str(play))
    unit = shell(inventory, "cat /etc/systemd/system/otelcol-agent.service; systemctl is-active otelcol-agent")
    assert "LoadCredentialEncrypted=TOKEN:" in unit
    assert "RestartSteps" not in unit or "systemd 252" not in shell(inventory, "systemctl --version")
    given = "sha256sum </run/credentials/otelcol-agent.service/TOKEN"
    assert hashlib.sha256(SECRET.encode()).hexdigest() in shell(inventory, given)
    assert "service" not in shell(inventory, "ls /lib/systemd/system/ | grep otelcol || true").partition(">>")[2]
    ansible("ansible-playbook", inventory, str(play), "-e", "otel_host_state=absent")
    assert "otelcol" not in shell(inventory, "find /etc /opt /usr /var /run -name '*otelcol*'").partition(">>")[2]
