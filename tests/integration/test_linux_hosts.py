# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux hosts of the testbed are hosts as users have them: reached by SSH, with systemd, credentials and a journal.

The hosts are this test's own. They leave nothing: mounts, links, namespaces, cgroups and processes are compared.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.own_hosts import ROOT, TIMEOUT_SECONDS, OwnHosts
from tests.testbed import cgroups, netns, process
from tests.testbed.home import Home
from tests.testbed.hosts import lifecycle
from tests.testbed.hosts.model import HostGroup
from tests.testbed.progress import wait_for

HOSTS = OwnHosts.from_topic("linux")
HOME = Home.from_environment(os.environ)
SECRET = "a-secret-of-this-test"
UNIT = f"""
[Service]
Type=oneshot
DynamicUser=yes
StateDirectory=proof
LoadCredential=token:/etc/proof.token
ProtectSystem=strict
NoNewPrivileges=yes
CapabilityBoundingSet=
SystemCallFilter=@system-service
ExecStart=/bin/sh -c 'grep -qx {SECRET} "$CREDENTIALS_DIRECTORY/token" && touch /var/lib/proof/it && \
  ! touch /etc/it 2>/dev/null && echo "user $(id -u) has proof"'
"""
PLAY = """
- hosts: linux
  become: true
  gather_facts: true
  tasks:
    - name: Write the credential
      ansible.builtin.copy: {content: "%(secret)s\\n", dest: /etc/proof.token, mode: "0600"}
    - name: Write the unit
      ansible.builtin.copy: {src: "{{ unit }}", dest: /etc/systemd/system/proof.service, mode: "0644"}
    - name: Run the unit
      ansible.builtin.systemd_service: {name: proof, state: started, daemon_reload: true}
"""
AGENT = """
[Service]
DynamicUser=yes
SupplementaryGroups=systemd-journal
StateDirectory=agent
ProtectSystem=strict
ExecStart=/usr/local/bin/otelcol-contrib --config=/etc/agent.yaml
"""
AGENT_CONFIG = """
receivers: {journald: {units: [proof.service], start_at: beginning}}
exporters: {file: {path: /var/lib/agent/logs.json, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [journald], exporters: [file]}}
"""
AGENT_PLAY = """
- hosts: host1
  become: true
  gather_facts: false
  tasks:
    - name: Unpack the Collector
      ansible.builtin.unarchive: {src: "{{ archive }}", dest: /usr/local/bin, mode: "0755"}
    - name: Write config and unit
      ansible.builtin.copy: {src: "{{ files }}/{{ item.name }}", dest: "{{ item.dest }}/{{ item.name }}", mode: "0644"}
      loop: [{name: agent.yaml, dest: /etc}, {name: agent.service, dest: /etc/systemd/system}]
    - name: Start the Collector
      ansible.builtin.systemd_service: {name: agent, state: started, daemon_reload: true}
    - name: Wait for what the unit has said
      ansible.builtin.command: grep "has proof" /var/lib/private/agent/logs.json
      register: arrived
      until: arrived.rc == 0
      retries: 30
      delay: 1
      changed_when: false
    - name: Stop the Collector
      ansible.builtin.systemd_service: {name: agent, state: stopped}
"""


@dataclass
class Machine:
    """What hosts could leave behind."""

    mounts: set[str]
    namespaces: set[str]
    links: set[str]
    cgroups: set[str]
    notes: set[str]
    """What systemd-nspawn writes down for a machine with systemd."""

    @classmethod
    def now(cls, slot: int) -> Machine:
        """What there is now of this slot, and the mounts of all."""
        link, hosts, switch = (
            f"{netns.LINK_PREFIX}{slot}",
            f"{netns.LINK_PREFIX}{slot}n*",
            f"{netns.LINK_PREFIX}{slot}sw",
        )
        namespaces = {path.name for path in _find_paths(netns.NAMESPACES_FOLDER, link, hosts, switch)}
        return cls(
            mounts={point for point in _list_mount_points() if Path(point).name in namespaces or "/hosts/" in point},
            namespaces=namespaces,
            links={path.name for path in _find_paths(netns.LINKS_FOLDER, link, hosts, switch)},
            cgroups={str(path) for path in _find_paths(cgroups.ROOT, hosts, f"*/{hosts}")},
            notes={str(path) for path in _find_paths(Path("/run/systemd"), f"nspawn/*/{link}*")},
        )


def _find_paths(folder: Path, *patterns: str) -> Iterator[Path]:
    """Yield what fits one of the patterns in a folder."""
    for pattern in patterns:
        yield from folder.glob(pattern)


def _list_mount_points() -> Iterator[str]:
    """Yield where something is mounted for hosts of the testbed."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4]
        if point.startswith(str(HOME.hosts)) or netns.LINK_PREFIX in point:
            yield point


NOTHING = Machine(set(), set(), set(), set(), set())


@pytest.fixture(scope="module")
def group() -> Iterator[HostGroup]:
    """Two hosts that run."""
    with HOSTS.run_hosts(2) as inventory:
        group = HOSTS.find_group()
        assert inventory == str(group.inventory)
        yield group


@pytest.fixture(scope="module")
def ansible(group: HostGroup, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run Ansible as users do, with the inventory alone."""
    home = tmp_path_factory.mktemp("ansible")
    # No connections are kept for a later run: the last test counts processes.
    settings = {"ANSIBLE_HOME": str(home), "ANSIBLE_CONFIG": str(home / "ansible.cfg"), "ANSIBLE_SSH_ARGS": ""}
    (home / "ansible.cfg").touch()

    def run(program: str, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name(program)), "-i", str(group.inventory), *arguments]
        environment = {**os.environ, **settings}
        done = subprocess.run(
            command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_ansible_reaches_the_hosts_by_ssh(ansible: Callable[..., str]) -> None:
    assert ansible("ansible", "linux", "-m", "ping").count("pong") == 2
    assert ansible("ansible", "linux", "-e", "ansible_user=root", "-m", "ping").count("pong") == 2


def test_hosts_are_ready_and_different(ansible: Callable[..., str]) -> None:
    other = "{{ 'host2' if inventory_hostname == 'host1' else 'host1' }}"
    reach = f"bash -c 'exec 3<>/dev/tcp/{other}/22; head -c 4 <&3'"
    ask = f"id -un; hostname; systemctl is-system-running; cat /etc/machine-id; {reach}"
    printed = ansible("ansible", "linux", "--become", "-m", "shell", "-a", ask).split()
    for word in ("root", "running", "SSH-"):
        assert printed.count(word) == 2
    assert {"host1", "host2"} <= set(printed)
    assert len({word for word in printed if re.fullmatch("[0-9a-f]{32}", word)}) == 2


def test_a_hardened_unit_with_a_credential_writes_to_the_journal(ansible: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "proof.service").write_text(UNIT)
    (tmp_path / "play.yml").write_text(PLAY % {"secret": SECRET})
    ansible("ansible-playbook", str(tmp_path / "play.yml"), "-e", f"unit={tmp_path}/proof.service")
    ask = "journalctl --unit=proof --output=json --no-pager"
    lines = [json.loads(line) for line in journal(ansible, ask)]
    said = [line for line in lines if "has proof" in line["MESSAGE"]]
    assert {line["_HOSTNAME"] for line in said} == {"host1", "host2"}
    users = {line["_UID"] for line in said}
    assert all(61184 <= int(user) <= 65519 for user in users), "the range of DynamicUser"


def test_the_collector_of_the_mirror_reads_the_journal(ansible: Callable[..., str], tmp_path: Path) -> None:
    """After the unit above has written to it. The archive is built from Go modules if it is missing."""
    archive = HOSTS.make_archive()
    for name, text in (("agent.service", AGENT), ("agent.yaml", AGENT_CONFIG), ("play.yml", AGENT_PLAY)):
        (tmp_path / name).write_text(text)
    variables = ("-e", f"archive={archive}", "-e", f"files={tmp_path}")
    assert "failed=0" in ansible("ansible-playbook", str(tmp_path / "play.yml"), *variables)


def journal(ansible: Callable[..., str], ask: str, hosts: str = "linux") -> list[str]:
    """What a command prints on the hosts, as lines of JSON."""
    printed = ansible("ansible", hosts, "--become", "-m", "command", "-a", ask)
    return [line for line in printed.splitlines() if line.startswith("{")]


def test_a_restart_keeps_the_disk_and_the_journal(ansible: Callable[..., str], group: HostGroup) -> None:
    def boots() -> dict[str, str]:
        printed = ansible(
            "ansible", "linux", "-m", "shell", "-a", "echo $(hostname)=$(cat /proc/sys/kernel/random/boot_id)"
        )
        return dict(word.split("=") for word in printed.split() if re.match("host[12]=", word))

    before = boots()
    ansible("ansible", "host1", "--become", "-m", "reboot")
    after = boots()
    assert (before["host1"] != after["host1"], before["host2"] == after["host2"]) == (True, True)
    kept = journal(ansible, "journalctl --boot=-1 --unit=proof --output=json --no-pager", "host1")
    assert any("has proof" in line for line in kept)
    assert lifecycle.find_fault(group) is None


def test_up_again_changes_nothing(group: HostGroup) -> None:
    before = process.list_in_namespaces(netns.list_namespaces(group.slot))
    assert HOSTS.run_command("up").returncode == 0
    assert before
    assert process.list_in_namespaces(netns.list_namespaces(group.slot)) >= before


def test_down_leaves_nothing(group: HostGroup) -> None:
    assert Machine.now(group.slot) != NOTHING
    files = netns.list_namespaces(group.slot)
    inside = process.list_in_namespaces(files)
    assert HOSTS.run_command("down").returncode == 0
    assert Machine.now(group.slot) == NOTHING
    assert not process.list_marked(group.dir)
    assert not [pid for pid in inside if Path(f"/proc/{pid}/exe").exists()]
    assert not group.dir.exists()
    assert HOSTS.run_command("status").returncode == 1


def test_the_next_command_removes_what_a_killed_up_left(group: HostGroup) -> None:
    """It is killed while the hosts boot, which takes a second at least."""
    command = HOSTS.build_command("up", "--count", "2")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:

        def missing() -> str | None:
            assert killed.poll() is None, "it ended before it could be killed"
            return None if process.list_marked(group.dir) else "no host boots"

        wait_for("boot of a host", missing, 60, lambda: "")
        killed.kill()
    left = lifecycle.load_group(HOME, HOSTS.name)
    record = left.read_record()
    assert record is not None
    assert not record.complete
    assert Machine.now(left.slot) != NOTHING
    assert HOSTS.run_command("down").returncode == 0
    assert Machine.now(left.slot) == NOTHING
    assert not group.dir.exists()
