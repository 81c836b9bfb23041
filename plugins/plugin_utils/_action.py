# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugins that do the work of a module on the controller.

A module takes its options from its documentation, and otel_render those of a collector from the argument_specs.yml of
role otel_collector. No table repeats them. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from shlex import quote
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.validation import check_type_bool, check_type_list
from ansible.plugins.action import ActionBase

from ..module_utils._install.releases.products import CERT_MANAGER, OPERATOR, PRODUCTS
from ..module_utils._install.releases.versions import version
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.config.masking import concealed, masked_tree, masker
from ..module_utils._otelcol.errors import Problem, near, nearest
from . import _arguments, _inventory, _lock_file, _origins, _sources
from ._needed import needed
from ._otelcol import _documented, _yaml
from ._own_lines import forget_own_line
from ._shape_checks import check_shapes

# The place, the path and the rule of a finding: names, which may be the same as a secret.
_NAMES = re.compile(r"^( +\S[^\n]*?: (?:error|warning|info) \[[\w-]+\] )", re.MULTILINE)


# What roles install in a version of its own.
_PRODUCTS = {"cert_manager": PRODUCTS[CERT_MANAGER], "otel_operator": PRODUCTS[OPERATOR]}

# With this variable, the first task of a role checks all inputs of the role. A playbook that sets it includes the role
# with `rolespec_validate: false`: Ansible's own check takes a task, and reads the specification once more.
CHECKS_ROLE = "__otel_checks_role"


class ControllerAction(ActionBase):
    """Validates the task's arguments and returns the result of `work`. It touches no cluster.

    `variables` are those of the task, which `work` may read.
    """

    _requires_connection = False
    variables: Mapping[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task. Fails for invalid arguments and for a Problem."""
        with needed():
            super().run(tmp, task_vars)
        forget_own_line(self._task)
        self.variables = variables = task_vars or {}
        module = type(self).__module__.rpartition(".")[2]
        spec = arguments_of(module)
        self._check_role(variables)
        refuse(lambda: self._check_shapes(spec, f"module {module}"))
        _result, arguments = self.validate_argument_spec(argument_spec=spec)
        refuse(lambda: self._check_inventory(variables))
        for warning in misspelled(variables):
            self._display.warning(warning)
        if not _origins.are_tagged():
            arguments |= self._as_in_their_file(arguments, variables)
        if prefix := arguments.get("variables_prefix"):
            arguments["defaults"] = self._of_variables(prefix, variables) | arguments["defaults"]
        if "lock_file" in arguments:
            arguments["lock_file"] = _lock_file.path_of_lock(arguments["lock_file"], variables.get("inventory_dir"))
        return answer(lambda: self.work(arguments), arguments)

    @staticmethod
    def _check_inventory(variables: Mapping[str, Any]) -> None:
        """Reject variables that are almost those of this collection. May raise Problem."""
        _inventory.check_names(variables)

    def _check_shapes(self, spec: Mapping[str, Any], what: str) -> None:
        """Reject options of the task of which Ansible would make text. May raise Problem."""
        check_shapes(self._task.args, spec, what)

    def _check_role(self, variables: Mapping[str, Any]) -> None:
        """Fail for options of the running role of which Ansible would make text, or for all that are invalid.

        The task that uses a variable says what is undefined in it, unless this check stands for that of Ansible.
        """
        role, options = role_options(variables)
        given = {name: variables[name] for name in options if name in variables}
        if variables.get(CHECKS_ROLE):
            values = self._templated(given, variables)
            answer(partial(_checked_input, role, values, options), values)
        else:
            answer(partial(self._check_role_shapes, role, given, options), {})

    def _check_role_shapes(self, role: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            with suppress(AnsibleError):
                check_shapes(self._templar.template({name: value}), options, f"role {role}")
        return {}

    def _as_in_their_file(self, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the list of a role that knows its positions, which ansible-core 2.18 forgets after a lookup."""
        items = variables.get(f"{role_options(variables)[0]}s")
        known = self._templar.template(items) if items else None
        return {name: known for name, value in arguments.items() if known and value == known}

    def _of_variables(self, prefix: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that have a variable, as Ansible's own validate_argument_spec takes them."""
        given = {name: variables[prefix + name] for name in self.options() if prefix + name in variables}
        return self._templated(given, variables)

    def _templated(self, given: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return values without their templates, and without what a template omits."""
        values: dict[str, Any] = self._templar.template(given)
        omitted = variables.get("omit")
        return values if omitted is None else _without(omitted, values)

    @staticmethod
    def options() -> Iterable[str]:
        """Return the names of the options that `variables_prefix` looks up."""
        return ()

    def work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result for valid arguments. May raise Problem."""
        raise NotImplementedError


def _without(omitted: str, value: Any) -> Any:
    """Return a value without what `omit` stands for: a text before ansible-core 2.19, which omits by itself."""
    if isinstance(value, Mapping):
        return {key: _without(omitted, item) for key, item in value.items() if item != omitted}
    return [_without(omitted, item) for item in value if item != omitted] if isinstance(value, list) else value


def arguments_of(module: str) -> dict[str, dict[str, Any]]:
    """Return the argument spec of a module: the options of its documentation and of the fragments there."""

    def fragment_text(file: str, part: str) -> str:
        fragment = import_module(f"..doc_fragments.{file}", __package__).ModuleDocFragment
        return str(getattr(fragment, part))

    documentation = import_module(f"..modules.{module}", __package__).DOCUMENTATION
    return _arguments.argument_spec(_documented.options_of(documentation, module, fragment_text))


def role_options(variables: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the running role and its documented options; none outside of the roles of this collection."""
    if variables.get("ansible_collection_name") != "o11y.opentelemetry":
        return "", {}
    role = str(variables["role_name"])
    return role, _sources.documented(role)


def _roles(given: Any) -> dict[str, Any]:
    """Return the roles whose inputs are checked, a list or what Ansible makes one of. Raises Problem for another."""
    what = "module cluster_check"
    check_shapes({"inputs": given or []}, {"inputs": {"type": "list", "elements": "str"}}, what)
    listed = [str(one).strip() for one in check_type_list(given or [])]
    known = _sources.roles() if listed else []
    for number, role in enumerate(listed):
        if role not in known:
            wrong = f"option 'inputs[{number}]' of {what} is '{role}'{near(role.rpartition('.')[2], known)}"
            raise Problem(wrong, fix=f"Write a role of this collection: {', '.join(known)}.")
    return {"roles": listed}


def check_switches(given: Mapping[str, Any]) -> None:
    """Fail if a variable, by its name, is no boolean."""
    for name, value in given.items():
        try:
            check_type_bool(value)
        except TypeError as error:
            raise AnsibleActionFail(f"{name}: {error}. Write true or false.") from None


def check_inputs(given: Any, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> None:
    """Fail if variables do not fit the given roles, which run later.

    The task that uses a variable says what is undefined in it, and the role which variables are missing.
    """
    for role in answer(partial(_roles, given), {})["roles"]:
        options = {name: {**(option or {}), "required": False} for name, option in _sources.documented(role).items()}
        found: dict[str, Any] = {}
        for name in (name for name in options if name in variables):
            with suppress(AnsibleError):
                found |= template({name: variables[name]})
        values = _without(variables.get("omit", object()), found)
        answer(partial(_checked_input, role, values, options), values)


def _checked_input(role: str, values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a role in their types. Raises Problem for those that it would reject later."""
    checked = _arguments.checked(values, options, f"role {role}", one_line=False)
    name = f"{role}_version"
    if role in _PRODUCTS and (given := checked.get(name)):
        try:
            version(given, _PRODUCTS[role].title)
        except Problem as problem:
            raise Problem(problem.wrong, asked=f"role {role}", where=name, fix=problem.fix) from problem
    return checked


def misspelled(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each variable that is almost an option of this collection's running role.

    Ansible ignores such a variable. The cutoff leaves alone what users name after the role for their own use.
    """
    role, options = role_options(variables)
    known = {name.removeprefix(f"{role}_") for name in options}
    for name in variables if options else ():
        word = name.removeprefix(f"{role}_")
        if word != name and word not in known and (close := nearest(word, known, cutoff=0.8)):
            yield f"{name} is no option of role {role} and has no effect; did you mean {role}_{close}?"


def command(playbook: str, variables: Mapping[str, Any]) -> str:
    """Return the command that runs a playbook of this collection for this host and the inventory of this run."""
    sources = variables.get("ansible_inventory_sources") or ["INVENTORY"]
    inventory = " ".join(f"-i {quote(str(source))}" for source in sources)
    host = quote(str(variables["inventory_hostname"]))
    return f"ansible-playbook o11y.opentelemetry.{playbook} {inventory} --limit {host}"


def answer(work: Callable[[], dict[str, Any]], arguments: Any) -> dict[str, Any]:
    """Return the result of the work. A Problem becomes a failed task, whose message shows no secret."""
    try:
        return {"changed": False, **work()}
    except Problem as problem:
        mask = masker(secrets_in_objects(arguments, _yaml.parsed))
        parts = _NAMES.split(str(problem))  # every second one has names
        shown = "".join(concealed(part) if index % 2 else mask(part) for index, part in enumerate(parts))
        facts = masked_tree(problem.facts, lambda text: concealed(mask(text)))
        # Ansible shows the cause of an exception too.
        raise AnsibleActionFail(shown, result=facts) from None


def refuse(check: Callable[[], object]) -> None:
    """Run a check whose result says nothing. A Problem becomes a failed task, whose message shows no secret."""
    answer(lambda: {"checked": check()}, {})


def hidden_if_secret(result: dict[str, Any], part: str = "manifests") -> dict[str, Any]:
    """Return a result. Ansible hides it from output and logs if this part of it holds secrets in clear text."""
    found = next(secrets_in_objects(result.get(part) or [], _yaml.parsed), None) is not None
    return {**result, "has_secrets": found, "_ansible_no_log": found}
