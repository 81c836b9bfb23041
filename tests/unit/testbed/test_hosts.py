# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux hosts of the testbed: names, addresses, the inventory, and what is said where they cannot be had."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cases import cases
from tests.testbed import cleanup, command, config, netns
from tests.testbed.__main__ import main
from tests.testbed.build import Builds
from tests.testbed.catalog import Store, find_entry
from tests.testbed.cluster import Cluster, Record, list_taken_slots
from tests.testbed.errors import ClusterError, Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.hosts import access, lifecycle, machine, network, root
from tests.testbed.hosts.model import MAX_HOSTS, HostGroup, load_group, router_address
from tests.testbed.tasks import Task


@pytest.fixture
def group(home: Home) -> HostGroup:
    """Two hosts that nobody has started."""
    return HostGroup(home, "it", 3, 2)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[HostGroup]:
    """A machine on which hosts start at once; the groups that were started."""
    groups: list[HostGroup] = []

    def tasks(made: HostGroup, _disk: Path) -> list[Task]:
        return [Task("hosts", lambda: groups.append(made))]

    monkeypatch.setattr(root, "find_obstacle", lambda _: None)
    monkeypatch.setattr(root, "make_root", lambda _: tmp_path)
    monkeypatch.setattr(lifecycle, "list_tasks", tasks)
    monkeypatch.setattr(lifecycle, "find_fault", lambda _: None)
    monkeypatch.setattr(netns, "list_host_routes", list)
    # The real one stops processes of the machine.
    monkeypatch.setattr(cleanup, "remove_cluster", lambda group: shutil.rmtree(group.dir))
    monkeypatch.setattr(cleanup, "has_remains", lambda group: group.dir.exists())
    return groups


@pytest.fixture
def ran(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command, and returns its exit code, what it prints, and what it says beside."""
    monkeypatch.setenv("O11Y_TESTBED_HOME", str(home.root))
    monkeypatch.setenv("O11Y_TESTBED_NAME", "it")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main([*arguments]), *capsys.readouterr()

    return call


def test_hosts_share_nothing_and_names_fit_into_the_kernels_limit(home: Home) -> None:
    one, two = HostGroup(home, "one", 0, 2), HostGroup(home, "two", 199, MAX_HOSTS)
    hosts = [*one.hosts, *two.hosts]
    for value in ("namespace", "ip", "machine_id", "changed"):
        assert len({getattr(host, value) for host in hosts}) == len(hosts)
    assert {len(host.machine_id) for host in hosts} == {32}
    assert max(len(host.namespace) for host in hosts) <= 15
    taken = {host.ip for host in two.hosts} | {two.host_ip, two.router_ip, two.aws_ip, router_address(two)}
    assert len(taken) == MAX_HOSTS + 4


def test_a_group_and_a_cluster_of_the_same_name_have_different_networks(home: Home, group: HostGroup) -> None:
    cluster = Cluster(home, "it")
    cluster.write_record(Record("embedded", 0))
    group.write_record(Record("hosts", 3, 2))
    assert (list_taken_slots(home, cluster.dir), list_taken_slots(home, group.dir)) == ([3], [0])
    assert load_group(home, "it") == group
    assert group.dir != cluster.dir


def test_cleanup_finds_the_namespaces_and_cgroups_of_hosts(group: HostGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(group.home.root / "netns")
    run.mkdir()
    names = {group.switch, *(host.namespace for host in group.hosts)}
    for name in (*names, "o11ytb30n1", "o11ytb30sw"):
        (run / name).touch()
    monkeypatch.setattr(netns, "NAMESPACES_FOLDER", run)
    assert {file.name for file in netns.list_namespaces(group.slot)} == names
    assert network.has_network(group)
    assert not network.has_network(replace(group, node_count=3))


def test_the_inventory_checks_the_hosts_keys(group: HostGroup) -> None:
    inventory = yaml.safe_load(config.render_template("inventory.yml", access.list_inventory_values(group)))
    linux = inventory["linux"]
    assert linux["hosts"] == {"host1": {"ansible_host": "172.30.3.2"}, "host2": {"ansible_host": "172.30.3.3"}}
    assert linux["vars"]["ansible_user"] == access.USER
    assert linux["vars"]["ansible_ssh_private_key_file"] == str(group.key)
    arguments = shlex.split(linux["vars"]["ansible_ssh_common_args"])
    assert {"StrictHostKeyChecking=yes", f"UserKnownHostsFile={group.known_hosts}"} <= set(arguments)


def test_a_home_with_blanks_and_quotes_is_written_as_it_is(tmp_path: Path) -> None:
    group = HostGroup(Home(tmp_path / 'a "b" c'), "it", 0, 1)
    written = yaml.safe_load(config.render_template("inventory.yml", access.list_inventory_values(group)))["linux"][
        "vars"
    ]
    assert written["ansible_ssh_private_key_file"] == str(group.key)
    assert f"UserKnownHostsFile={group.known_hosts}" in shlex.split(written["ansible_ssh_common_args"])


def test_the_key_of_the_root_covers_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = root.root_key()
    packages, script = (tmp_path / name for name in ("packages.txt", "script.sh"))
    for copy, original in zip((packages, script), root.PACKAGE_FILES, strict=True):
        copy.write_text(original.read_text())
    monkeypatch.setattr(root, "PACKAGE_FILES", (packages, script))
    keys = {before, root.root_key()}
    assert len(keys) == 1
    for file in (packages, script):
        file.write_text(f"{file.read_text()}more\n")
        keys.add(root.root_key())
    monkeypatch.setattr(root, "SUITE", "trixie")
    assert len({*keys, root.root_key()}) == 4
    assert {"systemd", "python3", "openssh-server", "sudo", "more"} <= set(root.list_package_names())
    assert not [name for name in root.list_package_names() if "#" in name or " " in name]


@cases(
    "wrong, why",
    ("not_root", "hosts need root"),
    ("no_namespaces", "no network namespaces"),
    ("no_overlay", "an overlay cannot be mounted"),
    ("no_packages", "programs are missing"),
)
def test_what_the_machine_lacks_is_said(home: Home, monkeypatch: pytest.MonkeyPatch, wrong: str, why: str) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000 if wrong == "not_root" else 0)
    refused = {"no_namespaces": "--net", "no_overlay": "mount"}.get(wrong)
    monkeypatch.setattr(command, "can_run", lambda argv, **_: refused not in argv)
    monkeypatch.setattr("shutil.which", lambda name: None if wrong == "no_packages" else f"/usr/bin/{name}")
    reason = root.find_obstacle(home)
    assert reason is not None
    assert why in reason.why
    assert reason.do


def test_a_machine_that_has_all_lacks_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(command, "can_run", lambda *_, **__: True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert root.find_obstacle(home) is None


def test_a_debian_that_cannot_be_made_is_not_to_be_had(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> str:
        raise ClusterError("debootstrap failed", "no connection", "connect")

    monkeypatch.setattr(command, "run", fail)
    monkeypatch.setattr(Home, "require_space", lambda *_: None)
    with pytest.raises(UnavailableError, match=root.MIRROR_VARIABLE) as raised:
        root.make_root(Builds(home, ""))
    assert raised.value.why == "no connection"
    assert not list(home.builds.glob("debian-*"))


def test_a_group_is_started_once(home: Home, started: list[HostGroup]) -> None:
    first = lifecycle.start_hosts(home, "it", 2)
    assert lifecycle.start_hosts(home, "it", None) == lifecycle.start_hosts(home, "it", 2) == first
    assert [group.node_count for group in started] == [2]
    with pytest.raises(ClusterError, match="run `hosts down` first"):
        lifecycle.start_hosts(home, "it", 3)
    assert lifecycle.start_hosts(home, "other", None).slot != first.slot


def test_what_a_killed_up_left_is_removed_first(
    home: Home, started: list[HostGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    HostGroup(home, "it").write_record(Record("hosts", 7, 5))
    removed: list[int] = []
    monkeypatch.setattr(cleanup, "remove_cluster", lambda group: removed.append(group.slot))
    group = lifecycle.start_hosts(home, "it", 2)
    assert (removed, group.node_count, [made.slot for made in started]) == ([7], 2, [0])
    record = group.read_record()
    assert record is not None
    assert record.complete


@pytest.mark.usefixtures("started")
def test_hosts_join_the_cluster_of_their_name_once_both_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[tuple[str, str]] = []
    monkeypatch.setattr(network, "join_cluster", lambda group, cluster: joined.append((group.network, cluster.switch)))
    cluster = Cluster(home, "it")
    for record in (Record("embedded", 4), Record("kind", complete=True), Record("embedded", 4, complete=True)):
        cluster.write_record(record)
        lifecycle.start_hosts(home, "it", None)
    assert joined == [("172.30.0.0/24", "o11ytb4sw")]


@pytest.mark.usefixtures("started")
def test_the_command_prints_the_inventory_and_down_removes_all(home: Home, ran: Any) -> None:
    assert [ran("hosts", action)[0] for action in ("status", "down")] == [1, 0]
    code, printed, said = ran("hosts", "up", "--count", "2")
    inventory = home.hosts / "it/inventory.yml"
    assert (code, printed, "2 host(s) of it are up" in said) == (0, f"{inventory}\n", True)
    code, printed, _said = ran("hosts", "status")
    assert (code, f"inventory: {inventory}" in printed) == (0, True)
    assert ran("down")[0] == 0
    assert not (home.hosts / "it").exists()


def test_without_hosts_the_exit_code_says_so(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root, "find_obstacle", lambda _: Reason("there is no systemd-nspawn", "install it"))
    code, printed, said = ran("hosts", "up")
    assert (code, printed, "there is no systemd-nspawn" in said) == (UnavailableError.exit_code, "", True)


@cases("count", "0", str(MAX_HOSTS + 1), "two")
def test_a_bad_number_is_refused(ran: Any, count: str) -> None:
    with pytest.raises(SystemExit):
        ran("hosts", "up", "--count", count)


def test_the_entry_says_why_there_are_no_hosts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = Reason("there is no systemd-nspawn", "install it")
    monkeypatch.setattr(root, "find_obstacle", lambda _: reason)
    assert find_entry("hosts").find_obstacle(Store(Builds(home, ""), home.root / "mirror")) == reason


@pytest.mark.parametrize(("allowed", "then"), [("128", "1024"), ("1024", "1024"), ("8192", "8192")])
def test_the_limit_of_watchers_is_raised_and_never_lowered(tmp_path: Path, allowed: str, then: str) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text(f"{allowed}\n", encoding="ascii")
    machine.raise_watcher_limit(limit)
    assert limit.read_text(encoding="ascii") == f"{then}\n"


def test_a_limit_of_watchers_that_cannot_be_raised_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Fixed(type(tmp_path)):  # type: ignore[misc]
        def write_text(self, *_words: object, **_options: object) -> int:
            raise PermissionError(30, "Read-only file system")

    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n", encoding="ascii")
    machine.raise_watcher_limit(Fixed(limit))
    assert "stays 128, which is enough for few hosts: Read-only file system" in "".join(capsys.readouterr())
