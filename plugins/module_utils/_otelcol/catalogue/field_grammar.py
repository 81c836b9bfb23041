# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table `fields` says that a setting takes. Each setting has a node, and a node has one of these forms.

| node | what the setting takes |
|---|---|
| `s` `i` `f` `b` `l` `m` | text, a whole number, any number, true or false, a list, a mapping |
| `sif` | what any of its letters says |
| `dsif` | the same; after `d`, text has to be a duration |
| `s=a|b` `s~a|b` | the same, and text has to be one of these words; after `~`, in any case |
| `lm` `ml` | a mapping of text, or a list of names with values; in `lm`, each name stands once |
| `?` | anything |
| `#label` | what the node of this label takes, which a row at the end of the table has |
| `[shapes, node]` | a list, whose items take the node; `shapes` are the letters of all that it may be |
| `{key: node}` | a mapping with these settings; `*` is any key, and `...` says what becomes of unknown ones |

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

ANY_VALUE, ANY_KEY, LABEL_SIGN = "?", "*", "#"
DURATION, LIST, MAPPING = "d", "l", "m"
UNIQUE_PAIRS, FREE_PAIRS = "lm", "ml"
# What names with values are, by the type of the value: headers are such a setting.
FORMS_OF_PAIRS: dict[type, Any] = {dict: {ANY_KEY: "s"}, list: ["l", {"name": "s", "value": "s"}]}
LETTER_OF_TYPE: Mapping[type, str] = {str: "s", bool: "b", int: "i", float: "f", list: LIST, dict: MAPPING}
_WORDS, _WORDS_IN_ANY_CASE, _BETWEEN_WORDS = "=", "~", "|"


class Leaf(NamedTuple):
    """What a node of letters takes: shapes, by their letters, whether text is a duration, and the words of text.

    `allowed_words` are empty if any text fits. A value of one of the types in `certain_types` fits, whatever it is.
    """

    shape_letters: str
    is_duration: bool
    allowed_words: tuple[str, ...]
    ignores_case: bool
    certain_types: frozenset[type]

    def has_word(self, text: str) -> bool:
        """Whether text is one of the words."""
        return (text.lower() if self.ignores_case else text) in self.allowed_words


@cache
def parse_leaf(node: str) -> Leaf:
    """Return a node of letters taken apart; one that takes anything has no letters, and neither has a label."""
    any_case = _WORDS_IN_ANY_CASE in node
    letters, _sign, words = node.partition(_WORDS_IN_ANY_CASE if any_case else _WORDS)
    is_duration, shapes = letters.startswith(DURATION), letters.lstrip(DURATION)
    return Leaf(
        shapes,
        is_duration,
        tuple(words.split(_BETWEEN_WORDS)) if words else (),
        any_case,
        _list_certain_types(node, shapes, is_duration, has_words=bool(words)),
    )


def _list_certain_types(node: str, shapes: str, is_duration: bool, *, has_words: bool) -> frozenset[type]:
    """Return the types whose values fit, whatever they are: not text that has to be a word or a duration."""
    if node == ANY_VALUE:
        return frozenset(LETTER_OF_TYPE)
    if node.startswith(LABEL_SIGN):
        return frozenset()
    unsure_letters = LIST + MAPPING
    if is_duration:
        unsure_letters += "sif"
    if has_words:
        unsure_letters += "s"
    return frozenset(
        value_type for value_type, letter in LETTER_OF_TYPE.items() if letter in shapes and letter not in unsure_letters
    )


def resolve_label(node: Any, shared: Mapping[str, Any]) -> Any:
    """Return a node, or the one that its label stands for; `shared` has the nodes of labels."""
    if isinstance(node, str) and node.startswith(LABEL_SIGN):
        return shared.get(node, ANY_VALUE)
    return node


def choose_form(node: Any, value: Any) -> Any:
    """Return the form of a node that is for the type of a value: names with values have two."""
    if node in (UNIQUE_PAIRS, FREE_PAIRS):
        return FORMS_OF_PAIRS.get(type(value), node)
    return node


def is_certain_fit(node: Any, value: Any) -> bool:
    """Whether a value certainly fits a node, as most do; null is no value."""
    if value is None:
        return True
    return isinstance(node, str) and type(value) in parse_leaf(node).certain_types
