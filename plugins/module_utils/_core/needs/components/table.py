# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The component table as a whole, by class and type. Private."""

from __future__ import annotations

from .others import EXTENSIONS, PROCESSORS
from .receivers import RECEIVERS
from .row import Component, Rules

_CLASSES = {"receivers": RECEIVERS, "processors": PROCESSORS, "extensions": EXTENSIONS}
COMPONENTS = {(role, name): row for role, rows in _CLASSES.items() for row in rows for name in row.types}

__all__ = ["COMPONENTS", "Component", "Rules", "component"]


def component(role: str, kind: str) -> Component | None:
    """Return the row of a component type in a section such as `receivers`; None when it needs nothing."""
    return COMPONENTS.get((role, kind))
