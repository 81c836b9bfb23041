# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in messages work as they stand, in any current namespace. Users fill in words in capitals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

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
    skipped = {id(node) for node in (*parts_of_texts(nodes), *docstrings(nodes))}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def parts_of_texts(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """Yield what f-strings are made of."""
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield from node.values


def docstrings(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """Yield what modules, classes and functions begin with, if it is an expression."""
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = next(iter(node.body), None)
            if isinstance(first, ast.Expr):
                yield first.value


def commands() -> list[str]:
    """Return the commands of all messages, each once: those of a pipe or a list alone."""
    found = {part for text in written_texts() for part in commands_of(text)}
    # One word after the program is no command, but what to use: `kubectl port-forward`.
    return sorted(part for part in found if len(part.split()) > 2)


def written_texts() -> Iterator[str]:
    """Yield the texts of modules, and the lines of tasks but for their names, with X for each value."""
    for path in SOURCES:
        yield from texts(path)
    for path in TASKS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "name:" not in line:
                yield re.sub(r"{{.*?}}", "X", line)


def commands_of(text: str) -> Iterator[str]:
    for match in COMMAND.finditer(text):
        for part in re.split(r"&&|\|", match["marked"] or match["plain"]):
            yield part.strip(" .)")


class Kubectl(NamedTuple):
    """A command of kubectl: `get`, `pod/a` and all words after the program."""

    verb: str
    kind: str
    words: list[str]

    @classmethod
    def from_words(cls, words: list[str]) -> Kubectl:
        """Read the words after the program. Before the verb there may be a namespace: `-n a get pod`."""
        others = [word for before, word in pairwise(("", *words)) if "-n" not in (before, word)]
        verb, *rest = others
        return cls(verb, next((word for word in rest if not word.startswith("-")), ""), words)


def faults(command: str) -> list[str]:
    """Return what keeps a command from working as it stands."""
    program, *words = command.split()
    if program == "ansible-playbook":
        return [] if names_playbook(words) else ["names no playbook, or no inventory"]
    asked = Kubectl.from_words(words)
    return [fault for fault, is_wrong in KUBECTL_FAULTS if is_wrong(asked)]


def names_playbook(words: list[str]) -> bool:
    """Whether a command has a playbook that exists, and an inventory; X stands for both."""
    name = words[0].rpartition(".")[2]
    is_known = name == "X" or (ROOT / "playbooks" / f"{name}.yml").is_file()
    return is_known and ("-i" in words or "X" in words)


def lacks_namespace(asked: Kubectl) -> bool:
    is_of_cluster = asked.kind.partition("/")[0] in CLUSTER
    has_namespace = bool({"-n", "--namespace", "-A", "--raw"} & set(asked.words))
    return asked.verb in NAMESPACED and not has_namespace and not is_of_cluster


def fails_if_there(asked: Kubectl) -> bool:
    return (asked.verb, asked.kind) == ("create", "namespace") and "--dry-run=client" not in asked.words


def creates_nothing_in_it(asked: Kubectl) -> bool:
    is_of_keys = asked.verb == "create" and asked.kind in ("secret", "configmap")
    return is_of_keys and not any("--from-" in word for word in asked.words)


KUBECTL_FAULTS = (
    ("names no namespace", lacks_namespace),
    ("fails if the namespace exists", fails_if_there),
    ("creates an empty object", creates_nothing_in_it),
)


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
