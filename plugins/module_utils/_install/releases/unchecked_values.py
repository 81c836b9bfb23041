# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of objects whose form nobody has checked, such as those of a manifest that a user gives. Private.

`object_privileges.py` and `pod_privileges.py` read such objects. A value of the wrong type counts as empty, because the
API server refuses it:

    mapping_or_empty({"a": 1}) → {"a": 1}      mapping_or_empty("a") → {}      list_or_empty(None) → []
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """Return a mapping. Any other value counts as empty."""
    return value if isinstance(value, Mapping) else {}


def list_or_empty(value: Any) -> list[Any]:
    """Return a list. Any other value counts as empty."""
    return value if isinstance(value, list) else []


def iter_mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the elements of a list as mappings."""
    for element in list_or_empty(value):
        yield mapping_or_empty(element)
