# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every task of roles and playbooks that talks to a cluster can be told which one, in each of the ways there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _sources

from .role import ROOT

OURS = "o11y.opentelemetry."
GROUP: list[str] = _sources.read_yaml(ROOT / "meta" / "runtime.yml")["action_groups"]["kubernetes"]
SPECS = {
    path.parent.parent.name: _sources.read_yaml(path)["argument_specs"]["main"]["options"]
    for path in ROOT.glob("roles/*/meta/argument_specs.yml")
}
ROLES = sorted(role for role, options in SPECS.items() if f"{role}_kubeconfig" in options)
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/tasks/*.yml")])
# The connection of a role's tasks, with the end of the input that it comes from.
CONNECTION = {"kubeconfig": "kubeconfig", "context": "kube_context", "eks_cluster": "eks_cluster"}
# What takes a kubeconfig alone; release_render refuses an EKS cluster with it before anything is changed.
KUBECONFIG_ONLY = ("kubernetes.core.helm",)


def tasks(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in listed:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part) or [])


def calls() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for path in FILES:
        for task in tasks(_sources.read_yaml(path) or []):
            for name, arguments in task.items():
                if isinstance(arguments, dict) and name.rpartition(".")[0]:
                    yield path, name, arguments


def prefix(path: Path) -> str:
    return "otel_collector" if path.parent.parent.name == "playbooks" else path.parent.parent.name


CLUSTER_CALLS = [
    pytest.param(path, name, arguments, id=f"{path.parent.parent.name}/{path.name}:{name}-{number}")
    for number, (path, name, arguments) in enumerate(calls())
    if name.removeprefix(OURS) in GROUP or "kubeconfig" in arguments
]


def test_there_are_calls() -> None:
    assert len(CLUSTER_CALLS) > 20


@pytest.mark.parametrize(("path", "name", "arguments"), CLUSTER_CALLS)
def test_every_call_passes_the_whole_connection_on(path: Path, name: str, arguments: dict[str, Any]) -> None:
    ways = [way for way in CONNECTION if way != "eks_cluster" or name not in KUBECONFIG_ONLY]
    expected = {way: f"{{{{ {prefix(path)}_{CONNECTION[way]} | default(omit, true) }}}}" for way in ways}
    given = {way: arguments.get(way) for way in CONNECTION if way in arguments}
    if "_access" in str(given.get("eks_cluster")):
        expected["eks_cluster"] = f"{{{{ __{prefix(path)}_access | default(omit, true) }}}}"
        assert_access(prefix(path))
    assert given == expected


def assert_access(role: str) -> None:
    """Whose calls of AWS need the name of the cluster in any case lets a kubeconfig lead to the API server."""
    access = _sources.read_yaml(ROOT / "roles" / role / "vars" / "main.yml")[f"__{role}_access"]
    assert access == f"{{{{ {{}} if {role}_kubeconfig or {role}_kube_context else {role}_eks_cluster }}}}"


@pytest.mark.parametrize("role", ROLES)
def test_every_role_takes_the_cluster_of_the_collectors(role: str) -> None:
    option = SPECS[role][f"{role}_eks_cluster"]
    other = {} if role == "otel_collector" else "{{ otel_collector_eks_cluster | default({}) }}"
    assert option["default"] == other
    assert set(option["options"]) == {"name", "region", "profile", "role_arn"}


@pytest.mark.parametrize("module", GROUP)
def test_every_module_of_the_group_takes_an_eks_cluster(module: str) -> None:
    text = (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
    assert "- o11y.opentelemetry._eks_cluster" in text
    assert "CLUSTER_ARG_SPEC" in text


def test_every_module_with_the_option_is_in_the_group() -> None:
    fragment = "- o11y.opentelemetry._eks_cluster"
    having = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if fragment in path.read_text()}
    assert having == set(GROUP)
