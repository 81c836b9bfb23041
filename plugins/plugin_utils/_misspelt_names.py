# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of this collection a name misspells. Private.

A variable of this collection is the name of a role and that of an option, such as `otel_collector_namespace`. A slip is
one letter in either of the two. Two letters would make slips of variables of users, such as `other_collectors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from . import _sources

# What playbooks of this collection read beside the options of roles.
OF_PLAYBOOKS = frozenset(
    {
        "otel_collectors",
        "otel_instrumentations",
        "otel_hosts",
        "otel_expected_cluster",
        "otel_lock_file",
        "otel_lock_exclude",
        "otel_compare_running",
        "otel_rights_account",
        "otel_rights_name",
        "otel_rights_path",
        "otel_report_path",
        "otel_waves",
        "otel_wave",
        "otel_wave_until",
        "otel_alert_path",
        "otel_alert_goes_back",
        "otel_alert_change_seconds",
        "otel_mirror_path",
        "otel_mirror_registry",
        "otel_mirror_registries_conf",
        "otel_mirror_authfile",
        "otel_mirror_source_tls_verify",
        "otel_mirror_tls_verify",
    }
)
# Shorter options are not compared: `_node` is one letter from `_mode`.
_LONGEST_UNCOMPARED = 5
# The first letter of an option and the underscore before it: another one makes another word.
_SAME_BEGINNING = 2
_MOST_WORDS_OF_ROLE = 3


@cache
def meant_name(name: str) -> str:
    """Return the variable of this collection that a name misspells; empty for its own names and for all others."""
    known = _known_names()
    may_be_slip = name.isidentifier() and name.count("_") <= _most_underscores()
    if name in known or not may_be_slip:
        return ""
    for candidate in _candidates(name):
        if candidate in known:
            return candidate
    return ""


@cache
def _known_names() -> frozenset[str]:
    """Return the variables of this collection: those of playbooks, and the options of roles."""
    return OF_PLAYBOOKS.union(*(_sources.documented(role) for role in _sources.roles()))


@cache
def _most_underscores() -> int:
    """Return how many underscores a misspelt variable of this collection has at most: a slip may add one."""
    return max(name.count("_") for name in _known_names()) + 1


def _candidates(name: str) -> Iterator[str]:
    """Yield the names that this one may misspell, in the name of the option or in that of the role."""
    for role in _sources.roles():
        if name.startswith(role):
            yield from _with_another_option(name, role)
        elif name[0] == role[0]:
            yield from _with_another_role(name, role)


def _with_another_option(name: str, role: str) -> Iterator[str]:
    """Yield the variables of a role whose option the rest of a name misspells."""
    for known in _known_names():
        if known.startswith(role) and _is_slip(name.removeprefix(role), known.removeprefix(role)):
            yield known


def _is_slip(word: str, option: str) -> bool:
    """Whether a word misspells an option. Both begin with an underscore. A plural is another word, not a slip."""
    is_plural = option.rstrip("s") == word.rstrip("s")
    is_short = len(option) <= _LONGEST_UNCOMPARED
    if is_plural or is_short or option[:_SAME_BEGINNING] != word[:_SAME_BEGINNING]:
        return False
    return _is_one_edit(option, word)


def _with_another_role(name: str, role: str) -> Iterator[str]:
    """Yield the names with this role in place of the first words of a name, if they are the role but for a slip.

    The list of a role, such as `otel_collectors`, has no option behind the name of the role.
    """
    words = name.split("_")
    for count in range(1, min(len(words), _MOST_WORDS_OF_ROLE + 1)):
        if _is_one_edit("_".join(words[:count]), role):
            yield f"{role}_{'_'.join(words[count:])}"
    plural = f"{role}s"
    if _is_one_edit(name, plural):
        yield plural


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one text becomes another by one letter that is added, removed or replaced, or swapped with the next."""
    if len(one) > len(other):
        one, other = other, one
    place = _first_difference(one, other)
    rest, other_rest = one[place:], other[place:]
    is_added = rest == other_rest[1:]
    is_replaced = len(one) == len(other) and rest[1:] == other_rest[1:]
    is_swapped = rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:]
    return is_added or is_replaced or is_swapped


def _first_difference(one: str, other: str) -> int:
    """Return the index of the first letter in which two texts differ; the length of the shorter one if none does."""
    for index, (letter, other_letter) in enumerate(zip(one, other, strict=False)):
        if letter != other_letter:
            return index
    return min(len(one), len(other))
