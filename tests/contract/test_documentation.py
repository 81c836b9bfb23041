# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is accepted."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _arguments
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._action import read_argument_spec

from tests.support.documentation import read_documentation, read_fragment
from tools import role_inputs

from .source import files, text

# Actions around a module that has code of its own, which takes the options.
AROUND_A_MODULE = {"bundle_apply", "collector_diagnose"}
ACTIONS = sorted({Path(path).stem for path in files("plugins/action/*.py")} - AROUND_A_MODULE)


def plain(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as the validator takes them, with the types that are not written."""
    named = {name: as_argument(option) for name, option in options.items()}
    return {name: {"type": "str", **option} for name, option in _arguments.build_argument_spec(named).items()}


def as_argument(option: dict[str, Any]) -> dict[str, Any]:
    """Return a documented option with its suboptions under the name that an argument spec has for them."""
    inner = option.get("suboptions")
    own = {key: value for key, value in option.items() if key != "suboptions"}
    return {**own, "options": {name: as_argument(one) for name, one in inner.items()}} if inner else own


@pytest.mark.parametrize("name", ACTIONS)
def test_options_of_an_action_are_those_of_its_documentation(name: str) -> None:
    assert plain(read_argument_spec(name)) == plain(read_documentation(name)["options"])


@pytest.mark.parametrize(
    "name", [Path(path).stem for path in files("plugins/action/*.py") if "READ_OPTIONS" in text(path)]
)
def test_options_that_an_action_reads_before_the_module_have_the_documented_types(name: str) -> None:
    documented = read_documentation(name)["options"]
    action = import_module(f"ansible_collections.o11y.opentelemetry.plugins.action.{name}")
    for option, read_as in action.READ_OPTIONS.items():
        assert read_as == {key: documented[option][key] for key in ("type", "elements") if key in documented[option]}


NAMES = [Path(path).stem for path in files("plugins/modules/*.py")]
CALLED_BY_ROLES = "Called by the roles of this collection. Playbooks use the inputs of those roles instead."
# What only the roles call; their inputs are the documented way to it.
OF_ROLES = [
    name
    for name in NAMES
    if name in ("release_info", "release_render", "webhook_certificate")
    or name.startswith(("identity_", "instrumentation_", "olm_", "sample_app_"))
]


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_attribute_of_a_module_is_described(name: str) -> None:
    found = read_documentation(name)
    assert found["module"] == name
    assert found["version_added"]
    for part in ("options", "attributes"):
        assert [key for key, value in found[part].items() if not value.get("description")] == []
    assert {"check_mode", "diff_mode", "platform"} <= set(found["attributes"])


@pytest.mark.parametrize("name", NAMES)
def test_whom_a_module_is_for_is_its_first_line(name: str) -> None:
    first = read_documentation(name)["description"][0]
    assert (first == CALLED_BY_ROLES) is (name in OF_ROLES)


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_a_module_use_it_with_options_that_exist(name: str) -> None:
    (found,) = re.findall(r'^EXAMPLES = r?"""(.*?)"""', text(f"plugins/modules/{name}.py"), re.DOTALL | re.MULTILINE)
    used = [task[f"o11y.opentelemetry.{name}"] or {} for task in yaml.safe_load(found) if f".{name}" in str(list(task))]
    known = read_argument_spec(name) if name in ACTIONS else plain(read_documentation(name)["options"])
    required = {option for option, spec in known.items() if spec.get("required")}
    assert used
    assert all(required <= set(options) <= set(known) for options in used)
    assert bool(re.search(r"^# Roles? .+ calls? this module\.$", found, re.MULTILINE)) is (name in OF_ROLES)


def test_requirements_of_fragments_are_those_of_the_project() -> None:
    lowest = dict(re.findall(r"^([\w-]+)>=([\d.]+)", text("requirements.txt"), re.MULTILINE))
    lowest["python"] = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    for fragment in ("o11y.opentelemetry._aws", "o11y.opentelemetry._cluster"):
        for requirement in read_fragment(fragment)["requirements"]:
            name, _, version = requirement.partition(" >= ")
            assert version == lowest[name], requirement


def test_defaults_of_fail_on_are_severities() -> None:
    assert read_argument_spec("pipeline_validate")["fail_on"]["choices"] == ["error", "warning", "never"]
    assert "fail_on" in text("plugins/modules/pipeline_validate.py")


# What Ansible itself keeps in a result: https://docs.ansible.com/ansible/latest/reference_appendices/common_return_values.html
RESERVED = {"changed", "failed", "skipped", "warnings", "deprecations", "exception", "invocation", "results"}


@pytest.mark.parametrize("name", NAMES)
def test_a_result_has_no_key_that_ansible_takes_for_its_own(name: str) -> None:
    (found,) = re.findall(r'^RETURN = r?"""(.*?)"""', text(f"plugins/modules/{name}.py"), re.DOTALL | re.MULTILINE)
    returned = yaml.safe_load(found) or {}
    assert {key: value["type"] for key, value in returned.items() if key in RESERVED} in ({}, {"changed": "bool"})


ROLES = sorted(Path(path).parts[1] for path in files("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_page_and_metadata_that_say_what_its_interface_says(role: str) -> None:
    title = yaml.safe_load(text(f"roles/{role}/meta/argument_specs.yml"))["argument_specs"]["main"]["short_description"]
    about = yaml.safe_load(text(f"roles/{role}/meta/main.yml"))["galaxy_info"]
    oldest = yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"]
    assert (about["description"], f">={about['min_ansible_version']}.0") == (title, oldest)
    page = text(f"roles/{role}/README.md")
    assert title in " ".join(page.split())
    assert f"ansible-doc -t role o11y.opentelemetry.{role}" in page
    assert not re.search(r"\]\((?!https://)", page), "a relative link leads nowhere on Galaxy"


@pytest.mark.parametrize("role", ROLES)
def test_the_example_on_the_page_of_a_role_sets_options_that_exist(role: str) -> None:
    example = re.findall(r"```yaml\n(.*?)```", text(f"roles/{role}/README.md"), re.DOTALL)[0]
    assert f"o11y.opentelemetry.{role}" in example
    options = {
        name
        for other in ROLES
        for name in yaml.safe_load(text(f"roles/{other}/meta/argument_specs.yml"))["argument_specs"]["main"]["options"]
    }
    used = set(re.findall(r"\b((?:otel|cert_manager)_\w+):", example))
    assert used <= {*options, "otel_collectors", "otel_instrumentations"}
    assert used


@pytest.mark.parametrize("role", ROLES)
def test_the_page_of_a_role_has_a_section_and_a_valid_example_for_each_group_of_inputs(role: str) -> None:
    groups = role_inputs.group_options(role)
    assert [name for names in groups.values() for name in names] == list(role_inputs.read_options(role))
    page = text(f"roles/{role}/README.md")
    assert page == role_inputs.build_readme(role), "run `python -m tools.role_inputs --write`"
    sections = re.findall(r"^## (.*?)\n.*?<!-- end -->\n\n```yaml\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert [title for title, _example in sections] == list(groups)
    for title, example in sections:
        values = yaml.safe_load(example)
        assert values and set(values) <= set(groups[title]), title
        spec = {name: role_inputs.read_options(role)[name] | {"required": False} for name in values}
        assert ArgumentSpecValidator(spec).validate(values).error_messages == [], title
