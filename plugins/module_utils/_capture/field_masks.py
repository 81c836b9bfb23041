# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of one field of OTLP as JSON: numbers, flags and enumerations stay. Private.

A `FieldMask` is a function that returns what stands in place of the content of a field. A `make_…_mask` makes one out
of others, and a `keep_…` is one that lets a value stay if it has the expected form: `keep_number` returns 7 for 7, and
0 for `a secret`. `request_masks.py` has the table of all fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from sys import float_info
from typing import Any

# Takes the content of a field, and returns what a capture has in its place.
FieldMask = Callable[[Any], Any]
# A number as text, such as `-1.5e-3`, or one of the words for what is no number.
_NUMBER_PATTERN = re.compile(r"-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?|-?Infinity|NaN", re.IGNORECASE)
# What a double has as text. Source: "JSON Protobuf Encoding" and the mapping of protobuf to JSON.
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
# The name of a value of an enumeration, such as `SPAN_KIND_SERVER`.
_ENUM_PATTERN = re.compile(r"[A-Z]+(_[A-Z0-9]+)*")


def make_message_mask(field_masks: Mapping[str, FieldMask]) -> FieldMask:
    """Return what masks a message: each field by its own mask. A field without a mask is left out.

    Example: `make_message_mask({"flags": keep_number})` is a mask that makes `{"flags": 1}` of
    `{"flags": 1, "name": "x"}`.
    """

    def mask_message(given_fields: Any) -> dict[str, Any]:
        masked_fields = {}
        for name, value in given_fields.items():
            field_mask = field_masks.get(name)
            if field_mask is not None and value is not None:
                masked_fields[name] = field_mask(value)
        return masked_fields

    return mask_message


def make_list_mask(element_mask: FieldMask) -> FieldMask:
    """Return the mask of a list: the same mask for each element."""

    def mask_list(elements: Any) -> list[Any]:
        return [element_mask(element) for element in elements]

    return mask_list


def keep_number(value: Any) -> Any:
    """Return a number, which OTLP may write as text; 0 in place of any other text."""
    if isinstance(value, str):
        return value if _NUMBER_PATTERN.fullmatch(value) else "0"
    return value if isinstance(value, (int, float)) else 0


def keep_double(value: Any) -> Any:
    """Return a double, which OTLP writes as text only where it is no number; 0 in place of any other text."""
    if isinstance(value, str):
        if value in NO_NUMBERS:
            return value
        value = float(value) if _NUMBER_PATTERN.fullmatch(value) else 0.0
    is_number = isinstance(value, (int, float)) and abs(value) <= float_info.max
    return value if is_number else 0.0


def keep_flag(value: Any) -> bool:
    """Return a flag; false in place of anything else."""
    return value is True


def keep_enum(value: Any) -> Any:
    """Return the number or the name of an enumeration of OTLP; 0 in place of any other text."""
    return value if isinstance(value, int) or _ENUM_PATTERN.fullmatch(str(value)) else 0
