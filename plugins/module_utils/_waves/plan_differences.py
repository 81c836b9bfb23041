# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell what a wave would change. Members with the same change are one group, whose change is told once.

A member is a cluster or a Linux host. The changes of two members count as the same even if these things differ, since
they follow from the member: names of ConfigMaps that end with a hash of the config, annotations with such a hash,
namespaces, and the marks that stand for hidden secrets. Private.
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
# Members of a group that are named.
_SHOWN_MEMBERS = 10
# Unchanged lines that are shown around each changed one.
_CONTEXT_LINES = 2
# A unified diff begins with two lines, the names of both sides.
_NAME_LINES = 2
# What `salted` of _otelcol/config/masking.py makes of a secret.
_HIDDEN_SECRET = re.compile(r"\*{3}[0-9a-f]{8}\b")
_HASH_FIELDS = (f"{HASH_ANNOTATION}:", f"{SPEC_HASH}:")
# The end of the name of a ConfigMap with a config. Source: `_HASH_DIGITS` of _collector/manifests/build.py.
_HASH_DIGITS = re.compile(r"[0-9a-f]{10}\Z")


@dataclass(frozen=True)
class Difference:
    """An object or a file before and after a change, as text; empty where it does not exist."""

    name: str
    text_before: str
    text_after: str


@dataclass(frozen=True)
class MemberChange:
    """What would change on a cluster or a Linux host."""

    member: str
    differences: Sequence[Difference]
    other_changes: Sequence[str] = ()
    """Lines about changes without a difference of texts, such as a restart."""


def list_change_lines(changes: Iterable[MemberChange], noun: str, *, with_new_objects: bool) -> Iterator[str]:
    """Yield a line with the members of each group, and then the lines of its change.

    `noun` names one member, such as `cluster`. With `with_new_objects`, new objects are shown with their text.
    """
    groups_by_lines: dict[tuple[str, ...], list[MemberChange]] = {}
    for change in changes:
        lines = tuple(_list_member_lines(change, whole=with_new_objects, context=0))
        groups_by_lines.setdefault(lines, []).append(change)
    for group in groups_by_lines.values():
        plural = "" if len(group) == 1 else "s"
        member_names = [member_change.member for member_change in group]
        yield f"{len(group)} {noun}{plural}: {join_at_most(_SHOWN_MEMBERS, member_names)}"
        for line in _list_member_lines(group[0], whole=with_new_objects, context=_CONTEXT_LINES):
            yield f"  {line}"


def _list_member_lines(change: MemberChange, *, whole: bool, context: int) -> Iterator[str]:
    """Yield the lines of the change of one member.

    `context` is how many unchanged lines stand around each changed one. With `whole`, new objects have their text.
    """
    config_names = set(_list_config_names(change.differences))
    secret_marks: dict[str, str] = {}
    for difference in change.differences:
        text_before = _make_comparable(difference.text_before, config_names, secret_marks)
        text_after = _make_comparable(difference.text_after, config_names, secret_marks)
        name = _make_comparable(_remove_namespace(difference.name), config_names, secret_marks)
        yield from _list_difference_lines(name, text_before, text_after, whole=whole, context=context)
    yield from change.other_changes


def _remove_namespace(name: str) -> str:
    """Return the name of an object without its namespace. A file of a host keeps its path."""
    kind, _space, path = name.partition(" ")
    return f"{kind} {path.rpartition('/')[2]}" if path else name


def _list_config_names(differences: Iterable[Difference]) -> Iterator[str]:
    """Yield the names of the ConfigMaps with a config, without the hash at their end: of `gateway-1f0c…` `gateway`."""
    for difference in differences:
        name, _dash, hash_digits = _remove_namespace(difference.name).rpartition("-")
        if name.startswith(_CONFIG_MAP) and _HASH_DIGITS.match(hash_digits):
            yield name[len(_CONFIG_MAP) :]


def _list_difference_lines(name: str, text_before: str, text_after: str, *, whole: bool, context: int) -> Iterator[str]:
    """Yield the name of an object or a file and the lines of its difference.

    Without context, the lines `@@ -1,7 +1,8 @@` with places are left out, since places differ between members.
    """
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
    """Return a text without what differs between members whose configs change alike.

    `secret_marks` has the number that stands for each hidden secret of the member so far, and gets further ones.
    """
    for config_name in config_names:
        text = re.sub(rf"\b{re.escape(config_name)}-[0-9a-f]{{10}}\b", f"{config_name}-…", text)

    def number_secret(hidden_secret: re.Match[str]) -> str:
        return secret_marks.setdefault(hidden_secret[0], f"***{len(secret_marks) + 1}")

    numbered_text = _HIDDEN_SECRET.sub(number_secret, text)
    kept_lines = [line for line in numbered_text.splitlines() if not line.lstrip().startswith(_HASH_FIELDS)]
    return "\n".join(kept_lines)


def read_differences(rows: Iterable[Mapping[str, str]]) -> list[Difference]:
    """Return the differences in the result of a task, which has them in the form of Ansible's option --diff."""
    return [Difference(str(row["after_header"]), str(row["before"] or ""), str(row["after"] or "")) for row in rows]
