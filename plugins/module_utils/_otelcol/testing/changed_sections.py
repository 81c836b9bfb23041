# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test changes in the components of a section of a config. Private.

kept_components.py and replaced_ends.py return these for harness.py. Users see the lines in `changes` of a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class ChangedComponent(NamedTuple):
    """The settings that a component has in a test, and a line for each change."""

    settings: Any
    changes: Sequence[str]


class ChangedSection(NamedTuple):
    """The components that a section has in a test, by their ids, and a line for each change."""

    components: dict[str, Any]
    changes: list[str]


def collect_changed_section(components: Mapping[str, ChangedComponent]) -> ChangedSection:
    """Return a section with these components, by their ids in the test."""
    new_section = ChangedSection({}, [])
    for component_id, changed_component in components.items():
        new_section.components[component_id] = changed_component.settings
        new_section.changes.extend(changed_component.changes)
    return new_section
