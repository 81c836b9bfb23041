# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target allocator of a collector under the operator: its settings, its account, and its part of the config.

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .build import Build


def target_allocator(_build: Build) -> dict[str, Any]:
    """Return the settings of the allocator, empty when there is none."""
    return {}


def allocated(build: Build) -> Mapping[str, Any]:
    """Return the config as the operator must be given it."""
    return build.config
