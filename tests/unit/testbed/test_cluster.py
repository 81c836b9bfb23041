# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, slots and records of clusters, what kind is asked for, and what is read from the machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.testbed import cgroups, cleanup, command, image, kind, netns, packages, pki, process
from tests.testbed.cluster import NO_SLOT, Cluster, Record, find_free_slot, list_taken_slots, load_cluster
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.image import ARCHITECTURES, Image
from tests.testbed.loading import Installed


@pytest.mark.parametrize(
    ("taken", "routes", "slot"),
    [
        ([], [], 0),
        ([0, 1], [], 2),
        ([1], [], 0),
        ([], ["172.30.0.0/24"], 1),
        ([1], ["172.30.0.0/24", "10.0.0.0/8"], 2),
        ([], ["172.30.2.0/23", "172.30.0.0/23"], 4),
    ],
)
def test_the_lowest_free_slot_is_taken(taken: list[int], routes: list[str], slot: int) -> None:
    assert find_free_slot(taken, routes) == slot
    with pytest.raises(ClusterError, match="no network is left"):
        find_free_slot(taken, ["172.16.0.0/12"])


def test_slots_of_other_clusters_are_known(home: Home) -> None:
    for name, slot in (("one", 0), ("two", 4)):
        Cluster(home, name).write_record(Record("embedded", slot))
    (home.clusters / "half").mkdir()
    assert list_taken_slots(home, home.clusters / "one") == [4]


def test_clusters_share_nothing_and_names_of_links_fit_into_the_kernels_limit(home: Home) -> None:
    one, two = Cluster(home, "one", 0, 2), Cluster(home, "two", 1, 2)
    for value in ("link", "switch", "host_ip", "dir", "kubeconfig"):
        assert getattr(one, value) != getattr(two, value)
    nodes = [*one.nodes, *two.nodes]
    assert [node.ip for node in nodes] == ["172.30.0.2", "172.30.0.3", "172.30.1.2", "172.30.1.3"]
    assert len({node.namespace for node in nodes}) == 4
    long = Cluster(home, "a" * 32, 199, 9)
    newer = Cluster(home, "six", 31, 2, "ipv6").nodes[1]
    assert (newer.ips, newer.pod_network) == (["fd00:172:30:1f::3", "172.30.31.3"], "fd00:10:244:1::/64")
    assert max(len(name) for name in (long.link, long.switch, *(node.namespace for node in long.nodes))) <= 15


def test_a_record_is_read_back(home: Home) -> None:
    Cluster(home, "it").write_record(Record("embedded", 7, 2, complete=True))
    cluster = load_cluster(home, "it")
    assert (cluster.slot, cluster.node_count) == (7, 2)
    assert cluster.read_record() == Record("embedded", 7, 2, complete=True)


@pytest.mark.parametrize("text", [None, "", "{", '{"unknown": 1}'])
def test_a_broken_record_is_none_and_names_nobodys_network(home: Home, text: str | None) -> None:
    cluster = Cluster(home, "it")
    cluster.dir.mkdir()
    if text is not None:
        (cluster.dir / "cluster.json").write_text(text)
    assert cluster.read_record() is None
    assert load_cluster(home, "it").slot == NO_SLOT


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a" * 33])
def test_a_bad_name_is_refused(home: Home, name: str) -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        load_cluster(home, name)


def test_home_is_where_the_user_wants_it(tmp_path: Path) -> None:
    both = {"O11Y_TESTBED_HOME": str(tmp_path), "HOME": "/home/user"}
    assert Home.from_environment(both).root == tmp_path
    assert Home.from_environment({"HOME": "/home/user"}).root == Path("/home/user/.cache/o11y-testbed")
    assert Home.from_environment({"XDG_CACHE_HOME": "/cache"}).root == Path("/cache/o11y-testbed")


def test_too_little_space_is_said_before_anything_starts(home: Home) -> None:
    with pytest.raises(ClusterError, match="not enough disk space to build"):
        home.require_space(1 << 40, "build")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; kind writes the kubeconfig that it was told to."""
    seen: list[list[str]] = []

    def run(argv: Sequence[str], **_: object) -> str:
        seen.append(list(argv[:3]))
        if argv[:2] == ["kind", "create"]:
            (path,) = (word.partition("=")[2] for word in argv if word.startswith("--kubeconfig="))
            Path(path).write_text("made by kind")
        return "ok"

    monkeypatch.setattr(command, "run", run)
    return seen


def test_a_cluster_is_made_once_and_down_leaves_no_folder(home: Home, calls: list[list[str]]) -> None:
    cluster = Cluster(home, "it", node_count=2)
    kind.start_cluster(cluster)
    kind.start_cluster(cluster)
    made = [["kind", "delete", "cluster"], ["kind", "create", "cluster"]]
    assert [call for call in calls if call[0] == "kind"] == made
    assert cluster.read_record() == Record("kind", nodes=2, complete=True)
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    nodes = yaml.safe_load((cluster.dir / "kind.yaml").read_text())["nodes"]
    assert nodes == [{"role": "control-plane"}, {"role": "worker"}]
    kind.remove_cluster(cluster)
    assert not cluster.dir.exists()
    assert calls[-1] == ["kind", "delete", "cluster"]


def test_an_archive_is_loaded_once(home: Home, calls: list[list[str]], tmp_path: Path) -> None:
    archive, installed = tmp_path / "it.tar", Installed()
    (tmp_path / "program").write_text("program")
    image.write_archive(Image("localhost/testbed/it:1", {"/program": tmp_path / "program"}), archive)
    for _twice in range(2):
        kind.load_archives(Cluster(home, "it"), [archive], installed)
    assert calls == [["kind", "load", "image-archive"]]


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
o11ytb0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
MOUNTS = """\
21 1 8:1 / / rw - ext4 /dev/vda rw
22 21 0:5 / /state/it/node1 rw - tmpfs tmpfs rw
23 22 0:6 / /state/it/node1/a\\040b rw - tmpfs tmpfs rw
24 21 0:7 / /state/item rw - tmpfs tmpfs rw
25 21 0:8 / /state/jörg\\134x/node1 rw - tmpfs tmpfs rw
"""


def test_routes_are_read_without_the_default(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTES)
    assert netns.list_host_routes(tmp_path / "route") == ["172.30.0.0/255.255.255.0"]


def test_links_tell_whose_they_are(tmp_path: Path) -> None:
    ours, theirs = Path("/state/it"), Path("/state/other")
    for name, owner in (("o11ytb3", ours), ("o11ytb12", ours), ("o11ytb4", theirs)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ifalias").write_text(f"{netns.owner_label(owner)}\n")
    assert netns.find_slots(ours, tmp_path) == {3, 12}
    foreign = [netns.is_foreign(slot, ours, tmp_path) for slot in (3, 4, 5)]
    assert foreign == [False, True, False]


def test_down_spares_a_slot_that_has_become_another_clusters(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that reaches the machine is replaced here: the machine may have a cluster in that slot."""
    (tmp_path / "links/o11ytb0").mkdir(parents=True)
    (tmp_path / "links/o11ytb0/ifalias").write_text(f"{netns.owner_label(home.clusters / 'theirs')}\n")
    killed: list[int] = []
    touched: list[str] = []
    monkeypatch.setattr(netns, "LINKS_FOLDER", tmp_path / "links")
    monkeypatch.setattr(process, "list_marked", lambda _: [])
    monkeypatch.setattr(process, "list_in_namespaces", lambda files: {1234} if files else set())
    monkeypatch.setattr(process, "kill_all", lambda find, _: killed.extend(find()))
    monkeypatch.setattr(netns, "NAMESPACES_FOLDER", tmp_path / "netns")
    monkeypatch.setattr(cgroups, "list_processes", lambda pattern: {5678} if "o11ytb0n" in pattern else set())
    monkeypatch.setattr(cgroups, "delete_cgroups", touched.append)
    monkeypatch.setattr(command, "run", lambda argv, **_: touched.append(argv[-1]))
    (tmp_path / "netns").mkdir()
    (tmp_path / "netns/o11ytb0n1").touch()
    ours = Cluster(home, "ours", 0)
    ours.write_record(Record("embedded", 0, complete=True))
    cleanup.remove_cluster(ours)
    assert (killed, [name for name in touched if "o11ytb0" in name]) == ([], [])
    assert not ours.dir.exists()
    (tmp_path / "links/o11ytb0/ifalias").write_text(f"{netns.owner_label(ours.dir)}\n")
    cleanup.remove_cluster(ours)
    assert sorted(killed) == [1234, 5678]
    assert "o11ytb0n1" in touched


def test_mounts_are_found_the_innermost_first(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    found = cleanup.list_mounts_below(Path("/state/it"), tmp_path / "mountinfo")
    assert found == [Path("/state/it/node1/a b"), Path("/state/it/node1")]
    assert cleanup.list_mounts_below(Path("/state/jörg\\x"), tmp_path / "mountinfo") == [Path("/state/jörg\\x/node1")]


@pytest.fixture(params=["v1", "v2"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A cgroup file system of either version."""
    if request.param == "v2":
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
        return tmp_path
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuacct").symlink_to("cpu")
    return tmp_path


def test_a_cgroup_comes_and_goes_in_every_hierarchy(root: Path) -> None:
    cgroups.create_cgroups("o11ytb0n1", root)
    made = list(root.rglob("o11ytb0n1"))
    for folder in made:
        (folder / "kubepods" / "pod1").mkdir(parents=True)
        (folder / "kubepods" / "pod1" / "cgroup.procs").write_text("12\n34\n")
    assert made
    assert cgroups.list_processes("o11ytb0n*", root) == {12, 34}
    for folder in made:
        (folder / "kubepods" / "pod1" / "cgroup.procs").unlink()
    cgroups.delete_cgroups("o11ytb0n*", root)
    assert not list(root.rglob("o11ytb0n1"))


def test_packages_that_are_missing_are_installed_or_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    packages.install_packages(home, {"sh": "dash"})
    assert not list(home.logs.iterdir())
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ClusterError, match="its-package other-package"):
        packages.install_packages(home, {"no-such-program": "its-package", "/no/such/file": "other-package"})


def test_architectures_have_their_container_names() -> None:
    assert ARCHITECTURES == {"x86_64": "amd64", "aarch64": "arm64"}


def test_python_3_13_trusts_them(tmp_path: Path) -> None:
    """Since 3.13 Python checks certificates strictly, as RFC 5280 says."""
    cluster = Cluster(Home(tmp_path), "strict", slot=1)
    pki.create_pki(cluster)
    folder = cluster.dir / "pki"
    for item in pki.list_certificates(cluster):
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", f"{item.name}.crt"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
