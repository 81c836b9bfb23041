# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The started components of a config that need something of their surroundings. Private.

A part is a component that a config starts, see listeners.py; component_table.py says what its type needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .component_row import ComponentNeeds
from .component_table import find_component_row
from .listeners import StartedComponent


class UsedPart(NamedTuple):
    """A component in use that needs something, and its row of the table."""

    component_row: ComponentNeeds
    part: StartedComponent


def find_used_parts(parts: Iterable[StartedComponent]) -> list[UsedPart]:
    """Return every component in use that needs something."""
    parts_in_use: list[UsedPart] = []
    for part in parts:
        row = find_component_row(part.section, part.type)
        if row:
            parts_in_use.append(UsedPart(row, part))
    return parts_in_use
