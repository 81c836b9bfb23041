# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate values by documented options, and return them in their types. Controller only. Private.

An argument spec is Ansible's description of options: type, choices and default of each. The documentation of a role, a
module or a recipe is turned into one, and Ansible validates values by it. For example, by the options of a collector,
`{name: agent, replicas: "2"}` becomes a mapping of all options, with `replicas: 2` and defaults, and
`{name: agent, replica: 2}` is refused: "collector 'agent' has no option 'replica'; did you mean 'replicas'?".
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from ..module_utils._collector.option_values import TEXT_MAPS
from ..module_utils._otelcol.config.paths import format_path, iter_leaves
from ..module_utils._otelcol.errors import Problem, suggest_word
from ..module_utils._otelcol.kube.text_values import text_value
from ._option_values import VALUE_KIND_KEY, find_value_kind
from ._shape_checks import check_shapes
from ._spelling_checks import SURROGATE
from ._value_shapes import list_mappings, read_suboptions

# Keys of documented options that an argument spec does not have. `range` and `needs` are of recipes, whose options
# _collector/recipe_options.py checks.
_DOCUMENTATION_KEYS = {
    "description",
    "short_description",
    "version_added",
    "author",
    "seealso",
    "range",
    "needs",
    "instead_of",
    VALUE_KIND_KEY,
}
# Names that people know from Kubernetes and from the Helm chart opentelemetry-collector, and the options here for the
# same thing. The option of the most similar name would be another one.
_NAMES_ELSEWHERE = {
    "resources": ("memory_limit", "memory_request", "cpu_request", "cpu_limit"),
    "extraEnvs": ("env",),
    "extraVolumes": ("volumes",),
    "volumeMounts": ("volumes",),
    "presets": ("recipes",),
    "ports": ("recipes", "service"),
}


class DocumentedOptions:
    """Documented options with their argument spec, built once for all values."""

    def __init__(self, documented: Mapping[str, Any]) -> None:
        self.documented = documented
        spec = build_argument_spec(documented)
        self._validator = ArgumentSpecValidator(spec)
        self._defaults: dict[str, Any] = {}
        for name, option in spec.items():
            if isinstance(option.get("default"), (dict, list)):
                self._defaults[name] = option["default"]

    def validate(self, values: Mapping[str, Any]) -> ValidationResult:
        """Return values validated by Ansible.

        Ansible copies the values that it is given, but puts the default objects of the spec itself into the result.
        So lists and mappings that are defaults are given as values: Ansible then copies them too.
        """
        return self._validator.validate({**self._defaults, **values})


def validate_values(
    values: Mapping[str, Any],
    options: DocumentedOptions | Mapping[str, Any],
    described_values: str,
    *,
    one_line: bool = True,
) -> dict[str, Any]:
    """Return values in the types of documented options, with their defaults. Raises Problem naming every fault.

    With `one_line`, no text may have a line end or a character that nothing shows.
    """
    known_options = options if isinstance(options, DocumentedOptions) else DocumentedOptions(options)
    _check_option_names(values, known_options.documented, described_values, "")
    check_shapes(values, known_options.documented, described_values, one_line=one_line)
    validation = _run_validator(values, known_options, described_values)
    if validation.error_messages:
        fix = "Write a value of the type or the list that the message names."
        if any("missing" in message for message in validation.error_messages):
            fix = "Give what is missing."
        raise Problem("; ".join(validation.error_messages), asked=described_values, fix=fix)
    validated: dict[str, Any] = validation.validated_parameters
    _check_unicode(validated, described_values)
    _convert_to_text(validated, known_options.documented)
    return validated


def describe_name(values: Mapping[str, Any]) -> str:
    """Return the name of a collector or an Instrumentation in a message, whatever was given as its name."""
    name = values.get("name")
    is_showable = isinstance(name, (str, int)) and name and str(name).isprintable()
    return str(name) if is_showable else "without a name"


# ── Names ──


def _check_option_names(values: Mapping[str, Any], spec: Mapping[str, Any], described_values: str, path: str) -> None:
    """Raise Problem for an unknown option at any depth. Ansible's validator suggests no similar name."""
    for key, value in values.items():
        if key not in spec:
            wrong = f"{described_values} has no option '{path}{key}'{_suggest_names(str(key), spec)}"
            raise Problem(wrong, fix=f"Options: {', '.join(sorted(spec)) or 'none'}.")
        inner_options = read_suboptions(spec[key])
        if inner_options:
            for inner_values in list_mappings(value):
                _check_option_names(inner_values, inner_options, described_values, f"{path}{key}.")


def _suggest_names(key: str, spec: Mapping[str, Any]) -> str:
    """Return which options an unknown one may mean, as the end of a sentence."""
    meant_names = [name for name in _NAMES_ELSEWHERE.get(key, ()) if name in spec]
    return f"; use {', '.join(meant_names)}" if meant_names else suggest_word(key, spec)


# ── Ansible's validator ──


def _run_validator(
    values: Mapping[str, Any], known_options: DocumentedOptions, described_values: str
) -> ValidationResult:
    """Return the result of Ansible's validator. Raises Problem for a value on which the validator itself fails.

    For example, infinity for a whole number makes it raise OverflowError, which names no option.
    """
    try:
        return known_options.validate(values)
    except Exception:  # each option is validated alone, to find the one of the value
        for name, value in values.items():
            _validate_alone(name, value, known_options, described_values)
        raise


def _validate_alone(name: str, value: Any, known_options: DocumentedOptions, described_values: str) -> None:
    """Raise Problem with the name of an option whose value Ansible's validator cannot take."""
    try:
        known_options.validate({name: value})
    except Exception as error:
        wrong = f"option '{name}' of {described_values} has a value that is not valid: {error}"
        raise Problem(wrong, fix="Correct the value.") from error


def build_argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options as the argument spec that Ansible's validator takes.

    The spec is a copy, since the validator fills in its defaults. Documentation of modules calls options below an
    option `suboptions`, that of roles `options`.
    """
    spec: dict[str, Any] = {}
    for name, option in options.items():
        spec_of_option: dict[str, Any] = {}
        for key, value in (option or {}).items():
            if key not in _DOCUMENTATION_KEYS:
                spec_of_option[key] = deepcopy(value)
        inner_options = spec_of_option.pop("options", None)
        if not inner_options:
            inner_options = spec_of_option.pop("suboptions", None)
        if inner_options:
            spec_of_option["options"] = build_argument_spec(inner_options)
        spec[name] = spec_of_option
    return spec


# ── Texts ──


def _check_unicode(values: Mapping[str, Any], described_values: str) -> None:
    """Raise Problem for half of a surrogate pair, which JSON can write and no file can hold."""
    for path, value in iter_leaves(values):
        for part in (value, *path):
            if isinstance(part, str) and SURROGATE.search(part):
                wrong = (
                    f"option '{format_path(path)}' of {described_values} has text that is not valid Unicode: {part!r}"
                )
                raise Problem(wrong, fix="Remove the character.")


def _convert_to_text(values: dict[str, Any], spec: Mapping[str, Any]) -> None:
    """Make texts of the numbers and switches in mappings of texts, such as `true` of a switch.

    `check_shapes` has refused the numbers of files whose text is not what the file has, such as 1.2 for `1.20`. So here
    only a template can give such a number.
    """
    for name, value in values.items():
        option = spec.get(name) or {}
        if isinstance(value, dict) and find_value_kind(name, option) in TEXT_MAPS:
            values[name] = {key: _number_as_text(entry) for key, entry in value.items()}
        inner_options = read_suboptions(option)
        if inner_options:
            for inner_values in list_mappings(value):
                _convert_to_text(inner_values, inner_options)


def _number_as_text(entry: Any) -> Any:
    """Return a number or a switch as text, such as `true`; any other entry as it is."""
    return text_value(entry) if isinstance(entry, (int, float)) else entry
