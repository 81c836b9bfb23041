# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is accepted."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.action import (
    fleet_report,
    identity_render,
    instrumentation_render,
    otel_render,
    pipeline_migrate,
    pipeline_validate,
    release_mirror,
    release_render,
)
from ansible_collections.o11y.opentelemetry.plugins.doc_fragments import _build, _collectors, _eks_cluster, _judgement
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _sources, _yaml

from .source import files, text, tree

ARGUMENTS: dict[str, dict[str, Any]] = {
    "fleet_report": fleet_report._ARGUMENTS,
    "identity_render": identity_render._ARGUMENTS,
    "instrumentation_render": instrumentation_render._ARGUMENTS,
    "otel_render": otel_render._ARGUMENTS,
    "pipeline_migrate": pipeline_migrate._ARGUMENTS,
    "pipeline_validate": pipeline_validate._ARGUMENTS,
    "release_mirror": release_mirror._ARGUMENTS,
    "release_render": release_render._ARGUMENTS,
}
# Actions around a module that has code of its own, which takes the options.
AROUND_A_MODULE = {"collector_diagnose"}
FRAGMENTS = {
    "o11y.opentelemetry._build": _build.ModuleDocFragment.DOCUMENTATION,
    "o11y.opentelemetry._collectors": _collectors.ModuleDocFragment.DOCUMENTATION,
    "o11y.opentelemetry._eks_cluster": _eks_cluster.ModuleDocFragment.DOCUMENTATION,
    "o11y.opentelemetry._judgement": _judgement.ModuleDocFragment.DOCUMENTATION,
}


def documentation(path: str) -> Any:
    """Return the documentation of a module, with the options of our fragments."""
    (written,) = [
        node.value.value
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "DOCUMENTATION"
        and isinstance(node.value, ast.Constant)
    ]
    found = _yaml.load(str(written), path).data
    for name in found.get("extends_documentation_fragment", []):
        if name in FRAGMENTS:
            found["options"] = {**found.get("options", {}), **_yaml.load(FRAGMENTS[name], name).data["options"]}
    return found


def plain(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as the validator takes them, with the types that are not written."""
    named = {name: as_argument(option) for name, option in options.items()}
    return {name: {"type": "str", **option} for name, option in _sources.argument_spec(named).items()}


def as_argument(option: dict[str, Any]) -> dict[str, Any]:
    """Return a documented option with its suboptions under the name that an argument spec has for them."""
    inner = option.get("suboptions")
    own = {key: value for key, value in option.items() if key != "suboptions"}
    return {**own, "options": {name: as_argument(one) for name, one in inner.items()}} if inner else own


@pytest.mark.parametrize("name", ARGUMENTS)
def test_options_of_an_action_are_those_of_its_documentation(name: str) -> None:
    assert plain(ARGUMENTS[name]) == plain(documentation(f"plugins/modules/{name}.py")["options"])


def test_every_action_is_in_the_table() -> None:
    names = {path.rsplit("/", 1)[1].removesuffix(".py") for path in files("plugins/action/*.py")}
    assert names == set(ARGUMENTS) | AROUND_A_MODULE
    actions = (fleet_report, identity_render, instrumentation_render, otel_render, pipeline_migrate)
    actions = (*actions, pipeline_validate, release_mirror, release_render)
    assert {action.ActionModule.__name__ for action in actions} == {"ActionModule"}


@pytest.mark.parametrize("path", files("plugins/modules/*.py"))
def test_every_option_of_a_module_is_described(path: str) -> None:
    found = documentation(path)
    assert found["module"] == path.rsplit("/", 1)[1].removesuffix(".py")
    assert found["version_added"]
    for option in found.get("options", {}).values():
        assert option["description"]


def test_defaults_of_fail_on_are_severities() -> None:
    assert pipeline_validate._ARGUMENTS["fail_on"]["choices"] == ["error", "warning", "never"]
    assert "fail_on" in text("plugins/modules/pipeline_validate.py")
