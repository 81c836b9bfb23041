# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the table `fields` writes what a setting takes. Private.

A row of the table (fields.py) has the settings of a component type as a tree of nodes, one for each setting:

    {"endpoint": "s", "timeout": "dsif", "compression": "s=gzip|zstd", "headers": "lm", "tls": "#3"}

So `endpoint` takes text, and `compression` one of two words. The rules on settings walk a config beside such a tree
(rules/field_walk.py), and build_schema.py makes one of a JSON Schema. All forms of a node:

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
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

# ── Signs of nodes ──

# Takes anything.
ANY_VALUE = "?"
# Stands for each key of a mapping.
ANY_KEY = "*"
# Begins a label.
LABEL_SIGN = "#"
# Begins letters after which text has to be a duration.
DURATION = "d"
LIST = "l"
MAPPING = "m"
# The node of names with values, such as headers, where each name stands once, and where it may stand again.
UNIQUE_PAIRS = "lm"
FREE_PAIRS = "ml"
# Stands between the letters and the words that text may be, which have the last sign between them.
_WORDS = "="
_WORDS_IN_ANY_CASE = "~"
_BETWEEN_WORDS = "|"

# The letter of the values of each type.
LETTER_OF_TYPE: Mapping[type, str] = {str: "s", bool: "b", int: "i", float: "f", list: LIST, dict: MAPPING}
# The node of names with values, by the type of what is written: `{a: x}` or `[{name: a, value: x}]`.
FORMS_OF_PAIRS: dict[type, Any] = {dict: {ANY_KEY: "s"}, list: ["l", {"name": "s", "value": "s"}]}
# Text that has to be a duration may have any of these letters: no value of them is certain to fit.
_LETTERS_OF_DURATIONS = "sif"


# ── Nodes of letters ──


class Leaf(NamedTuple):
    """What a node of letters takes: `dsif` or `s~gzip|zstd`."""

    shape_letters: str
    """The letters alone: `sif`, `s`."""
    is_duration: bool
    """Whether text has to be a duration."""
    allowed_words: tuple[str, ...]
    """The words that text may be: `gzip`, `zstd`. Empty if any text fits."""
    ignores_case: bool
    certain_types: frozenset[type]
    """The types whose values all fit: `int` for `if`, but not `str` for `s=gzip|zstd`."""

    def has_word(self, text: str) -> bool:
        """Whether text is one of the words."""
        return (text.lower() if self.ignores_case else text) in self.allowed_words


@cache
def parse_leaf(node: str) -> Leaf:
    """Return a node of letters taken apart; `?` has no letters to check, and neither has a label.

    `s~gzip|zstd` becomes `Leaf("s", False, ("gzip", "zstd"), True, frozenset())`.
    """
    ignores_case = _WORDS_IN_ANY_CASE in node
    letters, _sign, words = node.partition(_WORDS_IN_ANY_CASE if ignores_case else _WORDS)
    is_duration = letters.startswith(DURATION)
    shape_letters = letters.lstrip(DURATION)
    return Leaf(
        shape_letters,
        is_duration,
        allowed_words=tuple(words.split(_BETWEEN_WORDS)) if words else (),
        ignores_case=ignores_case,
        certain_types=_find_certain_types(node, shape_letters, is_duration=is_duration, has_words=bool(words)),
    )


def _find_certain_types(node: str, shape_letters: str, *, is_duration: bool, has_words: bool) -> frozenset[type]:
    """Return the types whose values fit, whatever they are.

    Not those of text that has to be a word or a duration, nor lists and mappings, whose items have to fit too.
    """
    if node == ANY_VALUE:
        return frozenset(LETTER_OF_TYPE)
    if node.startswith(LABEL_SIGN):
        return frozenset()
    unsure_letters = {LIST, MAPPING}
    if is_duration:
        unsure_letters.update(_LETTERS_OF_DURATIONS)
    if has_words:
        unsure_letters.add("s")
    certain_letters = set(shape_letters) - unsure_letters
    return frozenset(value_type for value_type, letter in LETTER_OF_TYPE.items() if letter in certain_letters)


# ── Any node ──


def is_certain_fit(node: Any, value: Any) -> bool:
    """Whether a value certainly fits a node, as most values do; null is no value, so it fits all."""
    if value is None:
        return True
    return isinstance(node, str) and type(value) in parse_leaf(node).certain_types


def resolve_label(node: Any, shared: Mapping[str, Any]) -> Any:
    """Return a node, or the one that its label stands for; `shared` has the nodes by label, such as `#3`."""
    if isinstance(node, str) and node.startswith(LABEL_SIGN):
        return shared.get(node, ANY_VALUE)
    return node


def choose_form(node: Any, value: Any) -> Any:
    """Return the node that a value is compared with: for names with values, the one of a mapping or of a list."""
    if node in (UNIQUE_PAIRS, FREE_PAIRS):
        return FORMS_OF_PAIRS.get(type(value), node)
    return node
