# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave would change, with equal differences of its members once. Private.

Members differ in what follows from a config: the names of its ConfigMaps and sums of it. Namespaces and the marks of
hidden secrets may differ too. None of them makes two differences unlike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from .._collector.manifests.pod import HASH_ANNOTATION
from .._otelcol.errors import join_at_most
from .._otelcol.kube.names import SPEC_HASH

_CONFIG_MAP = "ConfigMap "
# So many members are named, and so many unchanged lines are shown around each changed one.
_SHOWN_MEMBERS = 10
_CONTEXT_LINES = 2
# A difference begins with the names of both sides.
_NAME_LINES = 2
# What `salted` of _otelcol/config/masking.py makes of a secret.
_HIDDEN_SECRET = re.compile(r"\*{3}[0-9a-f]{8}\b")
_HASH_FIELDS = (f"{HASH_ANNOTATION}:", f"{SPEC_HASH}:")
# How the name of a ConfigMap ends that has a config. Source: `_HASH_DIGITS` of _collector/manifests/build.py.
_HASH_DIGITS = re.compile(r"[0-9a-f]{10}\Z")


@dataclass(frozen=True)
class Difference:
    """An object or a file before and after a change, as text; empty where it does not exist."""

    name: str
    text_before: str
    text_after: str


@dataclass(frozen=True)
class MemberChange:
    """What would change on a cluster, or a Linux host: differences, and what is changed without one."""

    member: str
    differences: Sequence[Difference]
    other_changes: Sequence[str] = ()


def list_change_lines(changes: Iterable[MemberChange], noun: str, *, with_new_objects: bool) -> Iterator[str]:
    """Yield what members would change: those with equal differences as one group, and then the difference.

    `noun` names one member. With `with_new_objects`, new objects are shown with their text.
    """
    groups_by_lines: dict[tuple[str, ...], list[MemberChange]] = {}
    for change in changes:
        groups_by_lines.setdefault(tuple(_list_member_lines(change, whole=with_new_objects, context=0)), []).append(
            change
        )
    for group in groups_by_lines.values():
        plural = "" if len(group) == 1 else "s"
        yield (
            f"{len(group)} {noun}{plural}:"
            f" {join_at_most(_SHOWN_MEMBERS, [member_change.member for member_change in group])}"
        )
        yield from (
            f"  {line}" for line in _list_member_lines(group[0], whole=with_new_objects, context=_CONTEXT_LINES)
        )


def _list_member_lines(change: MemberChange, *, whole: bool, context: int) -> Iterator[str]:
    """Yield the lines of one member, with so many unchanged lines around each changed one."""
    config_names = set(_list_config_names(change.differences))
    secret_marks: dict[str, str] = {}
    for difference in change.differences:
        text_before, text_after = (
            _make_comparable(text, config_names, secret_marks)
            for text in (difference.text_before, difference.text_after)
        )
        name = _make_comparable(_remove_namespace(difference.name), config_names, secret_marks)
        yield from _list_difference_lines(name, text_before, text_after, whole=whole, context=context)
    yield from change.other_changes


def _remove_namespace(name: str) -> str:
    """Return the name of an object without its namespace. A file of a host keeps its path."""
    kind, _space, path = name.partition(" ")
    return f"{kind} {path.rpartition('/')[2]}" if path else name


def _list_config_names(differences: Iterable[Difference]) -> Iterator[str]:
    """Yield what the names of ConfigMaps begin with that end with a sum of their config."""
    for difference in differences:
        name, _dash, hash_digits = _remove_namespace(difference.name).rpartition("-")
        if name.startswith(_CONFIG_MAP) and _HASH_DIGITS.match(hash_digits):
            yield name[len(_CONFIG_MAP) :]


def _list_difference_lines(name: str, text_before: str, text_after: str, *, whole: bool, context: int) -> Iterator[str]:
    """Yield the name of an object or a file and its difference; without context, no places of the lines."""
    if not text_after:
        yield f"{name} would be deleted"
    elif not (text_before or whole):
        yield f"{name} would be created"
    else:
        diff_lines = list(unified_diff(text_before.splitlines(), text_after.splitlines(), n=context, lineterm=""))
        if diff_lines:
            yield name
        for line in diff_lines[_NAME_LINES:]:
            if context or not line.startswith("@@"):
                yield line


def _make_comparable(text: str, config_names: Iterable[str], secret_marks: dict[str, str]) -> str:
    """Return a text without what differs between members whose configs change alike."""
    for config_name in config_names:
        text = re.sub(rf"\b{re.escape(config_name)}-[0-9a-f]{{10}}\b", f"{config_name}-…", text)
    text_with_marks = _HIDDEN_SECRET.sub(
        lambda hidden_match: secret_marks.setdefault(hidden_match[0], f"***{len(secret_marks) + 1}"), text
    )
    return "\n".join(line for line in text_with_marks.splitlines() if not line.lstrip().startswith(_HASH_FIELDS))


def read_differences(rows: Iterable[Mapping[str, str]]) -> list[Difference]:
    """Return what a task has told as Ansible's differences."""
    return [Difference(str(row["after_header"]), str(row["before"] or ""), str(row["after"] or "")) for row in rows]
