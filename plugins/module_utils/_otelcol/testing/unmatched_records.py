# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records only one of two lists has, for what says how records changed in between. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .records import Record


class UnmatchedRecords(NamedTuple):
    """The records that only one side has."""

    old: list[Record]
    new: list[Record]


def drop_common_records(old_records: Sequence[Record], new_records: Sequence[Record]) -> UnmatchedRecords:
    """Return the records that only one side has. A record that both have counts as often as both have it.

    Of `[a, a, b]` and `[a, c]`, `[a, b]` and `[c]` are left.
    """
    only_old: list[Record] = []
    only_new = list(new_records)
    for record in old_records:
        if record in only_new:
            only_new.remove(record)
        else:
            only_old.append(record)
    return UnmatchedRecords(only_old, only_new)
