# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in messages work as they stand, in any current namespace. Users fill in words in capitals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.reference_remedies import describe_remedy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_references import PodReference

from . import source
from .role import ROOT

# Of modules, texts are documentation. What is not in backticks is taken up to where a sentence or an argument ends.
SOURCES = sorted(path for path in ROOT.glob("plugins/**/*.py") if path.parent.name not in ("modules", "doc_fragments"))
TASKS = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/vars/*.yml")])
COMMAND = re.compile(
    r"(?<=`)(?P<marked>(?:kubectl|ansible-playbook) [^`]+)"
    r"|(?P<plain>(?:kubectl -n|kubectl get|ansible-playbook) [^`,;]+)"
)
# Kinds of the whole cluster, and those that every namespace shows.
CLUSTER = {
    "namespace",
    "node",
    "crd",
    "storageclass",
    "priorityclass",
    "runtimeclass",
    "apiservice",
    "packagemanifests",
}
NAMESPACED = {"describe", "logs", "delete", "edit", "get", "annotate", "rollout", "patch", "scale"}
LEAST = 25


def texts(path: Path) -> Iterator[str]:
    """Yield the texts of a module: those of one f-string together, with X for each value."""
    nodes = source.nodes(str(path.relative_to(ROOT)))
    inner = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    inner |= {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def commands() -> list[str]:
    read = [text for path in SOURCES for text in texts(path)]
    lines = [line for path in TASKS for line in path.read_text(encoding="utf-8").splitlines() if "name:" not in line]
    read += [re.sub(r"{{.*?}}", "X", line) for line in lines]
    found = [match["marked"] or match["plain"] for text in read for match in COMMAND.finditer(text)]
    # One word after the program is no command, but what to use: `kubectl port-forward`.
    parts = [part.strip(" .)") for one in found for part in re.split(r"&&|\|", one)]
    return sorted({part for part in parts if len(part.split()) > 2})


def faults(command: str) -> list[str]:
    """Return what keeps a command from working as it stands."""
    program, *words = command.split()
    if program == "ansible-playbook":
        name = words[0].rpartition(".")[2]
        known = name == "X" or (ROOT / "playbooks" / f"{name}.yml").is_file()
        return [] if known and ("-i" in words or "X" in words) else ["names no playbook, or no inventory"]
    spaces = {"-n", "--namespace", "-A", "--raw"} & set(words)
    verb, *rest = [word for at, word in enumerate(words) if word != "-n" and (at == 0 or words[at - 1] != "-n")]
    kind = next((word for word in rest if not word.startswith("-")), "")
    wrong = []
    if verb in NAMESPACED and not spaces and kind.partition("/")[0] not in CLUSTER:
        wrong.append("names no namespace")
    if verb == "create" and kind == "namespace" and "--dry-run=client" not in words:
        wrong.append("fails if the namespace exists")
    if verb == "create" and kind in ("secret", "configmap") and "--from-" not in command:
        wrong.append("creates an empty object")
    return wrong


def test_commands_of_messages_work_as_they_stand() -> None:
    found = commands()
    assert len(found) >= LEAST, found
    assert {command: wrong for command in found if (wrong := faults(command))} == {}


@pytest.mark.parametrize(
    "command",
    [
        "kubectl create namespace a",
        "kubectl create configmap a --namespace b",
        "kubectl describe certificate X",
        "kubectl logs --previous",
        "ansible-playbook o11y.opentelemetry.rights",
        "ansible-playbook o11y.opentelemetry.diagnos -i X",
    ],
)
def test_a_command_that_does_not_work_is_found(command: str) -> None:
    assert faults(command)


def test_what_is_missing_is_created_with_its_keys_however_often() -> None:
    for kind, keys, exists, namespace in product(
        ("Secret", "ConfigMap"), ((), ("a", "b")), (True, False), (True, False)
    ):
        pulls = kind == "Secret" and not keys
        told = describe_remedy(PodReference(kind, "ns", "x", keys, pulls), exists=exists, has_namespace=namespace)
        (line,) = re.findall("`(.*)`", told)
        assert [faults(part.strip()) for part in re.split(r"&&|\|", line)] == [[]] * len(re.split(r"&&|\|", line)), line
        assert ("create namespace" in line) is not (exists or namespace)
