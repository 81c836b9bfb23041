# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries beside a cluster: what nodes and skopeo are told of them, and what is missing is said."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.testbed import packages, registry
from tests.testbed.catalog import named
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(
        registry, "_start", lambda cluster, _name: registry.folder_of(cluster).mkdir(parents=True, exist_ok=True)
    )
    return Cluster(Home(tmp_path), "test", 7, 2)


def test_every_node_is_told_that_the_one_inside_speaks_plain_http(cluster: Cluster) -> None:
    registry.start(cluster, Path())
    for node in cluster.nodes:
        told = tomllib.loads((node.dir / "certs.d" / "172.30.7.2:5000" / "hosts.toml").read_text())
        assert list(told["host"]) == [told["server"]] == ["http://172.30.7.2:5000"]


def test_for_skopeo_the_one_outside_plays_those_of_the_internet(cluster: Cluster) -> None:
    registry.start(cluster, Path())
    told = tomllib.loads((registry.folder_of(cluster) / "registries.conf").read_text())["registry"]
    assert {row["prefix"]: row["location"] for row in told}["quay.io"] == "172.30.7.2:5001/quay.io"


def test_what_cannot_be_installed_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise ClusterError("apt-get failed", "no network", "try again")

    monkeypatch.setattr(packages, "missing", lambda needs: sorted(needs.values()))
    monkeypatch.setattr(packages, "install", fail)
    for user, why in ((0, "no network"), (1000, "programs are missing, and only root can install them")):
        monkeypatch.setattr(registry.os, "geteuid", lambda user=user: user)
        reason = registry.lacks(Home(tmp_path))
        assert reason is not None
        assert (reason.why, reason.do) == (why, "install the packages docker-registry skopeo")


def test_where_they_are_nothing_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda _needs: [])
    assert registry.lacks(Home(tmp_path)) is None
    assert named("registry").start is registry.start
