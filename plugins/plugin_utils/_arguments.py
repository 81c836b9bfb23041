# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as Ansible documents them: their argument specs, and values in their types. Controller only. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from ..module_utils._core.config.paths import dotted, leaves
from ..module_utils._core.errors import Problem, near

# Keys of an argument spec that only documentation or the role's entry point uses.
_PROSE = {"description", "short_description", "version_added", "author", "seealso"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class Options:
    """Documented options with their argument spec, built once for all values."""

    def __init__(self, documented: Mapping[str, Any]) -> None:
        self.documented = documented
        spec = argument_spec(documented)
        self._validator = ArgumentSpecValidator(spec)
        self._defaults = {
            name: spec[name]["default"] for name in spec if isinstance(spec[name].get("default"), (dict, list))
        }

    def validate(self, values: Mapping[str, Any]) -> ValidationResult:
        """Return values validated by Ansible, which copies the values but fills the defaults of a spec in place."""
        return self._validator.validate({**self._defaults, **values})


def checked(values: Mapping[str, Any], options: Options | Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return values in the types of documented options, with their defaults. Raises Problem naming every fault."""
    known = options if isinstance(options, Options) else Options(options)
    _check_names(values, known.documented, what, "")
    result = _validated(values, known, what)
    if result.error_messages:
        raise Problem("; ".join(result.error_messages), asked=what, fix="Correct the value.")
    validated: dict[str, Any] = result.validated_parameters
    _check_text(validated, what)
    return validated


def _validated(values: Mapping[str, Any], known: Options, what: str) -> ValidationResult:
    """Return what Ansible's validator says of values; it fails on some, such as infinity for a whole number."""
    try:
        return known.validate(values)
    except Exception:
        for name, value in values.items():
            _validated_alone(name, value, known, what)
        raise


def _validated_alone(name: str, value: Any, known: Options, what: str) -> None:
    try:
        known.validate({name: value})
    except Exception as error:
        wrong = f"option '{name}' of {what} has a value that is not valid: {error}"
        raise Problem(wrong, fix="Correct the value.") from error


def _check_text(values: Mapping[str, Any], what: str) -> None:
    """Reject half of a surrogate pair, which JSON can write and no file can hold."""
    for path, value in leaves(values):
        broken = next((part for part in (value, *path) if isinstance(part, str) and _SURROGATE.search(part)), None)
        if broken is not None:
            wrong = f"option '{dotted(path)}' of {what} has text that is not valid Unicode: {broken!r}"
            raise Problem(wrong, fix="Remove the character.")


# What Ansible makes text of a mapping or a list, or explains by classes of Python.
_SHAPES = {"dict": "a mapping", "list": "a list", "bool": "true or false", "int": "a number", "float": "a number"}
# What pods and the official Helm chart call options of a collector, where the nearest name is another one.
_ELSEWHERE = {
    "resources": ("memory_limit", "cpu_request", "cpu_limit"),
    "extraEnvs": ("env",),
    "extraVolumes": ("volumes",),
    "volumeMounts": ("volumes",),
    "presets": ("recipes",),
    "ports": ("recipes", "service"),
}


def _check_names(values: Mapping[str, Any], spec: Mapping[str, Any], what: str, path: str) -> None:
    """Reject unknown options and wrong shapes at any depth; Ansible's validator suggests no similar name."""
    for key, value in values.items():
        if key not in spec:
            wrong = f"{what} has no option '{path}{key}'{_meant(str(key), spec)}"
            raise Problem(wrong, fix=f"Options: {', '.join(sorted(spec)) or 'none'}.")
        option = spec[key] or {}
        _check_shape(value, option.get("type"), option, f"{path}{key}", what)
        for number, item in enumerate(value if isinstance(value, list) else ()):
            _check_shape(item, option.get("elements", "raw"), option, f"{path}{key}[{number}]", what)
        inner = option.get("options") or {}
        for item in (value if isinstance(value, list) else [value]) if inner else ():
            if isinstance(item, Mapping):
                _check_names(item, inner, what, f"{path}{key}.")


def _meant(key: str, spec: Mapping[str, Any]) -> str:
    others = [name for name in _ELSEWHERE.get(key, ()) if name in spec]
    return f"; use {', '.join(others)}" if others else near(key, spec)


def _check_shape(value: Any, kind: str | None, option: Mapping[str, Any], path: str, what: str) -> None:
    """Reject a mapping or a list for another type, and what Ansible's validator fails on for a mapping of options."""
    inner = sorted(option.get("options") or {})
    given = "dict" if isinstance(value, Mapping) else "list" if isinstance(value, list) else ""
    if inner and kind == "dict" and given != "dict" and not (value is None or isinstance(value, str)):
        fix = f"Write a mapping of {', '.join(inner)}."
        raise Problem(f"option '{path}' of {what} must be a mapping, not '{value}'", fix=fix)
    if not given or kind in (given, "raw"):
        return
    examples = {"dict": "{NAME: VALUE}", "list": "[ITEM]", "bool": "true", "int": "1", "float": "1"}
    fix = f"Write `{path.partition('[')[0].rpartition('.')[2]}: {examples.get(kind or '', 'TEXT')}`."
    wanted = _SHAPES.get(kind or "", "text")
    raise Problem(f"option '{path}' of {what} must be {wanted}, not {_SHAPES[given]}", fix=fix)


def argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options as the argument spec that Ansible's validator takes, which fills in its defaults."""
    spec = {}
    for name, option in options.items():
        facts = {key: deepcopy(value) for key, value in (option or {}).items() if key not in _PROSE}
        inner = facts.pop("options", None) or facts.pop("suboptions", None)  # as documentation of modules calls them
        spec[name] = facts | ({"options": argument_spec(inner)} if inner else {})
    return spec
