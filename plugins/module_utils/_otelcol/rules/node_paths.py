# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a setting can have something at a path, by what the catalogue says that the setting takes. Private.

What a setting takes is a node of the catalogue (catalogue/field_grammar.py). A path is a sequence of steps, each of
them a key or an index (user_paths.py). For example:

| node of the setting | path below the setting | answer | why |
|---|---|---|---|
| `{tls: {insecure: b}}` | `tls.insecure` | yes | both mappings have the key |
| `{tls: {insecure: b}}` | `tlss` | no | the mapping has no such key |
| `{"*": s}` | `x-tenant` | yes | the mapping takes any key |
| `{"...": ""}` | `x-tenant` | maybe | the mapping takes keys that the catalogue does not know |
| `[l, {name: s}]` | `[0].name` | yes | each item of the list takes `{name: s}` |
| `lm` | `x-tenant`, `[0].name` | yes | a mapping of text, or a list of names with values, such as headers |
| `m` | `x-tenant` | maybe | a mapping of which the catalogue knows no key |
| `s` | `x-tenant` | no | text has no keys |
| `?` | `x-tenant` | maybe | the setting takes anything |
| `#3` | | | the answer for the node whose label is `#3` |

user_path_check.py asks here for the settings of components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from ..catalogue.field_grammar import ANY_KEY, ANY_VALUE, FORMS_OF_PAIRS, LIST, MAPPING, parse_leaf, resolve_label
from ..catalogue.rows import IGNORED_VERSION, OPEN_MAPPING
from .user_paths import UserPathStep

Node: TypeAlias = "str | list[Any] | dict[str, Any]"
"""What a setting takes, such as `s`, `[l, s]` or `{endpoint: s}`."""


class Existence(IntEnum):
    """Whether configs can have something at a path. The greatest of several answers is the best one."""

    NO = 0
    MAYBE = 1
    """The catalogue does not know."""
    YES = 2


def find_existence(node: Node, steps: Sequence[UserPathStep], shared_nodes: Mapping[str, Any]) -> Existence:
    """Return whether a setting can have something at a path below it. `shared_nodes` are the nodes by label."""
    node = resolve_label(node, shared_nodes)
    if not steps:
        return Existence.YES
    if node == ANY_VALUE:
        return Existence.MAYBE
    if isinstance(node, dict):
        return _find_existence_in_mapping(node, steps, shared_nodes)
    if isinstance(node, list):
        return _find_existence_in_list(node, steps, shared_nodes)
    return _find_existence_in_letters(node, steps, shared_nodes)


def _find_existence_in_mapping(
    node: dict[str, Any], steps: Sequence[UserPathStep], shared_nodes: Mapping[str, Any]
) -> Existence:
    """Return whether a mapping can have something at a path: below one of its keys, or below any key that it takes."""
    first_step, *later_steps = steps
    keys = first_step.select_keys(key for key in node if key not in (ANY_KEY, OPEN_MAPPING))
    if ANY_KEY in node:
        keys.append(ANY_KEY)
    if keys:
        return max(find_existence(node[key], later_steps, shared_nodes) for key in keys)
    takes_unknown_keys = node.get(OPEN_MAPPING, IGNORED_VERSION) != IGNORED_VERSION
    return Existence.MAYBE if takes_unknown_keys else Existence.NO


def _find_existence_in_list(
    node: list[Any], steps: Sequence[UserPathStep], shared_nodes: Mapping[str, Any]
) -> Existence:
    """Return whether a list can have something at a path: the first step has to lead to an item."""
    _shape_letters, item_node = node
    first_step, *later_steps = steps
    leads_to_item = first_step.is_any or first_step.index is not None
    return find_existence(item_node, later_steps, shared_nodes) if leads_to_item else Existence.NO


def _find_existence_in_letters(node: str, steps: Sequence[UserPathStep], shared_nodes: Mapping[str, Any]) -> Existence:
    """Return whether a setting can have something at a path, if the catalogue has only letters of it: `s`, `m`, `lm`.

    What may be a mapping or a list takes names with values, so the path may lead into either form.
    """
    letters = parse_leaf(node).shape_letters
    may_be_list = LIST in letters
    may_be_mapping = MAPPING in letters
    if may_be_list and may_be_mapping:
        return max(find_existence(form, steps, shared_nodes) for form in FORMS_OF_PAIRS.values())
    return Existence.MAYBE if may_be_list or may_be_mapping else Existence.NO


def has_key_of_step(node: Node, step: UserPathStep) -> bool:
    """Return whether a setting has a key to which a step leads. What is no mapping may have anything."""
    return not isinstance(node, dict) or bool(step.select_keys(node))
