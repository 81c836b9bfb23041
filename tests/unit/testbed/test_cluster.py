# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, slots, addresses and records."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testbed.cluster import NO_SLOT, Cluster, Record, free_slot, named, taken_slots
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home

SLOTS = [
    ([], [], 0),
    ([0, 1], [], 2),
    ([1], [], 0),
    ([], ["172.30.0.0/24"], 1),
    ([1], ["172.30.0.0/24", "10.0.0.0/8"], 2),
    ([], ["172.30.2.0/23", "172.30.0.0/23"], 4),
]


@pytest.mark.parametrize(("taken", "routes", "slot"), SLOTS)
def test_the_lowest_free_slot_is_taken(taken: list[int], routes: list[str], slot: int) -> None:
    assert free_slot(taken, routes) == slot


def test_no_slot_left_is_said() -> None:
    with pytest.raises(ClusterError, match="no network is left"):
        free_slot([], ["172.16.0.0/12"])


def test_slots_of_other_clusters_are_known(home: Home) -> None:
    for name, slot in (("one", 0), ("two", 4)):
        Cluster(home, name).write(Record("embedded", slot))
    (home.clusters / "half").mkdir()
    assert taken_slots(home, "one") == [4]


def test_clusters_share_nothing(home: Home) -> None:
    one, two = Cluster(home, "one", 0, 2), Cluster(home, "two", 1, 2)
    for value in ("link", "switch", "host_ip", "dir", "kubeconfig"):
        assert getattr(one, value) != getattr(two, value)
    ips = [node.ip for cluster in (one, two) for node in cluster.nodes]
    namespaces = [node.namespace for cluster in (one, two) for node in cluster.nodes]
    assert ips == ["172.30.0.2", "172.30.0.3", "172.30.1.2", "172.30.1.3"]
    assert len(set(namespaces)) == 4


def test_names_of_links_fit_into_the_kernels_limit(home: Home) -> None:
    cluster = Cluster(home, "a" * 32, 199, 9)
    assert max(len(name) for name in (cluster.link, cluster.switch, *(n.namespace for n in cluster.nodes))) <= 15


def test_a_record_is_read_back(home: Home) -> None:
    Cluster(home, "it").write(Record("embedded", 7, 2, complete=True))
    cluster = named(home, "it")
    assert (cluster.slot, cluster.node_count) == (7, 2)
    assert cluster.read() == Record("embedded", 7, 2, complete=True)


@pytest.mark.parametrize("text", [None, "", "{", '{"unknown": 1}'])
def test_a_broken_record_is_none_and_names_nobodys_network(home: Home, text: str | None) -> None:
    cluster = Cluster(home, "it")
    cluster.dir.mkdir()
    if text is not None:
        (cluster.dir / "cluster.json").write_text(text)
    assert cluster.read() is None
    assert named(home, "it").slot == NO_SLOT


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a" * 33])
def test_a_bad_name_is_refused(home: Home, name: str) -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        named(home, name)


def test_home_is_where_the_user_wants_it(tmp_path: Path) -> None:
    both = {"O11Y_TESTBED_HOME": str(tmp_path), "HOME": "/home/user"}
    assert Home.from_environment(both).root == tmp_path
    assert Home.from_environment({"HOME": "/home/user"}).root == Path("/home/user/.cache/o11y-testbed")
    assert Home.from_environment({"XDG_CACHE_HOME": "/cache"}).root == Path("/cache/o11y-testbed")


def test_too_little_space_is_said_before_anything_starts(home: Home) -> None:
    with pytest.raises(ClusterError, match="not enough disk space to build"):
        home.need_space(1 << 40, "build")
