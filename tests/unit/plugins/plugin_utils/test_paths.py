# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relative paths of kubeconfigs: variables are those of a shell, options may also be beside the playbook."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._paths import settle


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a playbook, and start in another one."""
    for name in ("here", "book"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "both").touch()
        (tmp_path / name / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("KUBECONFIG", f"both{os.pathsep}book{os.pathsep}/other")
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "~/config")
    monkeypatch.setenv("HOME", "/home/me")
    return tmp_path


def settled(folder: Path, transport: str = "local", **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(args=args)
    loader = SimpleNamespace(get_basedir=lambda: str(folder / "book"))
    action: Any = SimpleNamespace(_connection=SimpleNamespace(transport=transport), _loader=loader, _task=task)
    settle(action)
    assert task.args is not args or transport != "local"
    return task.args


def test_variables_are_those_of_the_folder_in_which_ansible_was_started(folders: Path) -> None:
    settled(folders)
    here = folders / "here"
    assert os.environ["KUBECONFIG"] == os.pathsep.join([f"{here}/both", f"{here}/book", "/other"])
    assert os.environ["K8S_AUTH_KUBECONFIG"] == "/home/me/config"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("both", "book/both"),
        ("book", "book/book"),
        ("here", "here/here"),
        ("nowhere", "here/nowhere"),
    ],
)
def test_options_are_looked_for_beside_the_playbook_first(folders: Path, given: str, found: str) -> None:
    roles = {"otel_operator_kubeconfig": given, "otel_operator_kube_context": given}
    args = settled(folders, kubeconfig=given, context=given, roles=roles)
    assert (args["kubeconfig"], args["context"]) == (f"{folders}/{found}", given)
    assert args["roles"] == {**roles, "otel_operator_kubeconfig": f"{folders}/{found}"}


def test_what_is_no_path_stays(folders: Path) -> None:
    for given in ({"clusters": []}, "", None):
        assert settled(folders, kubeconfig=given)["kubeconfig"] == given


def test_paths_of_another_machine_stay(folders: Path) -> None:
    assert settled(folders, "ssh", kubeconfig="both") == {"kubeconfig": "both"}
    assert os.environ["K8S_AUTH_KUBECONFIG"] == "~/config"
