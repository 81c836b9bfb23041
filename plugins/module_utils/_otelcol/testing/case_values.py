# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a file of tests that no system takes: headers, variables, paths, seconds and expressions. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problem
from .record_values import read_events, read_mapping
from .records import RECORD_KINDS

# A field name and a field value of RFC 9110, 5.1 and 5.5; values are sent as ISO 8859-1.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the value of a header may have: tabs, blanks and visible characters.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LONGEST_VARIABLE = 128 * 1024
"""Bytes of a variable with its name. Source: MAX_ARG_STRLEN in linux/binfmts.h, with pages of 4 KiB."""
_LONGEST_NAME = 255
"""Bytes of the name of a file or folder. Source: NAME_MAX in linux/limits.h."""
_NUL = "\0"
_LONGEST_WAIT = 3600.0  # seconds


def check_headers(headers: Mapping[Any, Any], where: str) -> None:
    """Raise Problem for a header that HTTP cannot have."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(str(name)):
            fix = "Use letters, digits and hyphens."
            raise Problem(f"{str(name)!r} is no name of a header", where=f"{where}.headers", fix=fix)
        if not _HEADER_VALUE.fullmatch(str(value)):
            problem = f"the value of header '{name}' has a line end, or a character outside of ISO 8859-1"
            raise Problem(problem, where=f"{where}.headers", fix="Encode the value, or leave that out.")


def check_environment(environment: Mapping[Any, Any], file: str) -> None:
    """Raise Problem for a variable that no process can have."""
    where = f"{file}: environment"
    for name, value in environment.items():
        if not _is_variable_name(str(name)):
            fix = "Use letters, digits and underscores."
            raise Problem(f"{str(name)!r} is no name of a variable", where=where, fix=fix)
        if _NUL in str(value):
            raise Problem(f"variable '{name}' has a NUL character", where=where, fix="Leave it out.")
        if len(f"{name}={value}".encode()) >= _LONGEST_VARIABLE:
            problem = f"variable '{name}' has more than {_LONGEST_VARIABLE // 1024} KiB, which Linux gives no process"
            raise Problem(problem, where=where, fix="Write a shorter value; a file may be longer.")


def _is_variable_name(name: str) -> bool:
    """Whether a process can have a variable of a name."""
    return name != "" and "=" not in name and _NUL not in name


def check_files(files: Mapping[Any, Any], part_where: str) -> None:
    """Raise Problem for a path that cannot be that of a file, or that is a folder of another."""
    where = f"{part_where}.files"
    parts_by_path = {str(path): _split_path(str(path)) for path in files}
    for path, path_parts in parts_by_path.items():
        problem = _explain_wrong_path(path, path_parts)
        if problem:
            raise Problem(f"the path {path!r} {problem}", where=where, fix="Write a path like /var/log/app.log.")
    for path in parts_by_path:
        path_inside = _find_path_inside(path, parts_by_path)
        if path_inside:
            problem = f"{path} is a file, and a folder of {path_inside}"
            raise Problem(problem, where=where, fix="Give one of them another path.")


def _split_path(path: str) -> tuple[str, ...]:
    """Return the names in a path."""
    return tuple(part for part in path.split("/") if part)


def _find_path_inside(folder: str, parts_by_path: Mapping[str, tuple[str, ...]]) -> str:
    """Return the first path below another one of them; empty text if there is none."""
    folder_parts = parts_by_path[folder]
    for path, other_parts in parts_by_path.items():
        is_below = other_parts[: len(folder_parts)] == folder_parts
        if is_below and other_parts != folder_parts:
            return path
    return ""


def _explain_wrong_path(path: str, path_parts: tuple[str, ...]) -> str:
    """Return why a path cannot be that of a file; empty text if it can."""
    if _NUL in path:
        return "has a NUL character"
    if ".." in path_parts:
        return "leaves its folder"
    if not path_parts or path.endswith("/"):
        return "is a folder, not a file"
    if any(len(path_part.encode()) > _LONGEST_NAME for path_part in path_parts):
        return f"has a name of more than {_LONGEST_NAME} bytes"
    return ""


def check_records(given_part: Mapping[str, Any], where: str) -> None:
    """Raise Problem for records that are no list of mappings, or whose resource is none."""
    for record_kind in RECORD_KINDS:
        records = given_part.get(record_kind, [])
        if not isinstance(records, list):
            raise Problem(f"'{record_kind}' is no list", where=where, fix="Write a list of records.")
        for record_index, record in enumerate(records):
            _check_record(record, f"{where}.{record_kind}[{record_index}]")


def _check_record(record: Any, where: str) -> None:
    """Raise Problem for a record that is no mapping, or whose events or resource are none."""
    if not isinstance(record, Mapping):
        raise Problem("a record must be a mapping", where=where, fix="Write `key: value` pairs.")
    # written_records.py reads the other values. It does so when the test runs.
    read_events(record, where)
    read_mapping(record, "resource", where)


def check_queries(queries: Any, where: str) -> None:
    """Raise Problem for expressions that are no list of mappings with `query` and `is`."""
    fix = 'Write `jmespath: [{query: "length(spans)", is: 2}]`.'
    if not isinstance(queries, list):
        raise Problem("'jmespath' is no list", where=where, fix=fix)
    for query_index, expression in enumerate(queries):
        if not _is_query(expression):
            problem = "an expression has a text `query`, and what it `is`"
            raise Problem(problem, where=f"{where}.jmespath[{query_index}]", fix=fix)


def _is_query(expression: Any) -> bool:
    """Whether an expression has a text `query` and any value `is`, and nothing else."""
    if not isinstance(expression, Mapping) or set(expression) != {"query", "is"}:
        return False
    return isinstance(expression["query"], str)


def check_path(value: Any, name: str, where: str) -> None:
    """Raise Problem for what is no path of a file."""
    if not isinstance(value, str) or not value or _NUL in value:
        raise Problem(f"'{name}' is no path of a file", where=where, fix="Write the path of a file.")


def read_case_seconds(test: Mapping[str, Any], name: str, default: float, where: str) -> float:
    """Return how long a test may wait. Raises Problem for what is no number of seconds of at most an hour."""
    value = test.get(name, default)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _LONGEST_WAIT:  # nan is not in the bounds either
        problem = f"'{name}' is not a number of seconds from 0 to {_LONGEST_WAIT:.0f}"
        raise Problem(problem, where=where, fix="Write it like 5 or 0.5.")
    return float(value)
