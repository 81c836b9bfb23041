# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the values of options against their documented types, before Ansible converts them. Controller only. Private.

Ansible makes text of a value of a wrong shape: the mapping `{a: 1}` for an option of text becomes the text "{'a': 1}".
`check_shapes` refuses it: `option 'name' of collector 'agent' must be text, not a mapping`, with the fix
"Write `name: TEXT`.". Actions call it with the arguments of their tasks, and `_arguments.py` with options of collectors
and recipes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_float, check_type_int

from ..module_utils._collector.option_values import Values
from ..module_utils._otelcol.errors import Problem, clean_text
from . import _origins
from ._duration_checks import check_duration, find_duration_form
from ._option_values import find_value_kind
from ._spelling_checks import check_line, check_spelling, check_version
from ._text_checks import check_values
from ._value_shapes import SHAPES, TEXT_SHAPE, OptionPlace, find_shape, list_mappings, read_suboptions

# Types of options that take a value of any shape.
_ANY_SHAPE = ("raw", "json", "jsonarg")
# By the type, Ansible's own function that reads a text as a value of it.
_READERS = {"bool": check_type_bool, "int": check_type_int, "float": check_type_float}
# So many characters of a wrong value are shown.
_MOST_SHOWN = 60
# What Python reads as a number, and a user means as a word, such as `nan` or `-Infinity`.
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)\Z", re.IGNORECASE)
# A whole number below 0; `-0` is none.
_NEGATIVE = re.compile(r"\s*-\d*[1-9]\d*\s*\Z")


class _PlacedValue(NamedTuple):
    """A value of an option, or an item of its list, with the container that it stands in."""

    container: Any
    key: Any
    """The key of a mapping, or the index of a list."""
    kind: str
    """The type by the documentation, such as `str`."""
    place: OptionPlace

    @property
    def value(self) -> Any:
        """The value itself."""
        return self.container[self.key]


def check_shapes(
    values: Mapping[str, Any], spec: Mapping[str, Any], owner: str, path: str = "", *, one_line: bool = False
) -> None:
    """Raise Problem for a value of a wrong shape, at any depth.

    `spec` has the documented options, `owner` what has them for messages, such as `role otel_host`, and `path` the path
    of the options around `values`, such as `service.`. With `one_line`, no text may have a line end.
    """
    for key, value in values.items():
        if key not in spec:
            continue
        option = spec[key] or {}
        place = OptionPlace(f"{path}{key}", owner)
        content_kind = find_value_kind(str(key), option)
        for placed in _iter_placed_values(values, key, option, place):
            _check_placed_value(placed, option, content_kind, one_line=one_line)
        check_values(value, content_kind, place)
        inner_spec = read_suboptions(option)
        if inner_spec:
            for options in list_mappings(value):
                check_shapes(options, inner_spec, owner, f"{path}{key}.", one_line=one_line)


def _iter_placed_values(
    values: Mapping[str, Any], key: str, option: Mapping[str, Any], place: OptionPlace
) -> Iterator[_PlacedValue]:
    """Yield an option, and the items of its list. Ansible takes a text with commas for a list of mappings."""
    yield _PlacedValue(values, key, option.get("type") or "str", place)
    value, element_kind = values[key], option.get("elements", "raw")
    if element_kind == "dict" and value and isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        for index in range(len(value)):
            yield _PlacedValue(value, index, element_kind, place.at_index(index))


def _check_placed_value(
    placed: _PlacedValue, option: Mapping[str, Any], content_kind: Values | None, *, one_line: bool
) -> None:
    """Reject a value, or an item of a list, that is not of its type, or whose text its option cannot have."""
    value, kind, place = placed.value, placed.kind, placed.place
    is_text = kind in ("str", "path")
    if is_text and not option.get("choices"):
        check_spelling(value, _origins.position_of_entry(placed.container, placed.key), place)
    if kind == "str" and content_kind is Values.VERSION:
        check_version(value, place)
    _check_value_shape(value, kind, option, place)
    duration_form = find_duration_form(option)
    if kind == "str" and duration_form:
        check_duration(value, duration_form, place)
    if is_text and one_line and content_kind is not Values.LINES:
        check_line(value, place)


# ── One value ──


def _check_value_shape(value: Any, kind: str, option: Mapping[str, Any], place: OptionPlace) -> None:
    """Reject one value whose shape is not the type's. A number is text too, unless YAML has changed its digits."""
    shape = _find_read_shape(value, kind, place)
    _check_number(value, kind, place)
    if _is_right_shape(shape, kind, option):
        return
    option_name = place.path.partition("[")[0].rpartition(".")[2]
    _check_reading(value, kind, option_name, place)
    if _is_wrong_shape(shape, kind):
        expected_shape = SHAPES.get(kind, TEXT_SHAPE)
        example = f"[{expected_shape.example}]" if place.is_list_item else expected_shape.example
        fix = _describe_right_shape(option_name, kind, option, example)
        raise Problem(f"{place} must be {expected_shape.title}, not {SHAPES[shape].title}", fix=fix)


def _is_right_shape(shape: str, kind: str, option: Mapping[str, Any]) -> bool:
    """Whether a value of this shape is as its option wants it, so that its text is not looked at."""
    # YAML reads the choices `yes` and `off` as bool; Ansible knows that.
    is_choice = shape == "bool" and bool(option.get("choices"))
    return kind == shape or kind in _ANY_SHAPE or is_choice


def _is_wrong_shape(shape: str, kind: str) -> bool:
    """Whether Ansible would make text of a value of this shape, or cannot read it as the mapping that is wanted."""
    return shape in ("dict", "list", "bool") or (kind == "dict" and shape != "")


def _find_read_shape(value: Any, kind: str, place: OptionPlace) -> str:
    """Return the shape of a value. It is empty for a text that Ansible can read, also as a mapping."""
    shape = find_shape(value)
    if kind == "dict" and not shape:
        return _find_unreadable_shape(value, place)
    return shape


def _find_unreadable_shape(value: Any, place: OptionPlace) -> str:
    """Return the shape of what Ansible makes no mapping of; empty for what it can read.

    Ansible's own message names no option, and shows all secrets. Null stands for an option that is not given.
    """
    if value is None:
        return "null" if place.is_list_item else ""
    try:
        check_type_dict(value if isinstance(value, str) and value else {})
    except (TypeError, ValueError):
        return "text"
    return ""


def _check_number(value: Any, kind: str, place: OptionPlace) -> None:
    """Reject a whole number below 0, and what Python reads as a number and is none."""
    if kind == "int" and _NEGATIVE.match(str(value)):
        raise Problem(f"{place} is {value}", fix="Use 0 or a larger number.")
    if kind == "float" and _NO_NUMBER.match(str(value)):
        raise Problem(f"{place} is {value}", fix="Use a number.")


def _check_reading(value: Any, kind: str, option_name: str, place: OptionPlace) -> None:
    """Reject a text that Ansible cannot read as a number or a switch."""
    if kind in _READERS and isinstance(value, str) and not _can_be_read(value, kind):
        expected_shape = SHAPES[kind]
        wrong = f"{place} must be {expected_shape.title}, not '{clean_text(value, _MOST_SHOWN)}'"
        raise Problem(wrong, fix=f"Write `{option_name}: {expected_shape.example}`.")


def _can_be_read(value: str, kind: str) -> bool:
    """Whether Ansible reads a text as a value of a type."""
    try:
        _READERS[kind](value)
    except (TypeError, ValueError):
        return False
    return True


def _describe_right_shape(option_name: str, kind: str, option: Mapping[str, Any], example: str) -> str:
    """Return the fix for a wrong shape: the suboptions of a mapping, or an example such as "Write `name: TEXT`."."""
    inner_options = sorted(read_suboptions(option))
    if kind == "dict" and inner_options:
        return f"Write a mapping of {', '.join(inner_options)}."
    return f"Write `{option_name}: {example}`."
