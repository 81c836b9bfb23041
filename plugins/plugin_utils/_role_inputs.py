# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that variables fit the inputs of a role, before its tasks use them. Controller only. Private.

The inputs of a role are those of its `argument_specs.yml`; no table repeats them. Every action of this collection calls
`check_running_role` about the role that it runs in. Module cluster_check calls `check_inputs` about roles that run
later, so that a run fails before it changes the first cluster. For example, `otel_operator_version: newest` is refused,
and `otel_collector_platfrom: eks` gets a warning: "… is no option of role otel_collector and has no effect; did you
mean otel_collector_platform?"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_bool, check_type_list

from ..module_utils._install.releases.products import CERT_MANAGER, OPERATOR, PRODUCTS
from ..module_utils._install.releases.version_numbers import require_whole_version
from ..module_utils._otelcol.errors import Problem, find_nearest, suggest_word
from . import _arguments, _role_options
from ._answers import turn_problems_into_failure
from ._shape_checks import check_shapes

# Returns a value with its templates filled in, as the templar of an action does.
Template = Callable[[Any], Any]

# With this variable, the first task of a role checks all inputs of the role. A playbook that sets it includes the role
# with `rolespec_validate: false`: Ansible's own check takes a task, and reads the specification once more.
_CHECKS_ROLE_VARIABLE = "__otel_checks_role"
# What a role installs, by the role; its input `ROLE_version` is a version of that product.
_PRODUCTS = {"cert_manager": PRODUCTS[CERT_MANAGER], "otel_operator": PRODUCTS[OPERATOR]}
# A variable is almost an input from this similarity on, between 0 and 1. It leaves alone what users name after the role
# for their own use.
_ALMOST_SIMILARITY = 0.8


class Role(NamedTuple):
    """A role of this collection, and its documented options by the name of the variable."""

    name: str
    options: Mapping[str, Any]


def find_running_role(variables: Mapping[str, Any]) -> Role:
    """Return the role that a task runs in; one without a name and options outside of the roles of this collection."""
    if variables.get("ansible_collection_name") != "o11y.opentelemetry":
        return Role("", {})
    name = str(variables["role_name"])
    return Role(name, _role_options.read_all_role_options(name))


# ── The role that runs ──


def check_running_role(variables: Mapping[str, Any], template: Template) -> None:
    """Fail for invalid inputs of the running role.

    Ansible itself has checked most of them before, so only shapes are looked at of which it would make text. In a role
    that Ansible did not check (see `_CHECKS_ROLE_VARIABLE`), all is checked, and an undefined variable fails too.
    """
    role = find_running_role(variables)
    role_variables = {name: variables[name] for name in role.options if name in variables}
    if variables.get(_CHECKS_ROLE_VARIABLE):
        values = fill_templates(role_variables, variables, template)
        with turn_problems_into_failure(values):
            _check_values(role, values)
    else:
        with turn_problems_into_failure():
            _check_variable_shapes(role, role_variables, template)


def _check_variable_shapes(role: Role, role_variables: Mapping[str, Any], template: Template) -> None:
    """Raise Problem for a value of a wrong shape; one with an undefined variable is left to the task that uses it."""
    for name, value in role_variables.items():
        with suppress(AnsibleError):
            check_shapes(template({name: value}), role.options, f"role {role.name}")


def find_misspelled_options(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each variable that is almost an input of the running role: Ansible ignores it."""
    role = find_running_role(variables)
    if not role.options:
        return
    prefix = f"{role.name}_"
    known_words = {name.removeprefix(prefix) for name in role.options}
    for name in variables:
        word = name.removeprefix(prefix)
        if word == name or word in known_words:
            continue
        nearest_word = find_nearest(word, known_words, cutoff=_ALMOST_SIMILARITY)
        if nearest_word:
            yield f"{name} is no option of role {role.name} and has no effect; did you mean {prefix}{nearest_word}?"


# ── Roles that run later ──


def check_inputs(roles_option: Any, variables: Mapping[str, Any], template: Template) -> None:
    """Fail if variables do not fit the given roles, which run later.

    The task that uses a variable says what is undefined in it, and the role which variables are missing.
    """
    with turn_problems_into_failure():
        role_names = _read_role_names(roles_option)
    for name in role_names:
        options = {
            key: {**(option or {}), "required": False}
            for key, option in _role_options.read_all_role_options(name).items()
        }
        values = _fill_defined_values(options, variables, template)
        with turn_problems_into_failure(values):
            _check_values(Role(name, options), values)


def _read_role_names(roles_option: Any) -> list[str]:
    """Return the roles whose inputs are checked: a list, or what Ansible makes one of, such as a text with commas.

    Raises Problem for a role that this collection does not have.
    """
    owner = "module cluster_check"
    check_shapes({"inputs": roles_option or []}, {"inputs": {"type": "list", "elements": "str"}}, owner)
    role_names = [str(name).strip() for name in check_type_list(roles_option or [])]
    known_roles = _role_options.list_roles() if role_names else []
    for index, name in enumerate(role_names):
        if name not in known_roles:
            wrong = (
                f"option 'inputs[{index}]' of {owner} is '{name}'{suggest_word(name.rpartition('.')[2], known_roles)}"
            )
            raise Problem(wrong, fix=f"Write a role of this collection: {', '.join(known_roles)}.")
    return role_names


def _fill_defined_values(
    options: Mapping[str, Any], variables: Mapping[str, Any], template: Template
) -> dict[str, Any]:
    """Return the values of options whose variables are defined, and use no undefined one."""
    values: dict[str, Any] = {}
    for name in options:
        if name in variables:
            with suppress(AnsibleError):
                values |= template({name: variables[name]})
    return _drop_omitted(values, variables)


def check_switches(switches: Mapping[str, Any]) -> None:
    """Fail if a variable, by its name, is no boolean."""
    for name, value in switches.items():
        try:
            check_type_bool(value)
        except TypeError as error:
            raise AnsibleActionFail(f"{name}: {error}. Write true or false.") from None


# ── Values ──


def _check_values(role: Role, values: Mapping[str, Any]) -> None:
    """Raise Problem for values that a role would reject later."""
    checked_values = _arguments.validate_values(values, role.options, f"role {role.name}", one_line=False)
    version_variable = f"{role.name}_version"
    product = _PRODUCTS.get(role.name)
    if product and checked_values.get(version_variable):
        try:
            require_whole_version(checked_values[version_variable], product.title)
        except Problem as problem:
            raise Problem(
                problem.wrong, asked=f"role {role.name}", where=version_variable, fix=problem.fix
            ) from problem


def fill_templates(values: Mapping[str, Any], variables: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """Return values without their templates, and without what a template omits."""
    return _drop_omitted(template(values), variables)


def _drop_omitted(values: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without what templates omit: before ansible-core 2.19, the text `omit` stands for it."""
    omitted = variables.get("omit")
    kept_values: dict[str, Any] = values if omitted is None else _drop_text(omitted, values)
    return kept_values


def _drop_text(omitted: str, value: Any) -> Any:
    """Return a value without a text at any depth: entries of mappings and items of lists that are the text go."""
    if isinstance(value, Mapping):
        return {key: _drop_text(omitted, child) for key, child in value.items() if child != omitted}
    if isinstance(value, list):
        return [_drop_text(omitted, child) for child in value if child != omitted]
    return value
