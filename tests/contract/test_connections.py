# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every task of roles and playbooks talks to the cluster that the user names, in each of the ways there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT

OURS = "o11y.opentelemetry."
TARGET = "group/o11y.opentelemetry.target"
GROUPS: dict[str, list[Any]] = _documents.read_yaml(ROOT / "meta" / "runtime.yml")["action_groups"]
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py") if "CLUSTER_ARG_SPEC" in path.read_text())
SPECS = {path.parent.parent.name: _documents.read_yaml(path) for path in ROOT.glob("roles/*/meta/argument_specs.yml")}
# A role for Linux hosts has no cluster.
ON_HOSTS = {"otel_host"}
ROLES = sorted(set(SPECS) - ON_HOSTS)
# What takes a kubeconfig alone; release_render refuses an EKS cluster with it before anything is changed.
HELM = "kubernetes.core.helm"
INCLUDES = {"ansible.builtin.include_tasks", "ansible.builtin.import_tasks"}
INNER = ("block", "rescue", "always")


def tasks(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in listed:
        yield task
        for part in INNER:
            yield from tasks(task.get(part) or [])


def calls() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for path in sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/tasks/*.yml")]):
        for task in tasks(_documents.read_yaml(path) or []):
            for name, arguments in task.items():
                if isinstance(arguments, dict) and name.rpartition(".")[0]:
                    yield path, name, arguments


CALLS = [(path, name, arguments) for path, name, arguments in calls() if name.removeprefix(OURS) in MODULES]


def test_the_group_is_the_modules_for_clusters() -> None:
    assert GROUPS["kubernetes"] == MODULES
    assert GROUPS["target"] == [{"metadata": {"extend_group": [f"{OURS}kubernetes"]}}]


def test_there_are_calls() -> None:
    assert len(CALLS) > 20


def test_no_call_names_a_cluster_by_itself() -> None:
    """All of them have it from module_defaults, so that none can forget it."""
    ways = {"kubeconfig", "context", "eks_cluster"}
    assert [(path.name, name) for path, name, arguments in CALLS if ways & set(arguments)] == []


def included(task: dict[str, Any]) -> list[str]:
    """Return the task files that a task includes, in either spelling."""
    given = [task[word] for word in INCLUDES & set(task)]
    return [str(one["file"] if isinstance(one, dict) else one) for one in given]


def reached(folder: Path, name: str, seen: set[str]) -> set[str]:
    """Return the task files that a task file includes, itself among them; a template may be any file."""
    if name not in seen:
        for task in tasks(_documents.read_yaml(folder / name) or []):
            for file in included(task):
                for one in named_files(folder, file):
                    seen |= {name}
                    seen |= reached(folder, one, seen)
    return seen | {name}


def named_files(folder: Path, name: str) -> list[str]:
    """Return the task files that a name with templates may be."""
    pattern = re.sub(r"\\{\\{.*?\\}\\}", ".*", re.escape(name))
    return [path.name for path in folder.glob("*.yml") if re.fullmatch(pattern, path.name)]


def entry_points(role: str) -> set[str]:
    """Return the task files by which others enter a role: those with an interface, and those that others include."""
    texts = "".join(path.read_text() for path in [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")])
    included = set(re.findall(rf"name: o11y\.opentelemetry\.{role},?\s+tasks_from: (\w+)", texts))
    return {*SPECS[role]["argument_specs"], *included}


POINTS = [(role, point) for role in ROLES for point in sorted(entry_points(role))]
# Whatever the connection and privileges of the host are.
ON_THE_CONTROLLER = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


@pytest.mark.parametrize(("role", "point"), POINTS)
def test_an_entry_point_names_the_cluster_for_all_its_tasks(role: str, point: str) -> None:
    folder = ROOT / "roles" / role / "tasks"
    calling = {path.name for path, _, _ in CALLS if path.parent == folder}
    outside = [
        task for task in _documents.read_yaml(folder / f"{point}.yml") if TARGET not in task.get("module_defaults", {})
    ]
    if not outside:
        (block,) = _documents.read_yaml(folder / f"{point}.yml")
        assert block["module_defaults"] == {TARGET: f"{{{{ __{role}_target }}}}"}
        assert block["vars"] == ON_THE_CONTROLLER
        assert set(block) <= {"name", "vars", "module_defaults", "block"}
    else:
        assert reached(folder, f"{point}.yml", set()) & calling == set()


def test_entry_points_are_found() -> None:
    assert {("otel_collector", "main"), ("otel_collector", "render"), ("otel_identity", "finish")} <= set(POINTS)


@pytest.mark.parametrize("role", ROLES)
def test_the_target_is_the_inputs_of_the_role(role: str) -> None:
    variables = _documents.read_yaml(ROOT / "roles" / role / "vars" / "main.yml")
    given = f"__{role}_ways | dict2items | selectattr('value') | items2dict"
    assert variables[f"__{role}_target"] == f"{{{{ {given} }}}}"
    ways = {"kubeconfig": f"{role}_kubeconfig", "context": f"{role}_kube_context", "eks_cluster": f"{role}_eks_cluster"}
    if access := variables.get(f"__{role}_access"):
        # Whose calls of AWS need the name of the cluster in any case lets a kubeconfig lead to the API server.
        assert access == f"{{{{ {{}} if {role}_kubeconfig or {role}_kube_context else {role}_eks_cluster }}}}"
        ways["eks_cluster"] = f"__{role}_access"
    assert variables[f"__{role}_ways"] == {way: f"{{{{ {name} }}}}" for way, name in ways.items()}


@pytest.mark.parametrize(
    ("path", "arguments"), [(path, arguments) for path, name, arguments in calls() if name == HELM]
)
def test_helm_gets_the_kubeconfig(path: Path, arguments: dict[str, Any]) -> None:
    role = path.parent.parent.name
    assert arguments["kubeconfig"] == f"{{{{ {role}_kubeconfig or omit }}}}"
    assert arguments["context"] == f"{{{{ {role}_kube_context or omit }}}}"


def playbooks() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted([*ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/plays/*.yml")]):
        for play in _documents.read_yaml(path):
            yield path.name, play


def calls_alone(task: dict[str, Any]) -> bool:
    """Return whether a task calls a module for clusters, and leaves the cluster to its play."""
    inner = [one for part in INNER for one in task.get(part) or []]
    calling = any(name.removeprefix(OURS) in MODULES for name in task if name.startswith(OURS))
    return (calling and TARGET not in task.get("module_defaults", {})) or any(map(calls_alone, inner))


def runs_on_the_controller(play: dict[str, Any]) -> bool:
    """Return whether a play calls APIs with the controller's Python, and has the variables that name the cluster."""
    first_task = play["pre_tasks"][0]
    imported_role = first_task.get("ansible.builtin.import_role")
    has_variables = imported_role in ({"name": "otel", "public": True}, {"name": "../roles/otel", "public": True})
    return has_variables and play["vars"]["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


@pytest.mark.parametrize(("name", "play"), [*playbooks()])
def test_a_playbook_with_calls_of_its_own_names_the_cluster(name: str, play: dict[str, Any]) -> None:
    folder = ROOT / "playbooks" / "tasks"
    calling = {path.name for path in folder.glob("*.yml") if any(map(calls_alone, _documents.read_yaml(path)))}
    named_paths = [path for task in tasks(play.get("tasks") or []) for path in included(task)]
    names = [path.rpartition("tasks/")[2] for path in named_paths]
    listed = [file for name in names for file in named_files(folder, name)]
    needed = any(reached(folder, file, set()) & calling for file in listed)
    assert (play.get("module_defaults") == {TARGET: "{{ __otel_target }}"}) == needed
    talks = any(reached(folder, file, set()) & {path.name for path, _, _ in CALLS} for file in listed)
    assert not talks or runs_on_the_controller(play)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_takes_the_names_of_an_eks_cluster(role: str) -> None:
    option = SPECS[role]["argument_specs"]["main"]["options"][f"{role}_eks_cluster"]
    assert set(option["options"]) == {"name", "region", "profile", "role_arn"}
