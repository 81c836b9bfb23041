# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes and messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
        up=lambda made: made.write(Record("embedded", 0, made.node_count, complete=True)),
        down=lambda made: (made.dir / "cluster.json").unlink(),
        missing=lambda _: None,
    )
    monkeypatch.setattr(providers, "PROVIDERS", table)
    return Cluster(Home(tmp_path), "it", 0)


def test_up_env_status_down(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == main(["down"]) == 0
    assert main(["status"]) == 1
    assert main(["env"]) == 1
    assert main(["up", "--nodes", "2"]) == 0
    assert main(["up"]) == 0
    assert main(["up", "--nodes", "3"]) == 1
    assert "run `down` first" in capsys.readouterr().err
    assert main(["env"]) == 0
    printed = capsys.readouterr().out
    assert f"export KUBECONFIG={cluster.kubeconfig}\n" in printed
    assert "export O11Y_TESTBED_NODE_IPS='172.30.0.2 172.30.0.3'\n" in printed
    assert "export O11Y_TESTBED_KIND=embedded\n" in printed
    assert main(["status"]) == 0
    assert main(["down"]) == 0
    assert main(["status"]) == 1


@cases("arguments, said", (["up", "--name", "a/b"], "choose another --name"), (["install", "helm"], "run `up` first"))
def test_what_cannot_be_is_refused(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 1
    assert said in capsys.readouterr().err


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
    table = {**providers.PROVIDERS, "external": replace(PROVIDERS["external"], lacks=lambda *_: None)}
    monkeypatch.setattr(providers, "PROVIDERS", table)
    assert main(["down"]) == 0
    assert "is yours and stays" in capsys.readouterr().err
    assert cluster.read() is not None


def test_a_cluster_of_the_user_that_is_not_asked_for_changes_nothing(
    cluster: Cluster, theirs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", theirs)
    table = {**providers.PROVIDERS, "external": PROVIDERS["external"]}
    monkeypatch.setattr(providers, "PROVIDERS", table)
    assert main(["up"]) == 0
    said = capsys.readouterr().err
    assert "KUBECONFIG names a cluster that is not the testbed's" in said
    assert "O11Y_TESTBED_PROVIDER=external O11Y_TESTBED_CONTEXT=prod" in said
    assert main(["env"]) == 0
    assert f"export KUBECONFIG={cluster.kubeconfig}\n" in capsys.readouterr().out
    assert main(["down"]) == 0
    assert cluster.read() is None


def test_the_shell_forgets_what_would_lead_modules_to_another_cluster(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"]) == 0
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "/somewhere/config")
    monkeypatch.setenv("O11Y_EKS_CLUSTER", "{}")
    capsys.readouterr()
    assert main(["env"]) == 0
    assert {"unset K8S_AUTH_KUBECONFIG", "unset O11Y_EKS_CLUSTER"} <= set(capsys.readouterr().out.splitlines())


def test_what_is_installed_on_the_testbeds_cluster_is_not_on_that_of_a_user(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Installed(["cert-manager", "helm", "jaeger"]).write(cluster)
    external = replace(PROVIDERS["external"], lacks=lambda *_: None, variables=lambda _: {})
    monkeypatch.setattr(providers, "PROVIDERS", {**providers.PROVIDERS, "external": external})
    assert main(["env"]) == 0
    assert "export O11Y_TESTBED_INSTALLED=helm\n" in capsys.readouterr().out


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
