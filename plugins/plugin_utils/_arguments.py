# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as Ansible documents them: their argument specs, and values in their types. Controller only. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_float, check_type_int

from ..module_utils._collector.option_values import TEXT_MAPS, Values
from ..module_utils._otelcol.config.paths import Position, dotted, leaves
from ..module_utils._otelcol.config.secret_names import is_secret_header
from ..module_utils._otelcol.errors import Problem, cleaned, near
from ..module_utils._otelcol.kube.names import text
from . import _origins
from ._option_values import HOLDS, held_by

# Keys of an argument spec that only documentation or the role's entry point uses.
# `range` and `needs` are of recipes, whose options _collector/recipes.py checks.
_PROSE = {
    "description",
    "short_description",
    "version_added",
    "author",
    "seealso",
    "range",
    "needs",
    "instead_of",
    HOLDS,
}
_SURROGATE = re.compile("[\ud800-\udfff]")


# The words by which the description of an option calls it a duration.
_DURATION = re.compile(r"\b(Go|Prometheus) durations?\b")
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,9})?", re.ASCII)
# Sources: time.ParseDuration of Go; model.ParseDuration of github.com/prometheus/common.
_DURATIONS = {
    "Go": re.compile(r"(?:\d{1,18}(?:\.\d{0,9})?(?:ns|us|µs|ms|s|m|h))+", re.ASCII),
    "Prometheus": re.compile(
        r"(?=\d)(?:\d{1,9}y)?(?:\d{1,9}w)?(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?", re.ASCII
    ),
}


class Options:
    """Documented options with their argument spec, built once for all values."""

    def __init__(self, documented: Mapping[str, Any]) -> None:
        self.documented = documented
        spec = argument_spec(documented)
        self._validator = ArgumentSpecValidator(spec)
        self._defaults: dict[str, Any] = {}
        for name, option in spec.items():
            if isinstance(option.get("default"), (dict, list)):
                self._defaults[name] = option["default"]

    def validate(self, values: Mapping[str, Any]) -> ValidationResult:
        """Return values validated by Ansible, which copies the values but fills the defaults of a spec in place."""
        return self._validator.validate({**self._defaults, **values})


def checked(
    values: Mapping[str, Any], options: Options | Mapping[str, Any], what: str, *, one_line: bool = True
) -> dict[str, Any]:
    """Return values in the types of documented options, with their defaults. Raises Problem naming every fault.

    With `one_line`, no text may have a line end or a character that nothing shows.
    """
    known = options if isinstance(options, Options) else Options(options)
    _check_names(values, known.documented, what, "")
    check_shapes(values, known.documented, what, one_line=one_line)
    result = _validated(values, known, what)
    if result.error_messages:
        fix = "Write a value of the type or the list that the message names."
        if any("missing" in message for message in result.error_messages):
            fix = "Give what is missing."
        raise Problem("; ".join(result.error_messages), asked=what, fix=fix)
    validated: dict[str, Any] = result.validated_parameters
    _check_text(validated, what)
    _make_text(validated, known.documented)
    return validated


def _make_text(values: dict[str, Any], spec: Mapping[str, Any]) -> None:
    """Make text of numbers and switches in mappings of text. Only templates give those whose text differs."""
    for name, value in values.items():
        option = spec.get(name) or {}
        if isinstance(value, dict) and held_by(name, option) in TEXT_MAPS:
            values[name] = {key: _as_text(entry) for key, entry in value.items()}
        inner = _suboptions(option)
        if inner:
            for options in _mappings(value):
                _make_text(options, inner)


def _as_text(entry: Any) -> Any:
    return text(entry) if isinstance(entry, (int, float)) else entry


def _suboptions(option: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the documented suboptions of an option; none if it has none."""
    return (option or {}).get("options") or {}


def _mappings(value: Any) -> list[Any]:
    """Return what may have suboptions: a mapping, or the mappings of a list."""
    listed = value if isinstance(value, list) else [value]
    return [entry for entry in listed if isinstance(entry, Mapping)]


def named(values: Mapping[str, Any]) -> str:
    """Return the name of a collector or an Instrumentation in a message, whatever was given as its name."""
    name = values.get("name")
    shown = isinstance(name, (str, int)) and name and str(name).isprintable()
    return str(name) if shown else "without a name"


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
        for part in (value, *path):
            if isinstance(part, str) and _SURROGATE.search(part):
                wrong = f"option '{dotted(path)}' of {what} has text that is not valid Unicode: {part!r}"
                raise Problem(wrong, fix="Remove the character.")


# Shapes of values, which Ansible makes text of or explains by classes of Python, and how to write each in YAML.
_TEXT = ("text", "TEXT")
_SHAPES = {
    "dict": ("a mapping", "{NAME: VALUE}"),
    "list": ("a list", "[ITEM]"),
    "bool": ("true or false", "true"),
    "int": ("a number", "1"),
    "float": ("a number", "1"),
    "text": _TEXT,
    "null": ("null", "null"),
}
_ANY = ("raw", "json", "jsonarg")
# How Ansible reads a text as a value of these types, and how much of one that it cannot read is shown.
_READ_AS = {"bool": check_type_bool, "int": check_type_int, "float": check_type_float}
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)\Z", re.IGNORECASE)
_SHOWN = 60
# Fields in the syntax of Kubernetes that are text, lists of text or mappings of text.
_FIELDS = ("effect", "key", "matchLabels", "operator", "topologyKey", "value", "values", "volumeAttributes")
# Names of variables that every version of Kubernetes accepts, and what the annotations of an object may hold, which is
# 256 KiB with those of this collection and of Kubernetes.
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
_MOST_KIB = 250
_NEGATIVE = re.compile(r"\s*-\d*[1-9]\d*\s*\Z")
# What pods and the official Helm chart call options of a collector, where the nearest name is another one.
_ELSEWHERE = {
    "resources": ("memory_limit", "memory_request", "cpu_request", "cpu_limit"),
    "extraEnvs": ("env",),
    "extraVolumes": ("volumes",),
    "volumeMounts": ("volumes",),
    "presets": ("recipes",),
    "ports": ("recipes", "service"),
}


class _Place(NamedTuple):
    """A value of an option, or an item of its list: in what it stands, its type, and its path for messages."""

    around: Any
    key: Any
    kind: str
    path: str


def _check_names(values: Mapping[str, Any], spec: Mapping[str, Any], what: str, path: str) -> None:
    """Reject unknown options at any depth; Ansible's validator suggests no similar name."""
    for key, value in values.items():
        if key not in spec:
            wrong = f"{what} has no option '{path}{key}'{_meant(str(key), spec)}"
            raise Problem(wrong, fix=f"Options: {', '.join(sorted(spec)) or 'none'}.")
        inner = _suboptions(spec[key])
        if inner:
            for options in _mappings(value):
                _check_names(options, inner, what, f"{path}{key}.")


def _meant(key: str, spec: Mapping[str, Any]) -> str:
    """Return which options an unknown one may mean, as the end of a sentence."""
    others = [name for name in _ELSEWHERE.get(key, ()) if name in spec]
    return f"; use {', '.join(others)}" if others else near(key, spec)


def check_shapes(
    values: Mapping[str, Any], spec: Mapping[str, Any], what: str, path: str = "", *, one_line: bool = False
) -> None:
    """Reject values of a wrong shape at any depth: Ansible makes text of a mapping, a list and a switch."""
    for key, value in values.items():
        if key not in spec:
            continue
        option = spec[key] or {}
        held = held_by(str(key), option)
        for place in _places(values, key, option, f"{path}{key}"):
            _check_place(place, option, held, what, one_line=one_line)
        _check_values(value, held, f"{path}{key}", what)
        inner = _suboptions(option)
        if inner:
            for options in _mappings(value):
                check_shapes(options, inner, what, f"{path}{key}.", one_line=one_line)


def _places(values: Mapping[str, Any], key: str, option: Mapping[str, Any], path: str) -> Iterator[_Place]:
    """Yield an option, and the items of its list. Ansible takes a text with commas for a list of mappings."""
    yield _Place(values, key, option.get("type") or "str", path)
    value, elements = values[key], option.get("elements", "raw")
    if elements == "dict" and value and isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        for number in range(len(value)):
            yield _Place(value, number, elements, f"{path}[{number}]")


def _check_place(place: _Place, option: Mapping[str, Any], held: Values | None, what: str, *, one_line: bool) -> None:
    """Reject a value, or an item of a list, that is not of its type, or whose text its option cannot have."""
    value = place.around[place.key]
    is_text = place.kind in ("str", "path")
    if is_text and not option.get("choices"):
        _check_spelling(value, _origins.place(place.around, place.key), place.path, what)
    if place.kind == "str" and held is Values.VERSION:
        _check_version(value, place.path, what)
    _check_shape(value, place.kind, option, place.path, what)
    if place.kind == "str" and (form := duration_form(option)):
        _check_duration(value, form, place.path, what)
    if is_text and one_line and held is not Values.LINES:
        _check_line(value, place.path, what)


def duration_form(option: Mapping[str, Any]) -> str:
    """Return the form of the durations of an option, as its description calls it; empty for other options."""
    called = _DURATION.search(str(option.get("description") or ""))
    return called[1] if called else ""


def _check_duration(value: Any, form: str, path: str, what: str) -> None:
    """Reject a number without a unit, which Go takes for nanoseconds, and text that is no duration."""
    said = str(value)
    if value in (None, "", 0, "0") or "$" in said or _DURATIONS[form].fullmatch(said):
        return
    if _NUMBER.fullmatch(said):
        raise Problem(f"option '{path}' of {what} is {said}, a duration without a unit", fix=f"Write '{said}s'.")
    raise Problem(
        f"option '{path}' of {what} is '{said}', which is no duration", fix="Write one such as '30s' or '5m'."
    )


def _check_values(value: Any, held: Values | None, path: str, what: str) -> None:
    """Reject what is no text in a mapping of text, or where the API of Kubernetes wants text."""
    if isinstance(value, Mapping) and held in TEXT_MAPS:
        _check_texts(value, held, path, what)
    elif held is Values.KUBERNETES:
        _check_tree(value, path, what)


def _check_texts(values: Mapping[Any, Any], held: Values | None, path: str, what: str) -> None:
    """Reject in a mapping of text what is none, what YAML has changed, and what Kubernetes or a container refuses."""
    if held is Values.ANNOTATIONS:
        _check_size(values, path, what)
    for key, value in values.items():
        where = f"{path}.{key}"
        if held is Values.VARIABLES:
            _check_variable(key, path, what)
        if isinstance(value, str) and "\0" in value:
            wrong = f"option '{where}' of {what} has a NUL character, which no container and no annotation can hold"
            raise Problem(wrong, fix="Remove the character.")
        _check_spelling(key, _origins.place([key], 0), where, what, part="the name of ")
        if held is Values.VARIABLES and isinstance(value, Mapping):
            _check_source(value, where, what)
            continue
        is_removed_flag = held is Values.FLAGS and value is None
        if not is_removed_flag:
            _check_is_text(key, value, where, what)
        _check_spelling(value, _origins.place(values, key), where, what)


def _check_variable(name: Any, path: str, what: str) -> None:
    """Reject a name that no environment variable can have."""
    if isinstance(name, str) and not _VARIABLE.match(name):
        wrong = f"option '{path}' of {what} has '{name}', which is no name of an environment variable"
        raise Problem(wrong, fix="Use letters, digits, underscores, dashes and dots, no digit at the beginning.")


def _check_size(values: Mapping[Any, Any], path: str, what: str) -> None:
    """Reject more than the annotations of an object hold."""
    size = sum(len(str(part).encode(errors="replace")) for pair in values.items() for part in pair) // 1024
    if size > _MOST_KIB:
        wrong = f"option '{path}' of {what} has {size} KiB, and the annotations of an object hold 256 KiB"
        raise Problem(wrong, fix="Put the text into a ConfigMap.")


def _check_source(source: Mapping[Any, Any], path: str, what: str) -> None:
    """Check the texts that name an object and its key, of which an environment variable takes its value."""
    for key in source.keys() - {"optional"}:
        _check_spelling(source[key], _origins.place(source, key), f"{path}.{key}", what, is_shown=True)


def _check_is_text(key: Any, value: Any, path: str, what: str) -> None:
    """Reject a mapping, a list and null. A number is text too."""
    shape = "null" if value is None else _shape(value)
    if shape in ("dict", "list", "null"):
        fix = f"Write `{key}: ''` for an empty text." if shape == "null" else f"Write `{key}: TEXT`."
        raise Problem(f"option '{path}' of {what} must be text, not {_SHAPES[shape][0]}", fix=fix)


def _check_tree(value: Any, path: str, what: str, is_text: bool = False) -> None:
    """Reject a number or a switch where the API of Kubernetes wants text: in fields of text, and in all below them."""
    for key, where in _fields_of(value, path):
        wants_text = is_text or key in _FIELDS
        if wants_text:
            _check_field(value, key, where, what)
        _check_tree(value[key], where, what, wants_text)


def _fields_of(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Yield the keys of a mapping or the indexes of a list, each with its path."""
    if isinstance(value, list):
        for index in range(len(value)):
            yield index, f"{path}[{index}]"
    elif isinstance(value, Mapping):
        for key in value:
            yield key, f"{path}.{key}"


def _check_field(around: Any, key: Any, path: str, what: str) -> None:
    """Reject a number or a switch as its file has it, and what YAML has changed."""
    value, place = around[key], _origins.place(around, key)
    if isinstance(value, (bool, int, float)) and place.spelled() == text(value):
        wrong = f"option '{path}' of {what} must be text, not {_SHAPES[_shape(value)][0]}"
        raise Problem(wrong, fix=f"Write '{text(value)}'.")
    _check_spelling(value, place, path, what)


def _check_spelling(
    value: Any, place: Position, path: str, what: str, *, part: str = "", is_shown: bool = False
) -> None:
    """Reject what YAML has changed: it is no text, and its file has another one. The number of a template is text."""
    spelled = "" if isinstance(value, str) else place.spelled()
    if spelled in ("", text(value)):
        return
    read = "a number" if isinstance(value, (int, float)) else "a time"
    fix = "Write it in quotes."
    if is_shown or not is_secret_header(path.rpartition(".")[2]):
        read = text(value) if isinstance(value, bool) else f"the {read[2:]} {text(value)}"
        fix = f"Write '{spelled}'."
    wrong = f"{part}option '{path}' of {what} must be text, and YAML reads it as {read}"
    raise Problem(wrong, where=str(place), fix=fix)


def _check_line(value: Any, path: str, what: str) -> None:
    if isinstance(value, str) and not value.isprintable() and not _SURROGATE.search(value):
        wrong = f"option '{path}' of {what} has a line end or a hidden character: {json.dumps(value)}"
        raise Problem(
            wrong, fix="Remove it. A YAML block of `|` or `>` ends with a line end, one of `|-` or `>-` does not."
        )


def _shape(value: Any) -> str:
    """Return the name of a value's shape in _SHAPES; empty for text, null and what Ansible has no type for."""
    shapes = (("dict", Mapping), ("list", list), ("bool", bool), ("int", int), ("float", float))
    return next((name for name, kinds in shapes if isinstance(value, kinds)), "")


def _no_mapping(value: Any, path: str) -> str:
    """Return the shape of what Ansible makes no mapping of. Its own message names no option, and shows all secrets."""
    if value is None:
        return "null" if path.endswith("]") else ""
    try:
        check_type_dict(value if isinstance(value, str) and value else {})
    except (TypeError, ValueError):
        return "text"
    return ""


def _check_shape(value: Any, kind: str, option: Mapping[str, Any], path: str, what: str) -> None:
    """Reject one value whose shape is not the type's. A number is text too, unless YAML has changed its digits."""
    given = _shape(value)
    if kind == "dict" and not given:
        given = _no_mapping(value, path)
    _check_number(value, kind, path, what)
    if kind == given or kind in _ANY:
        return
    if given == "bool" and option.get("choices"):  # YAML reads the choices `yes` and `off` so; Ansible knows that
        return
    name = path.partition("[")[0].rpartition(".")[2]
    _check_reading(value, kind, name, path, what)
    is_no_mapping = kind == "dict" and given != ""
    if given in ("dict", "list", "bool") or is_no_mapping:
        expected, example = _SHAPES.get(kind, _TEXT)
        if path.endswith("]"):
            example = f"[{example}]"
        fix = _shape_to_write(name, kind, option, example)
        raise Problem(f"option '{path}' of {what} must be {expected}, not {_SHAPES[given][0]}", fix=fix)


def _check_number(value: Any, kind: str, path: str, what: str) -> None:
    """Reject a whole number below 0, and what Python reads as a number and is none."""
    if kind == "int" and _NEGATIVE.match(str(value)):
        raise Problem(f"option '{path}' of {what} is {value}", fix="Use 0 or a larger number.")
    if kind == "float" and _NO_NUMBER.match(str(value)):
        raise Problem(f"option '{path}' of {what} is {value}", fix="Use a number.")


def _check_version(value: Any, path: str, what: str) -> None:
    """Reject a version that YAML has read as a number: the digits that it had are lost."""
    if isinstance(value, float):
        wrong = f"option '{path}' of {what} must be text, and YAML reads it as the number {value}"
        raise Problem(wrong, fix=f"Write it in quotes, as in `{path.rpartition('.')[2]}: '1.20'`.")


def _check_reading(value: Any, kind: str, name: str, path: str, what: str) -> None:
    """Reject a text that Ansible cannot read as a number or a switch."""
    if kind in _READ_AS and isinstance(value, str) and not _can_be_read(value, kind):
        expected, example = _SHAPES[kind]
        wrong = f"option '{path}' of {what} must be {expected}, not '{cleaned(value, _SHOWN)}'"
        raise Problem(wrong, fix=f"Write `{name}: {example}`.")


def _shape_to_write(name: str, kind: str, option: Mapping[str, Any], example: str) -> str:
    """Return the fix for a wrong shape: the suboptions of a mapping, or an example."""
    inner = sorted(_suboptions(option))
    if kind == "dict" and inner:
        return f"Write a mapping of {', '.join(inner)}."
    return f"Write `{name}: {example}`."


def _can_be_read(value: str, kind: str) -> bool:
    """Whether Ansible reads a text as a value of a type."""
    try:
        _READ_AS[kind](value)
    except (TypeError, ValueError):
        return False
    return True


def argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options as the argument spec that Ansible's validator takes, which fills in its defaults."""
    spec = {}
    for name, option in options.items():
        facts = {key: deepcopy(value) for key, value in (option or {}).items() if key not in _PROSE}
        inner = facts.pop("options", None) or facts.pop("suboptions", None)  # as documentation of modules calls them
        if inner:
            facts["options"] = argument_spec(inner)
        spec[name] = facts
    return spec
