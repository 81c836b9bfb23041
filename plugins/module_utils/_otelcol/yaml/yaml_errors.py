# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which YAML is refused, and with which words: invalid text, encrypted values, and tags that nothing here knows.

No error shows a tag, an alias or a name that is not in a table of this file: it may be a password that begins with `!`
or `*` and lacks its quotes. Private.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from ..config.paths import Position
from ..config.source_nodes import Mark
from ..errors import Problem
from .go_scalars import TAG_PREFIX, fits_type

# What ansible-vault encrypts begins with it.
VAULT_HEADER = "$ANSIBLE_VAULT;"
VAULT_FIX = "Nothing decrypts it here: docs/start.md shows the way of a value from a vault to a Secret."
_VAULT_TAGS = ("!vault", "!vault-encrypted")
# Ansible marks text that holds no template; it is text here too. `!` alone says that a value is text.
_TAGS_OF_TEXT = ("!", "!unsafe")
# The tags that YAML itself has, which `!!` stands before. Source: https://yaml.org/type/
_TYPES_OF_YAML = (
    "binary", "bool", "float", "int", "map", "merge", "null", "omap", "pairs", "seq", "set", "str", "timestamp",
)  # fmt: skip
_ACCEPTED_TAGS = frozenset((*_TAGS_OF_TEXT, *(TAG_PREFIX + name for name in _TYPES_OF_YAML)))
# Tags that other programs know, without `!`: CloudFormation, GitLab, Home Assistant and others. An error shows them.
_TAGS_OF_OTHERS = (
    *("Base64", "Cidr", "Condition", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Not"),
    *("Or", "And", "Ref", "Select", "Split", "Sub", "Transform", "ENV", "env", "include", "reference", "secret"),
)
_SHOWN_TAGS = frozenset(f"!{name}" for name in _TAGS_OF_OTHERS)
# What the parser quotes of a text in an error.
_QUOTED_NAME = re.compile(r"(?<=tag handle) '[^'\n]*'")
_QUOTES_FIX = "Put a text that begins with `!`, `*` or `&` in quotes."
_PLACE_FIX = "Correct it there, or just before."


class InvalidYaml(Problem):
    """Invalid YAML, with the position of the error."""

    def __init__(self, problem: str, position: Position, fix: str) -> None:
        self.position = position
        super().__init__(f"this is not valid YAML: {problem}", where=str(position), fix=fix)


def refuse_text(problem: str, file: str, mark: Mark) -> InvalidYaml:
    """Return the Problem of a text whose size or structure exceeds a limit."""
    line, column = mark
    return InvalidYaml(problem, Position(file, line + 1, column + 1), _PLACE_FIX)


def refuse_missing_anchor(file: str, mark: Any) -> InvalidYaml:
    """Return the Problem of an alias that stands for nothing, at a mark of the parser."""
    return InvalidYaml("an alias has no anchor", _convert_mark(file, mark), _QUOTES_FIX)


def explain_parser_error(error: Any, text: str, file: str) -> InvalidYaml:
    """Return the Problem for an error that PyYAML raises; its place is known if it is a MarkedYAMLError."""
    if not hasattr(error, "problem_mark"):
        return InvalidYaml(str(error), Position(file), "Save it as UTF-8 text.")
    mark = error.problem_mark
    if mark is None:
        return InvalidYaml(_remove_quoted_names(error), Position(file), _PLACE_FIX)
    problem = "a tab stands where YAML takes blanks alone" if _is_tab_at(text, mark) else _remove_quoted_names(error)
    return InvalidYaml(problem, _convert_mark(file, mark), _PLACE_FIX)


def _remove_quoted_names(error: Any) -> str:
    """Return what an error of the parser says, without the names that it quotes of the text."""
    return _QUOTED_NAME.sub("", str(error.problem))


def _is_tab_at(text: str, mark: Any) -> bool:
    """Whether the character of a text at a mark of the parser is a tab."""
    line = next(islice(text.splitlines(), mark.line, None), "")
    return line[mark.column : mark.column + 1] == "\t"


def _convert_mark(file: str, mark: Any) -> Position:
    """Return the place of a mark of the parser, which counts from 0."""
    return Position(file, mark.line + 1, mark.column + 1)


def check_tag(event: Any, file: str) -> None:
    """Raise InvalidYaml for a tag of a value that only Ansible decrypts, or that means something to another program."""
    tag = event.tag
    if not tag or tag in _ACCEPTED_TAGS:
        return
    position = _convert_mark(file, event.start_mark)
    if tag in _VAULT_TAGS:
        raise InvalidYaml(f"the value is encrypted ({tag})", position, VAULT_FIX)
    if tag in _SHOWN_TAGS:
        raise InvalidYaml(f"the tag {tag} is unknown", position, "Write the value that it stands for.")
    raise InvalidYaml("a tag is unknown", position, f"{_QUOTES_FIX} Write the value that a tag stands for.")


def check_tagged_value(event: Any, file: str) -> None:
    """Raise InvalidYaml for a scalar that is not what its tag says, such as `!!int x`, as go-yaml does."""
    type_name = event.tag.removeprefix(TAG_PREFIX)
    if not fits_type(event.value, type_name):
        problem = f"a value has the tag !!{type_name}, and is no {type_name}"
        raise InvalidYaml(problem, _convert_mark(file, event.start_mark), "Remove the tag, or correct the value.")
