# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of a config, joined without repeating what they have in common. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def join_without_repeats(values: list[Any], added_values: list[Any]) -> list[Any]:
    """Return a list with what it lacks of another one at its end: `[a, b]` and `[b, c]` make `[a, b, c]`."""
    return [*values, *(value for value in added_values if value not in values)]


def unite_lists(lists: Iterable[Iterable[str] | None]) -> list[str]:
    """Return the values of all lists, each once, in the order in which they come first."""
    union: dict[str, None] = {}
    for values in lists:
        union.update(dict.fromkeys(values or ()))
    return list(union)
