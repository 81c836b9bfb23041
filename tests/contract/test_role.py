# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of the role is said once, and everything that repeats it agrees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import (
    BACKENDS,
    WORKLOADS,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import workload
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.object_names import COMPONENT_BY_MODE
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _tables

from .role import OPTIONS, PLATFORMS, PREFIX, ROLE, ROOT, SPEC, VARS


@pytest.mark.parametrize("name", sorted(SPEC))
def test_every_input_has_the_roles_prefix_and_a_description(name: str) -> None:
    assert name.startswith(PREFIX)
    assert "".join(SPEC[name]["description"]).endswith("."), "a text, or a list of paragraphs"


def described(options: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return every option and suboption with its path."""
    found = {f"{path}{name}": option for name, option in options.items()}
    for name, option in options.items():
        found |= described(option.get("options") or {}, f"{path}{name}.")
    return found


@pytest.mark.parametrize(("path", "option"), described(SPEC).items(), ids=described(SPEC))
def test_every_suboption_is_described_and_lists_say_of_what(path: str, option: dict[str, Any]) -> None:
    assert "".join(option["description"]).endswith("."), "a text, or a list of paragraphs"
    assert ("elements" in option) == (option.get("type") == "list")


def test_options_of_a_collector_are_its_fields_and_the_role_names_their_variables() -> None:
    module = "o11y.opentelemetry.otel_render"
    (arguments,) = [task[module] for task in _documents.read_yaml(ROLE / "tasks" / "render.yml") if module in task]
    assert arguments["variables_prefix"] == PREFIX
    assert {PREFIX + name for name in OPTIONS} <= set(SPEC)


def test_tasks_use_the_inputs_that_are_no_options_of_a_collector_and_no_others() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROLE / "tasks").iterdir()]
    texts += [VARS["__otel_collector_fail_on"], str(VARS["__otel_collector_ways"])]
    used = {name for text in texts for name in re.findall(rf"\b{PREFIX}\w+", text)}
    assert used & set(SPEC) == set(SPEC) - {PREFIX + name for name in OPTIONS}


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/*/tasks/*.yml")), ids=lambda path: "-".join(path.parts[-3::2]))
def test_variables_of_tasks_are_the_roles_own_or_documented(path: Path) -> None:
    role = path.parents[1]
    registered = set(re.findall(r"register: *(\w+)", path.read_text(encoding="utf-8")))
    described = (role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    public = {name for name in registered if not name.startswith(f"__{role.name}_")}
    assert all(name.startswith(f"{role.name}_") and f"C({name})" in described for name in public)


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_private_variables_of_a_role_are_read_in_that_role_alone(role: str) -> None:
    """What others need is registered without the underscores, and documented."""
    paths = [path for folder in ("molecule", "playbooks", "roles") for path in (ROOT / folder).rglob("*.yml")]
    outside = [path for path in paths if not path.is_relative_to(ROOT / "roles" / role)]
    assert [str(path) for path in outside if f"__{role}_" in path.read_text(encoding="utf-8")] == []


def test_every_state_has_tasks() -> None:
    states = set(SPEC[f"{PREFIX}state"]["choices"]) - {"absent"}  # bundle_apply in main.yml does all of it
    assert {f"{state}.yml" for state in states} <= {path.name for path in (ROLE / "tasks").iterdir()}


def test_every_distribution_can_be_chosen() -> None:
    assert set(SPEC[f"{PREFIX}distribution"]["choices"]) == set(_tables.catalogue("distributions"))


def test_every_backend_can_be_chosen() -> None:
    assert SPEC[f"{PREFIX}backend"]["choices"] == sorted(BACKENDS)


def test_every_mode_has_a_workload_and_a_label() -> None:
    modes = set(SPEC[f"{PREFIX}mode"]["choices"])
    assert modes == set(COMPONENT_BY_MODE) == {mode for backend in BACKENDS.values() for mode in backend.modes}
    assert {builder.__module__ for _kind, builder in WORKLOADS.values()} == {workload.__name__}


@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_a_platform_has_facts_that_all_have_in_the_same_types(name: str) -> None:
    generic = PLATFORMS["generic"]
    facts = PLATFORMS[name]
    assert set(facts) <= set(generic)
    for key, value in facts.items():
        same = key == "run_as_user" or type(value) is type(generic[key])
        assert same, f"{key} is another type than in generic.yml"


def test_the_user_of_a_platform_is_the_images_a_number_or_the_clusters() -> None:
    users = {name: facts.get("run_as_user", "image") for name, facts in PLATFORMS.items()}
    assert [name for name, user in users.items() if user not in ("image", None) and not isinstance(user, int)] == []
