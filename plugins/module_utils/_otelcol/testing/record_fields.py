# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which field of a record a path of OTTL names: `span.status.code` is the field `status` of a span.

A record is in the short form that records.py describes, and a field is a path in it:

| path of OTTL | context | field |
|---|---|---|
| `span.status.code` | any | `("status",)` |
| `name` | `metric` | `("name",)` |
| `attributes["a"]` | `resource` | `("resource", "a")` |
| `ToLowerCase(name)` | `span` | `("name",)` |
| `span.start_time` | any | none |

A context is what a path of OTTL is about: a span, a metric, a log record, or a resource. samples.py and
statement_fields.py ask here for the fields that a condition or a statement names. Private.
"""

from __future__ import annotations

from typing import NamedTuple

from ..config.paths import Path
from ..languages.ottl_syntax import InvalidOttl, split_tokens, unquote_text
from .ottl_parts import Tokens, UnknownPart, read_called_function

# The field of a record for each path of OTTL, by the context of the path. `[]` ends a path that takes keys, and its
# field takes the same keys: `attributes["a"]` of a resource is ("resource", "a").
# Source: the tables of paths in pkg/ottl/contexts of the Collector, for fields that records.py has.
_FIELDS_BY_CONTEXT: dict[str, dict[str, Path]] = {
    "resource": {"attributes[]": ("resource",)},
    "scope": {
        "attributes[]": ("scope", "attributes"),
        "name": ("scope", "name"),
        "version": ("scope", "version"),
    },
    "span": {
        "attributes[]": ("attributes",),
        "name": ("name",),
        "kind": ("kind",),
        "kind.string": ("kind",),
        "status.code": ("status",),
        "status.message": ("message",),
    },
    "spanevent": {
        "name": ("events", 0, "name"),
        "attributes[]": ("events", 0, "attributes"),
    },
    "metric": {
        "name": ("name",),
        "unit": ("unit",),
        "description": ("description",),
        "type": ("type",),
    },
    "datapoint": {
        "attributes[]": ("attributes",),
        "value_int": ("value",),
        "value_double": ("value",),
    },
    "log": {
        "attributes[]": ("attributes",),
        "body": ("body",),
        "body[]": ("body",),
        "body.string": ("body",),
        "severity_number": ("severity",),
        "severity_text": ("severity_text",),
        "event_name": ("event_name",),
    },
}
# The words that may begin a path and name its context.
_CONTEXT_WORDS = ("instrumentation_scope", *_FIELDS_BY_CONTEXT)
# Converters whose value is taken for that of their argument: `name: "a"` is a sample for `ToLowerCase(name) == "a"`.
_CONVERTERS = ("String", "Int", "Double", "ToLowerCase", "ToUpperCase", "Trim")


class _OttlPath(NamedTuple):
    """A path of OTTL: `span.attributes["a"]["b"]` has the names `span` and `attributes`, and the keys `a` and `b`."""

    names: list[str]
    keys: list[str]


def find_record_field(text: str, context: str) -> Path:
    """Return the field of a record that a path of OTTL names; an empty path if records have no such field.

    `context` is a key of `_FIELDS_BY_CONTEXT`; it counts for a path without a context word, such as `name`. A path such
    as `span.name` says its context itself. For example, `attributes["a"]` with `span` is `("attributes", "a")`.
    """
    try:
        return find_field_of_path(split_tokens(text)[:-1], context)
    except (UnknownPart, InvalidOttl):
        return ()


def find_field_of_path(tokens: Tokens, context: str) -> Path:
    """Return the field of a path, or of the path inside of converters, as in `ToLowerCase(name)`.

    `tokens` are those of ottl_syntax.py. Raises UnknownPart if records have no such field.
    """
    if tokens and tokens[0].kind == "upper":
        return find_field_of_path(_read_converted_path(tokens), context)
    path = _read_path(tokens)
    path_context, names = context, path.names
    if len(names) > 1 and names[0] in _CONTEXT_WORDS:
        path_context, names = names[0], names[1:]
    if "scope" in path_context:  # instrumentation_scope is the longer name
        path_context = "scope"
    field = _find_field(path_context, ".".join(names), has_keys=bool(path.keys))
    if not field:
        raise UnknownPart
    return (*field, *path.keys)


def _find_field(context: str, dotted_name: str, *, has_keys: bool) -> Path:
    """Return the field of a path without its keys; an empty path if the context has no such field."""
    fields = _FIELDS_BY_CONTEXT.get(context, {})
    if not has_keys and dotted_name in fields:
        return fields[dotted_name]
    return fields.get(f"{dotted_name}[]", ())


def _read_converted_path(tokens: Tokens) -> Tokens:
    """Return the path in a converter such as `ToLowerCase(name)`. Raises UnknownPart for another function."""
    name, arguments = read_called_function(tokens)
    if name not in _CONVERTERS or not arguments:
        raise UnknownPart
    return arguments[0]


def _read_path(tokens: Tokens) -> _OttlPath:
    """Return the names and keys of a path. Raises UnknownPart for another text, or if a key is not a text."""
    path = _OttlPath([], [])
    for token in tokens:
        if token.kind == "string":
            path.keys.append(unquote_text(token.text) or "")
        elif token.kind == "lower" and not path.keys:
            path.names.append(token.text)
        elif token.text not in (".", "[", "]"):
            raise UnknownPart
    return path
