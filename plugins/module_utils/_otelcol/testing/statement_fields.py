# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields a record needs so that a statement of OTTL changes something in it.

A test of a config proposes a record for each statement that no test takes, so taking_fields.py calls
`find_changed_fields`. For example, `replace_pattern(name, "x+y", "z")` changes a record with the name `xy`, so the
fields are `{("name",): "xy"}`. They come from the literals of the statement. Only a run can say whether the statement
really changes such a record. editor_fields.py knows the functions that change only certain records; a statement with
another function needs the fields that it reads. Private.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..config.paths import Path
from ..languages.ottl_syntax import InvalidOttl, split_tokens
from .editor_fields import EDITORS
from .ottl_parts import Tokens, UnknownPart, read_called_function
from .record_fields import find_record_field
from .samples import SAMPLE_TEXT, WantedFields


def find_changed_fields(action: str, context: str) -> WantedFields:
    """Return the fields that a record needs so that a statement changes it; none if its literals do not say.

    `action` is the statement without its condition, and `context` is that of the statement, such as `span`:

        delete_key(attributes, "a")                          → {("attributes", "a"): "text"}
        set(attributes["a"], resource.attributes["b"])       → {("resource", "b"): "text"}
    """
    try:
        tokens = split_tokens(action)[:-1]  # without the one that ends the text
        function_name, arguments = read_called_function(tokens)
    except (UnknownPart, InvalidOttl):
        return {}
    if not arguments:
        return {}
    target, *other_arguments = arguments
    changed_field = find_record_field(_cut_text(action, target), context)
    editor = EDITORS.get(function_name)
    if editor and changed_field:
        return editor.find_wanted_fields(changed_field, other_arguments)
    return _find_read_fields(action, other_arguments, context, changed_field)


def _find_read_fields(action: str, arguments: Sequence[Tokens], context: str, changed_field: Path) -> WantedFields:
    """Return the fields that a statement reads in its arguments, but for the one that it changes.

    `set(attributes["a"], resource.attributes["b"])` reads `("resource", "b")`.
    """
    fields: WantedFields = {}
    for argument in arguments:
        if not _is_path(argument):
            continue
        field = find_record_field(_cut_text(action, argument), context)
        if _is_other_user_field(field, changed_field):
            fields[field] = SAMPLE_TEXT
    return fields


def _is_path(argument: Tokens) -> bool:
    """Whether an argument is a path, such as `resource.attributes["b"]`, and no literal or converter."""
    return argument[0].kind == "lower"


def _is_other_user_field(read_field: Path, changed_field: Path) -> bool:
    """Whether a field that a statement reads is one that users set, and not the one that it changes.

    Only the last part is compared, so that an attribute that goes under its own name from the resource to the span
    counts as the same field: for `set(attributes["a"], resource.attributes["a"])` no field is proposed.
    """
    if not read_field or read_field[0] not in ("attributes", "resource"):
        return False
    return read_field[-1:] != changed_field[-1:]


def _cut_text(action: str, tokens: Tokens) -> str:
    """Return the part of a statement that has these tokens."""
    last_token = tokens[-1]
    return action[tokens[0].start : last_token.start + len(last_token.text)]
