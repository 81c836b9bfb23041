# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of role otel_identity is said once, and what repeats it agrees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.assignment import POLICY_CHOICES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.identity import (
    ANNOTATIONS,
    ROLE_CREATING_PROVIDERS,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live import aws_specs
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT
from .source import steps

PREFIX = "otel_identity_"
ROLE = ROOT / "roles" / "otel_identity"
POINTS: dict[str, Any] = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]
SPEC: dict[str, Any] = POINTS["main"]["options"]
TASKS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROLE / "tasks").glob("*.yml"))}


def test_only_the_provider_has_no_default() -> None:
    assert [name for name, option in SPEC.items() if "default" not in option] == [f"{PREFIX}provider"]


@pytest.mark.parametrize("name", SPEC)
def test_every_input_has_the_roles_prefix_and_a_description_and_is_used(name: str) -> None:
    assert name.startswith(PREFIX)
    assert SPEC[name]["description"].endswith(".")
    assert ("elements" in SPEC[name]) == (SPEC[name].get("type") == "list")
    variables = (ROLE / "vars" / "main.yml").read_text()
    assert any(re.search(rf"\b{name}\b", text) for text in (*TASKS.values(), variables)), f"{name} does nothing"


def test_both_entry_points_take_the_same() -> None:
    assert set(POINTS) == {"main", "finish"} <= set(TASKS)
    assert POINTS["finish"]["options"] == SPEC


def test_every_choice_has_tasks() -> None:
    providers = SPEC[f"{PREFIX}provider"]["choices"]
    assert set(providers) == set(ANNOTATIONS) <= set(TASKS)
    assert providers == read_argument_spec("identity_render")["provider"]["choices"]
    page = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8").partition("## Choose a provider")[2]
    assert re.findall(r"^\| `(\w+)` \|", page.partition("\n## ")[0], re.MULTILINE) == providers
    assert set(SPEC[f"{PREFIX}state"]["choices"]) <= set(TASKS)
    assert SPEC[f"{PREFIX}policies"]["choices"] == list(POLICY_CHOICES)
    assert SPEC[f"{PREFIX}agent"]["choices"] == aws_specs.ROLE["agent"]["choices"]


def test_one_variable_decides_which_providers_create_roles() -> None:
    """A new provider changes no condition: tasks ask the variable, and not for a provider."""
    fact = _documents.read_yaml(ROLE / "vars" / "main.yml")[f"{PREFIX}creates_roles"]
    assert re.findall(r"'(\w+)'", fact) == list(ROLE_CREATING_PROVIDERS) == aws_specs.ROLE["provider"]["choices"]
    yaml = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]
    compared = re.compile(rf"{PREFIX}provider\b[^\n]*(?:[=!]=|\bin\b) *[\['\"]+(\w+)")
    names = [(path.stem, name) for path in yaml for name in compared.findall(path.read_text(encoding="utf-8"))]
    assert names == [("absent", "irsa")], "the cluster's OIDC provider is a matter of one provider, all else is of none"


@pytest.mark.parametrize("name", [name for name in read_argument_spec("identity_render") if name != "service_accounts"])
def test_what_decides_reaches_identity_render(name: str) -> None:
    only = f"service_accounts if {PREFIX}state == 'present' else []"
    option = {"only": only, "cluster_name": "eks_cluster.name | default('')"}.get(name, name)
    assert f'    {name}: "{{{{ {PREFIX}{option} }}}}"' in TASKS["plan"]


@pytest.mark.parametrize("name", TASKS)
def test_variables_of_tasks_are_the_roles_own(name: str) -> None:
    for found in re.findall(r"register: *(\w+)", TASKS[name]):
        assert found.startswith(f"__{PREFIX}")


def test_every_call_at_aws_names_the_same_cluster() -> None:
    for text in TASKS.values():
        calls = re.split(r"\n- name: ", text)
        for call in calls:
            if re.search(r"o11y\.opentelemetry\.(iam|eks)_", call):
                for option in ("name }}", "region | default(omit, true) }}", "profile | default(omit, true) }}"):
                    assert f"{{{{ {PREFIX}eks_cluster.{option}" in call


def test_playbooks_take_the_role_in_where_a_provider_is_given_and_in_this_order() -> None:
    stages = {name: steps(f"playbooks/tasks/{name}.yml") for name in ("deploy", "remove")}
    roles = {name: [task["ansible.builtin.include_role"] for task in tasks] for name, tasks in stages.items()}
    names = [(role["name"].rpartition(".")[2], role.get("tasks_from", "main")) for role in roles["deploy"]]
    wanted = [
        "cert_manager",
        "otel_operator",
        "otel_identity",
        "otel_collector",
        "otel_identity",
        "otel_instrumentation",
    ]
    assert [name for name, _part in names] == wanted
    assert [part for name, part in names if name == "otel_identity"] == ["main", "finish"]
    removed = [role["name"].rpartition(".")[2] for role in roles["remove"]]
    assert removed == ["otel_instrumentation", "otel_collector", "otel_identity", "otel_operator", "cert_manager"]
    for task in stages["deploy"] + stages["remove"]:
        is_identity = task["ansible.builtin.include_role"]["name"] == "o11y.opentelemetry.otel_identity"
        assert ("^otel_identity_provider$" in str(task.get("when"))) == is_identity


def test_what_is_handed_over_is_what_otel_collector_takes_up() -> None:
    defaults: dict[str, Any] = _documents.read_yaml(ROOT / "roles" / "otel_collector" / "defaults" / "main.yml")
    assert "otel_identity_annotations if " in defaults["otel_collector_identity_annotations"]
    assert all("otel_identity_annotations:" in TASKS[name] for name in ("present", "absent"))
    assert Path(ROLE / "tasks" / "finish.yml").exists()
