# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes, messages, and which provider is chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.testbed import providers
from tests.testbed.__main__ import main
from tests.testbed.cluster import Cluster, Record
from tests.testbed.errors import Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.loading import Installed
from tests.testbed.providers import PROVIDERS, choose, foreign_kubeconfig


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster's name in a home of its own, on a machine where only a fake embedded provider works."""
    monkeypatch.setenv("O11Y_TESTBED_HOME", str(tmp_path))
    monkeypatch.setenv("O11Y_TESTBED_NAME", "it")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    table = {name: replace(item, lacks=lambda *_: Reason("no", "get it")) for name, item in PROVIDERS.items()}
    table["embedded"] = replace(
        table["embedded"],
        lacks=lambda *_: None,
        up=lambda made: made.write(Record("embedded", 0, made.node_count, complete=True)),
        down=lambda made: (made.dir / "cluster.json").unlink(),
        missing=lambda _: None,
    )
    monkeypatch.setattr(providers, "PROVIDERS", table)
    return Cluster(Home(tmp_path), "it", 0)


def test_up_env_status_down(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert main(["env"]) == 1
    assert main(["up", "--nodes", "2"]) == 0
    assert main(["up"]) == 0
    capsys.readouterr()
    assert main(["env"]) == 0
    printed = capsys.readouterr().out
    assert f"export KUBECONFIG={cluster.kubeconfig}\n" in printed
    assert "export O11Y_TESTBED_NODE_IPS='172.30.0.2 172.30.0.3'\n" in printed
    assert "export O11Y_TESTBED_KIND=embedded\n" in printed
    assert main(["status"]) == 0
    assert main(["down"]) == 0
    assert main(["status"]) == 1


def test_down_twice_is_fine(cluster: Cluster) -> None:
    assert main(["down"]) == 0
    assert main(["down"]) == 0


def test_a_cluster_does_not_change_its_size(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up"]) == 0
    assert main(["up", "--nodes", "3"]) == 1
    assert "run `down` first" in capsys.readouterr().err


def test_where_no_cluster_can_be_had_the_exit_code_is_3(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {name: replace(item, lacks=lambda *_: Reason("no luck", "get it")) for name, item in PROVIDERS.items()}
    monkeypatch.setattr(providers, "PROVIDERS", table)
    assert main(["up"]) == 3
    printed = capsys.readouterr().err
    assert all(f"{name}: no luck" in printed and f"{name}: get it" in printed for name in PROVIDERS)


def test_down_leaves_somebody_elses_cluster_alone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"]) == 0
    monkeypatch.setenv("KUBECONFIG", "/somewhere/config")
    assert main(["down"]) == 0
    assert "left alone" in capsys.readouterr().err
    assert cluster.read() is not None


def test_a_bad_name_is_refused(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--name", "a/b"]) == 1
    assert "choose another --name" in capsys.readouterr().err


def test_install_needs_a_cluster(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "helm"]) == 1
    assert "run `up` first" in capsys.readouterr().err


def test_what_was_installed_is_exported(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("O11Y_RELEASE_MIRROR", raising=False)
    assert main(["up"]) == 0
    assert main(["install", "opentelemetry-operator@0.1.0"]) == 3
    assert f"{tmp_path}/mirror/opentelemetry-operator/v0.1.0 has no" in capsys.readouterr().err
    Installed(["helm", "python"]).write(cluster)
    assert main(["env"]) == 0
    printed = capsys.readouterr().out
    assert f"export O11Y_RELEASE_MIRROR={tmp_path}/mirror\n" in printed
    assert "export O11Y_TESTBED_INSTALLED='helm python'\n" in printed
    monkeypatch.setenv("O11Y_RELEASE_MIRROR", "https://mirror.example")
    assert main(["env"]) == 0
    assert "export O11Y_RELEASE_MIRROR=https://mirror.example\n" in capsys.readouterr().out


def _table(**lacking: Reason | None) -> dict[str, providers.Provider]:
    """The real providers, with what each lacks given by the test."""
    table = dict(PROVIDERS)
    for name, reason in lacking.items():
        table[name] = replace(table[name], lacks=partial(_lacks, reason))
    return table


def _lacks(reason: Reason | None, _home: Home, _environment: Mapping[str, str]) -> Reason | None:
    return reason


NO = Reason("it is not there", "get it")

CHOICES = [
    ({"external": None, "kind": None, "embedded": None}, "external"),
    ({"external": NO, "kind": None, "embedded": None}, "kind"),
    ({"external": NO, "kind": NO, "embedded": None}, "embedded"),
]


@pytest.mark.parametrize(("lacking", "chosen"), CHOICES)
def test_the_first_that_lacks_nothing_is_chosen(home: Home, lacking: dict[str, Reason | None], chosen: str) -> None:
    assert choose(Cluster(home, "o11y"), {}, _table(**lacking)).name == chosen


def test_a_cluster_stays_with_its_provider(home: Home) -> None:
    cluster = Cluster(home, "o11y")
    cluster.write(Record("embedded", 3))
    assert choose(cluster, {}, _table(external=NO, kind=None, embedded=None)).name == "embedded"


def test_without_any_every_reason_and_remedy_is_told(home: Home) -> None:
    table = _table(external=Reason("why 1", "do 1"), kind=Reason("why 2", "do 2"), embedded=Reason("why 3", "do 3"))
    with pytest.raises(UnavailableError) as caught:
        choose(Cluster(home, "o11y"), {}, table)
    assert caught.value.exit_code == 3
    for number, name in enumerate(["external", "kind", "embedded"], 1):
        assert f"{name}: why {number}" in str(caught.value)
        assert f"{name}: do {number}" in str(caught.value)


def test_our_own_kubeconfig_is_not_somebody_elses(home: Home, tmp_path: Path) -> None:
    ours = str(home.clusters / "tb" / "kubeconfig")
    theirs = str(tmp_path / "config")
    assert foreign_kubeconfig(home, {}) is None
    assert foreign_kubeconfig(home, {"KUBECONFIG": ""}) is None
    assert foreign_kubeconfig(home, {"KUBECONFIG": ours}) is None
    assert foreign_kubeconfig(home, {"KUBECONFIG": theirs}) == theirs
    assert foreign_kubeconfig(home, {"KUBECONFIG": f"{ours}:{theirs}"}) == f"{ours}:{theirs}"


def test_the_embedded_cluster_says_what_it_needs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    reason = PROVIDERS["embedded"].lacks(home, {})
    assert reason is not None
    assert "root" in reason.why


def test_kind_needs_its_program(home: Home, tmp_path: Path) -> None:
    reason = PROVIDERS["kind"].lacks(home, {"PATH": str(tmp_path)})
    assert reason is not None
    assert "kind" in reason.why
