# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mappings of text, and the fields of Kubernetes that are text. Controller only. Private.

YAML reads `yes`, `1.20` or a date as something else than text, and Kubernetes refuses that. For example,
`pod_annotations: {prometheus.io/scrape: true}` passes, since it becomes the text `true` later (`_arguments.py`). But
`node_selector: {zone: [a]}` is refused: `option 'node_selector.zone' of collector 'agent' must be text, not a list`.

`_shape_checks.py` calls `check_values`. What an option holds is one of `Values` (option_values.py). Each check raises
Problem. A text that YAML has changed is refused by `_spelling_checks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..module_utils._collector.option_values import TEXT_MAPS, Values
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.text_values import text_value
from . import _origins
from ._spelling_checks import check_spelling
from ._value_shapes import SHAPES, OptionPlace, find_shape

# Fields in the syntax of Kubernetes that are text, lists of text or mappings of text.
_TEXT_FIELDS = ("effect", "key", "matchLabels", "operator", "topologyKey", "value", "values", "volumeAttributes")
# Names of variables that every version of Kubernetes accepts.
_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
# What the annotations of an object may hold is 256 KiB with those of this collection and of Kubernetes.
_MOST_KIB = 250


def check_values(value: Any, content_kind: Values | None, place: OptionPlace) -> None:
    """Reject what is no text in a mapping of text, or where the API of Kubernetes wants text."""
    if isinstance(value, Mapping) and content_kind in TEXT_MAPS:
        _check_texts(value, content_kind, place)
    elif content_kind is Values.KUBERNETES:
        _check_tree(value, place)


# ── Mappings of text ──


def _check_texts(values: Mapping[Any, Any], content_kind: Values | None, place: OptionPlace) -> None:
    """Reject in a mapping of text what is none, what YAML has changed, and what Kubernetes or a container refuses."""
    if content_kind is Values.ANNOTATIONS:
        _check_size(values, place)
    for key, value in values.items():
        entry_place = place.at_key(key)
        if content_kind is Values.VARIABLES:
            _check_variable_name(key, place)
        if isinstance(value, str) and "\0" in value:
            wrong = f"{entry_place} has a NUL character, which no container and no annotation can hold"
            raise Problem(wrong, fix="Remove the character.")
        check_spelling(key, _origins.position_of_entry([key], 0), entry_place, part="the name of ")
        if content_kind is Values.VARIABLES and isinstance(value, Mapping):
            _check_value_source(value, entry_place)
            continue
        is_removed_flag = content_kind is Values.FLAGS and value is None
        if not is_removed_flag:
            _check_is_text(key, value, entry_place)
        check_spelling(value, _origins.position_of_entry(values, key), entry_place)


def _check_variable_name(name: Any, place: OptionPlace) -> None:
    """Reject a name that no environment variable can have."""
    if isinstance(name, str) and not _VARIABLE_NAME.match(name):
        wrong = f"{place} has '{name}', which is no name of an environment variable"
        raise Problem(wrong, fix="Use letters, digits, underscores, dashes and dots, no digit at the beginning.")


def _check_size(values: Mapping[Any, Any], place: OptionPlace) -> None:
    """Reject more than the annotations of an object hold."""
    byte_count = 0
    for key, value in values.items():
        byte_count += len(str(key).encode(errors="replace")) + len(str(value).encode(errors="replace"))
    kib = byte_count // 1024
    if kib > _MOST_KIB:
        wrong = f"{place} has {kib} KiB, and the annotations of an object hold 256 KiB"
        raise Problem(wrong, fix="Put the text into a ConfigMap.")


def _check_value_source(source: Mapping[Any, Any], place: OptionPlace) -> None:
    """Check the texts that name an object and its key, of which an environment variable takes its value.

    For example, `{secret: backend, key: token, optional: true}`, of which `optional` is a switch.
    """
    for key in source.keys() - {"optional"}:
        check_spelling(source[key], _origins.position_of_entry(source, key), place.at_key(key), is_shown=True)


def _check_is_text(key: Any, value: Any, place: OptionPlace) -> None:
    """Reject a mapping, a list and null. A number is text too."""
    shape = "null" if value is None else find_shape(value)
    if shape in ("dict", "list", "null"):
        fix = f"Write `{key}: ''` for an empty text." if shape == "null" else f"Write `{key}: TEXT`."
        raise Problem(f"{place} must be text, not {SHAPES[shape].title}", fix=fix)


# ── The syntax of Kubernetes ──


def _check_tree(value: Any, place: OptionPlace, is_text: bool = False) -> None:
    """Reject a number or a switch where the API of Kubernetes wants text: in fields of text, and in all below them."""
    for key, field_place in _iter_fields(value, place):
        wants_text = is_text or key in _TEXT_FIELDS
        if wants_text:
            _check_field(value, key, field_place)
        _check_tree(value[key], field_place, wants_text)


def _iter_fields(value: Any, place: OptionPlace) -> Iterator[tuple[Any, OptionPlace]]:
    """Yield the keys of a mapping or the indexes of a list, each with its place."""
    if isinstance(value, list):
        for index in range(len(value)):
            yield index, place.at_index(index)
    elif isinstance(value, Mapping):
        for key in value:
            yield key, place.at_key(key)


def _check_field(container: Any, key: Any, place: OptionPlace) -> None:
    """Reject a number or a switch as its file has it, and what YAML has changed."""
    value, position = container[key], _origins.position_of_entry(container, key)
    if isinstance(value, (bool, int, float)) and position.read_spelling() == text_value(value):
        wrong = f"{place} must be text, not {SHAPES[find_shape(value)].title}"
        raise Problem(wrong, fix=f"Write '{text_value(value)}'.")
    check_spelling(value, position, place)
