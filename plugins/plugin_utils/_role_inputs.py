# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do variables fit the inputs of a role? Controller only. Private.

An action asks about the role that it runs in, and module cluster_check about roles that run later. No table repeats the
inputs: they are those of the `argument_specs.yml` of each role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_bool, check_type_list

from ..module_utils._install.releases.products import CERT_MANAGER, OPERATOR, PRODUCTS
from ..module_utils._install.releases.version_numbers import version
from ..module_utils._otelcol.errors import Problem, near, nearest
from . import _arguments, _sources
from ._answers import problems_fail_task
from ._shape_checks import check_shapes

# Fills in the templates of values, as the templar of an action does.
Template = Callable[[Any], Any]

# With this variable, the first task of a role checks all inputs of the role. A playbook that sets it includes the role
# with `rolespec_validate: false`: Ansible's own check takes a task, and reads the specification once more.
_CHECKS_ROLE = "__otel_checks_role"
# What a role installs, by the role; its input `ROLE_version` is a version of that product.
_PRODUCTS = {"cert_manager": PRODUCTS[CERT_MANAGER], "otel_operator": PRODUCTS[OPERATOR]}
# A variable is almost an input from this similarity on, between 0 and 1. It leaves alone what users name after the role
# for their own use.
_ALMOST = 0.8


class Role(NamedTuple):
    """A role of this collection, and its documented options by the name of the variable."""

    name: str
    options: Mapping[str, Any]


def running_role(variables: Mapping[str, Any]) -> Role:
    """Return the role that a task runs in; one without a name and options outside of the roles of this collection."""
    if variables.get("ansible_collection_name") != "o11y.opentelemetry":
        return Role("", {})
    name = str(variables["role_name"])
    return Role(name, _sources.documented(name))


# ── The role that runs ──


def check_running_role(variables: Mapping[str, Any], template: Template) -> None:
    """Fail for inputs of the running role of which Ansible would make text, or for all that are invalid.

    The task that uses a variable says what is undefined in it, unless this check stands for that of Ansible.
    """
    role = running_role(variables)
    given = {name: variables[name] for name in role.options if name in variables}
    if variables.get(_CHECKS_ROLE):
        values = templated(given, variables, template)
        with problems_fail_task(values):
            _check_values(role, values)
    else:
        with problems_fail_task():
            _check_shapes_of(role, given, template)


def _check_shapes_of(role: Role, given: Mapping[str, Any], template: Template) -> None:
    """Raise Problem for a value of a wrong shape; one with an undefined variable is left to the task that uses it."""
    for name, value in given.items():
        with suppress(AnsibleError):
            check_shapes(template({name: value}), role.options, f"role {role.name}")


def misspelled_options(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each variable that is almost an input of the running role: Ansible ignores it."""
    role = running_role(variables)
    if not role.options:
        return
    prefix = f"{role.name}_"
    known = {name.removeprefix(prefix) for name in role.options}
    for name in variables:
        word = name.removeprefix(prefix)
        if word == name or word in known:
            continue
        close = nearest(word, known, cutoff=_ALMOST)
        if close:
            yield f"{name} is no option of role {role.name} and has no effect; did you mean {prefix}{close}?"


# ── Roles that run later ──


def check_inputs(given: Any, variables: Mapping[str, Any], template: Template) -> None:
    """Fail if variables do not fit the given roles, which run later.

    The task that uses a variable says what is undefined in it, and the role which variables are missing.
    """
    with problems_fail_task():
        names = _role_names(given)
    for name in names:
        options = {key: {**(option or {}), "required": False} for key, option in _sources.documented(name).items()}
        values = _defined_values(options, variables, template)
        with problems_fail_task(values):
            _check_values(Role(name, options), values)


def _role_names(given: Any) -> list[str]:
    """Return the roles whose inputs are checked: a list, or what Ansible makes one of, such as a text with commas.

    Raises Problem for a role that this collection does not have.
    """
    what = "module cluster_check"
    check_shapes({"inputs": given or []}, {"inputs": {"type": "list", "elements": "str"}}, what)
    names = [str(name).strip() for name in check_type_list(given or [])]
    known = _sources.roles() if names else []
    for number, name in enumerate(names):
        if name not in known:
            wrong = f"option 'inputs[{number}]' of {what} is '{name}'{near(name.rpartition('.')[2], known)}"
            raise Problem(wrong, fix=f"Write a role of this collection: {', '.join(known)}.")
    return names


def _defined_values(options: Mapping[str, Any], variables: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """Return the values of options whose variables are defined, and use no undefined one."""
    values: dict[str, Any] = {}
    for name in options:
        if name in variables:
            with suppress(AnsibleError):
                values |= template({name: variables[name]})
    return _without_omitted(values, variables)


def check_switches(given: Mapping[str, Any]) -> None:
    """Fail if a variable, by its name, is no boolean."""
    for name, value in given.items():
        try:
            check_type_bool(value)
        except TypeError as error:
            raise AnsibleActionFail(f"{name}: {error}. Write true or false.") from None


# ── Values ──


def _check_values(role: Role, values: Mapping[str, Any]) -> None:
    """Raise Problem for values that a role would reject later."""
    checked = _arguments.checked(values, role.options, f"role {role.name}", one_line=False)
    variable = f"{role.name}_version"
    product = _PRODUCTS.get(role.name)
    if product and checked.get(variable):
        try:
            version(checked[variable], product.title)
        except Problem as problem:
            raise Problem(problem.wrong, asked=f"role {role.name}", where=variable, fix=problem.fix) from problem


def templated(values: Mapping[str, Any], variables: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """Return values without their templates, and without what a template omits."""
    return _without_omitted(template(values), variables)


def _without_omitted(values: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without what templates omit: before ansible-core 2.19, the text `omit` stands for it."""
    omitted = variables.get("omit")
    without: dict[str, Any] = values if omitted is None else _without(omitted, values)
    return without


def _without(omitted: str, value: Any) -> Any:
    """Return a value without a text at any depth: entries of mappings and items of lists that are the text go."""
    if isinstance(value, Mapping):
        return {key: _without(omitted, item) for key, item in value.items() if item != omitted}
    if isinstance(value, list):
        return [_without(omitted, item) for item in value if item != omitted]
    return value
