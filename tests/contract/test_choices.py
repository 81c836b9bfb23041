# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choices of roles lead to task files that exist, and YAML compares them with values that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .source import files, text

SPECS = {
    Path(path).parts[1]: yaml.safe_load(text(path))["argument_specs"]
    for path in files("roles/*/meta/argument_specs.yml")
}
CHOICES: dict[str, list[str]] = {
    name: option["choices"]
    for entries in SPECS.values()
    for entry in entries.values()
    for name, option in entry["options"].items()
    if "choices" in option
}
YAML = [path for path in files("roles/*.yml", "playbooks/*.yml", "molecule/*.yml", "site.yml") if "/meta/" not in path]
TASK_FILES = set(files("roles/*/tasks/*.yml"))
# An option chooses a file, or the provider in the result of release_render, which is the option. A condition may choose
# another file before it.
CHOSEN = re.compile(
    r"\{\{ (?:'(?P<before>\w+)' if .+ else )?(?:(?P<option>\w+)|__(?P<release>\w+)_release\.provider) \}\}\.yml"
)
COMPARED = re.compile(r"\b(\w+)(?: \| default\('\w*'\))? (?:[=!]= '([^']*)'|(?:not )?in \[([^\]]*)\])")


def tasks_of(found: Any) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a list, with those of each part of a block."""
    for task in found or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part))


def included(role: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each task of a role that includes tasks of it, with the file that it names."""
    for path in files(f"roles/{role}/tasks/*.yml"):
        for task in tasks_of(yaml.safe_load(text(path))):
            for module in ("include_tasks", "import_tasks"):
                arguments = task.get(f"ansible.builtin.{module}")
                if arguments:
                    yield task, arguments["file"] if isinstance(arguments, dict) else arguments


def chosen(role: str, choices: Mapping[str, list[str]] = CHOICES) -> set[str]:
    """Return the task files that the options of a role choose; a choice that a `when` excludes has none."""
    found: set[str] = set()
    for task, name in included(role):
        match = CHOSEN.search(name)
        if match:
            option = match["option"] or f"{match['release']}_provider"
            excluded = re.findall(rf"^{option} != '(\w+)'", task.get("when", ""))
            values = {match["before"], *choices[option]} - {None, *excluded}
            found |= {f"{value}.yml" for value in values}
    return found


def named(role: str) -> set[str]:
    """Return the task files of a role that it or a playbook names, and those with an entry in its argument specs."""
    elsewhere = " ".join(text(path) for path in YAML)
    fixed = {name for _task, name in included(role) if not CHOSEN.search(name)}
    return {*fixed, *(f"{entry}.yml" for entry in SPECS[role])} | {
        f"{name}.yml"
        for name in re.findall(rf"o11y\.opentelemetry\.{role}[,\n]\s*tasks_from: (?:\"\{{{{ ')?(\w+)", elsewhere)
    }


@pytest.mark.parametrize("role", SPECS)
def test_task_files_are_those_that_are_chosen_or_named(role: str) -> None:
    existing = {Path(path).name for path in files(f"roles/{role}/tasks/*.yml")}
    assert chosen(role) | named(role) == existing


def imports_statically(role: str, value: str) -> bool:
    """Return whether the task file of a choice has a static import."""
    path = f"roles/{role}/tasks/{value}.yml"
    return path in TASK_FILES and "ansible.builtin.import_tasks" in text(path)


@pytest.mark.parametrize("role", SPECS)
def test_a_file_above_static_imports_is_found_without_a_host(role: str) -> None:
    """ansible-core 2.18 reads the name of the file around a static import without the variables of a host."""
    for _task, name in included(role):
        match = CHOSEN.search(name)
        chosen_values = CHOICES[match["option"]] if match and match["option"] else []
        if any(imports_statically(role, value) for value in chosen_values):
            assert "if inventory_hostname is undefined" in name


@pytest.mark.parametrize("role", SPECS)
def test_every_role_chooses_tasks(role: str) -> None:
    assert chosen(role)
    more = {name: [*values, "unheard_of"] for name, values in CHOICES.items()}
    assert chosen(role, more) - chosen(role) == {"unheard_of.yml"}


def unknown(found: str) -> list[str]:
    """Return each comparison of an option with a value that is no choice of it."""
    return [
        f"{option}: {value}"
        for option, one, several in COMPARED.findall(found)
        for value in ([one] if not several else re.findall(r"'([^']*)'", several))
        if option in CHOICES and value not in CHOICES[option]
    ]


@pytest.mark.parametrize("path", [path for path in YAML if set(re.findall(r"\w+", text(path))) & set(CHOICES)])
def test_a_choice_is_compared_with_values_that_exist(path: str) -> None:
    assert unknown(text(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "otel_identity_provider == 'statik'",
        "otel_identity_provider != ''",
        "otel_identity_provider | default('irsa') == 'statik'",
        "otel_collector_state in ['present', 'abset']",
    ],
)
def test_a_value_that_does_not_exist_is_found(text: str) -> None:
    assert len(unknown(text)) == 1
