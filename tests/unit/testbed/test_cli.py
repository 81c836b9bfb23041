# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes and messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.cases import cases
from tests.testbed import providers
from tests.testbed.__main__ import main
from tests.testbed.cluster import Cluster, Record
from tests.testbed.errors import Reason
from tests.testbed.home import Home
from tests.testbed.loading import Installed
from tests.testbed.providers import PROVIDERS


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster's name in a home of its own, on a machine where only a fake embedded provider works."""
    monkeypatch.setenv("O11Y_TESTBED_HOME", str(tmp_path))
    monkeypatch.setenv("O11Y_TESTBED_NAME", "it")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for variable in ("KUBECONFIG", "O11Y_TESTBED_PROVIDER", "O11Y_TESTBED_CONTEXT"):
        monkeypatch.delenv(variable, raising=False)
    table = {name: replace(item, lacks=lambda *_: Reason("no", "get it")) for name, item in PROVIDERS.items()}
    table["embedded"] = replace(
        table["embedded"],
        lacks=lambda *_: None,
        up=lambda made: made.write_record(
            Record("embedded", 0, made.node_count, complete=True, ip_family=made.ip_family)
        ),
        down=lambda made: (made.dir / "cluster.json").unlink(),
        missing=lambda _: None,
    )
    monkeypatch.setattr(providers, "PROVIDERS", table)
    return Cluster(Home(tmp_path), "it", 0)


@pytest.fixture
def ran(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command, and returns its exit code, what it prints, and what it says beside."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main([*arguments]), *capsys.readouterr()

    return call


def test_a_cluster_keeps_its_family(ran: Any) -> None:
    assert [ran("up", "--ip-family", "ipv6")[0], ran("up")[0]] == [0, 0]
    code, _printed, said = ran("up", "--ip-family", "ipv4")
    assert (code, "cannot change its IP family" in said) == (1, True)


def test_up_env_status_down(cluster: Cluster, ran: Any) -> None:
    assert [ran(word)[0] for word in ("down", "down", "status", "env")] == [0, 0, 1, 1]
    assert [ran("up", "--nodes", "2")[0], ran("up")[0]] == [0, 0]
    code, _printed, said = ran("up", "--nodes", "3")
    assert (code, "run `down` first" in said) == (1, True)
    code, printed, _said = ran("env")
    assert code == 0
    assert f"export KUBECONFIG={cluster.kubeconfig}\n" in printed
    assert "export O11Y_TESTBED_NODE_IPS='172.30.0.2 172.30.0.3'\n" in printed
    assert "export O11Y_TESTBED_KIND=embedded\n" in printed
    assert [ran(word)[0] for word in ("status", "down", "status")] == [0, 0, 1]


@cases("arguments, words", (["up", "--name", "a/b"], "choose another --name"), (["install", "helm"], "run `up` first"))
def test_what_cannot_be_is_refused(ran: Any, arguments: list[str], words: str) -> None:
    code, _printed, said = ran(*arguments)
    assert (code, words in said) == (1, True)


def test_where_no_cluster_can_be_had_the_exit_code_is_3(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {name: replace(item, lacks=lambda *_: Reason("no luck", "get it")) for name, item in PROVIDERS.items()}
    monkeypatch.setattr(providers, "PROVIDERS", table)
    code, _printed, said = ran("up")
    assert code == 3
    assert all(f"{name}: no luck" in said and f"{name}: get it" in said for name in PROVIDERS)


def external(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the provider of a user's cluster be a real one, with these changes."""
    table = {**providers.PROVIDERS, "external": replace(PROVIDERS["external"], **changes)}
    monkeypatch.setattr(providers, "PROVIDERS", table)


def test_down_leaves_somebody_elses_cluster_alone(cluster: Cluster, ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran("up")[0] == 0
    external(monkeypatch, lacks=lambda *_: None)
    code, _printed, said = ran("down")
    assert (code, "is yours and stays" in said) == (0, True)
    assert cluster.read_record() is not None


def test_a_cluster_of_the_user_that_is_not_asked_for_changes_nothing(
    cluster: Cluster, ran: Any, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", theirs)
    external(monkeypatch)
    code, _printed, said = ran("up")
    assert code == 0
    assert "KUBECONFIG names a cluster that is not the testbed's" in said
    assert "O11Y_TESTBED_PROVIDER=external O11Y_TESTBED_CONTEXT=prod" in said
    code, printed, _said = ran("env")
    assert (code, f"export KUBECONFIG={cluster.kubeconfig}\n" in printed) == (0, True)
    assert (ran("down")[0], cluster.read_record()) == (0, None)


def test_the_shell_forgets_what_would_lead_modules_elsewhere(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran("up")[0] == 0
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "/somewhere/config")
    monkeypatch.setenv("O11Y_EKS_CLUSTER", "{}")
    code, printed, _said = ran("env")
    assert (code, {"unset K8S_AUTH_KUBECONFIG", "unset O11Y_EKS_CLUSTER"} - set(printed.splitlines())) == (0, set())


def test_what_is_installed_on_our_cluster_is_not_on_a_users(cluster: Cluster, ran: Any, monkeypatch: Any) -> None:
    Installed(["cert-manager", "helm", "jaeger"]).write(cluster)
    external(monkeypatch, lacks=lambda *_: None, variables=lambda _: {})
    code, printed, _said = ran("env")
    assert (code, "export O11Y_TESTBED_INSTALLED=helm\n" in printed) == (0, True)


def test_what_was_installed_is_exported(cluster: Cluster, ran: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("O11Y_RELEASE_MIRROR", raising=False)
    assert ran("up")[0] == 0
    code, _printed, said = ran("install", "opentelemetry-operator@0.1.0")
    assert (code, f"{tmp_path}/mirror/opentelemetry-operator/v0.1.0 has no" in said) == (3, True)
    Installed(["helm", "python"]).write(cluster)
    code, printed, _said = ran("env")
    assert code == 0
    assert f"export O11Y_RELEASE_MIRROR={tmp_path}/mirror\n" in printed
    assert "export O11Y_TESTBED_INSTALLED='helm python'\n" in printed
    monkeypatch.setenv("O11Y_RELEASE_MIRROR", "https://mirror.example")
    assert "export O11Y_RELEASE_MIRROR=https://mirror.example\n" in ran("env")[1]
