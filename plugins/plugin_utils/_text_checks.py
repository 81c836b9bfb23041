# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mappings of text, and the fields of Kubernetes that are text. Controller only. Private.

YAML reads `yes`, `1.20` or a date as something else than text, and Kubernetes refuses that. `Values` of
_value_shapes.py says what an option holds. Each check raises Problem. `path` names the option, and `owner` what has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..module_utils._collector.option_values import TEXT_MAPS, Values
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.names import text_value
from . import _origins
from ._spelling_checks import check_spelling
from ._value_shapes import SHAPES, find_shape

# Fields in the syntax of Kubernetes that are text, lists of text or mappings of text.
_TEXT_FIELDS = ("effect", "key", "matchLabels", "operator", "topologyKey", "value", "values", "volumeAttributes")
# Names of variables that every version of Kubernetes accepts.
_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
# What the annotations of an object may hold is 256 KiB with those of this collection and of Kubernetes.
_MOST_KIB = 250


def check_values(value: Any, content_kind: Values | None, path: str, owner: str) -> None:
    """Reject what is no text in a mapping of text, or where the API of Kubernetes wants text."""
    if isinstance(value, Mapping) and content_kind in TEXT_MAPS:
        _check_texts(value, content_kind, path, owner)
    elif content_kind is Values.KUBERNETES:
        _check_tree(value, path, owner)


# ── Mappings of text ──


def _check_texts(values: Mapping[Any, Any], content_kind: Values | None, path: str, owner: str) -> None:
    """Reject in a mapping of text what is none, what YAML has changed, and what Kubernetes or a container refuses."""
    if content_kind is Values.ANNOTATIONS:
        _check_size(values, path, owner)
    for key, value in values.items():
        entry_path = f"{path}.{key}"
        if content_kind is Values.VARIABLES:
            _check_variable(key, path, owner)
        if isinstance(value, str) and "\0" in value:
            wrong = (
                f"option '{entry_path}' of {owner} has a NUL character, which no container and no annotation can hold"
            )
            raise Problem(wrong, fix="Remove the character.")
        check_spelling(key, _origins.position_of_entry([key], 0), entry_path, owner, part="the name of ")
        if content_kind is Values.VARIABLES and isinstance(value, Mapping):
            _check_value_source(value, entry_path, owner)
            continue
        is_removed_flag = content_kind is Values.FLAGS and value is None
        if not is_removed_flag:
            _check_is_text(key, value, entry_path, owner)
        check_spelling(value, _origins.position_of_entry(values, key), entry_path, owner)


def _check_variable(name: Any, path: str, owner: str) -> None:
    """Reject a name that no environment variable can have."""
    if isinstance(name, str) and not _VARIABLE_NAME.match(name):
        wrong = f"option '{path}' of {owner} has '{name}', which is no name of an environment variable"
        raise Problem(wrong, fix="Use letters, digits, underscores, dashes and dots, no digit at the beginning.")


def _check_size(values: Mapping[Any, Any], path: str, owner: str) -> None:
    """Reject more than the annotations of an object hold."""
    kib = sum(len(str(part).encode(errors="replace")) for pair in values.items() for part in pair) // 1024
    if kib > _MOST_KIB:
        wrong = f"option '{path}' of {owner} has {kib} KiB, and the annotations of an object hold 256 KiB"
        raise Problem(wrong, fix="Put the text into a ConfigMap.")


def _check_value_source(source: Mapping[Any, Any], path: str, owner: str) -> None:
    """Check the texts that name an object and its key, of which an environment variable takes its value."""
    for key in source.keys() - {"optional"}:
        check_spelling(source[key], _origins.position_of_entry(source, key), f"{path}.{key}", owner, is_shown=True)


def _check_is_text(key: Any, value: Any, path: str, owner: str) -> None:
    """Reject a mapping, a list and null. A number is text too."""
    shape = "null" if value is None else find_shape(value)
    if shape in ("dict", "list", "null"):
        fix = f"Write `{key}: ''` for an empty text." if shape == "null" else f"Write `{key}: TEXT`."
        raise Problem(f"option '{path}' of {owner} must be text, not {SHAPES[shape].title}", fix=fix)


# ── The syntax of Kubernetes ──


def _check_tree(value: Any, path: str, owner: str, is_text: bool = False) -> None:
    """Reject a number or a switch where the API of Kubernetes wants text: in fields of text, and in all below them."""
    for key, field_path in _iter_fields(value, path):
        wants_text = is_text or key in _TEXT_FIELDS
        if wants_text:
            _check_field(value, key, field_path, owner)
        _check_tree(value[key], field_path, owner, wants_text)


def _iter_fields(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Yield the keys of a mapping or the indexes of a list, each with its path."""
    if isinstance(value, list):
        for index in range(len(value)):
            yield index, f"{path}[{index}]"
    elif isinstance(value, Mapping):
        for key in value:
            yield key, f"{path}.{key}"


def _check_field(container: Any, key: Any, path: str, owner: str) -> None:
    """Reject a number or a switch as its file has it, and what YAML has changed."""
    value, place = container[key], _origins.position_of_entry(container, key)
    if isinstance(value, (bool, int, float)) and place.read_spelling() == text_value(value):
        wrong = f"option '{path}' of {owner} must be text, not {SHAPES[find_shape(value)].title}"
        raise Problem(wrong, fix=f"Write '{text_value(value)}'.")
    check_spelling(value, place, path, owner)
