# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build of the Collector that the user gives. Private.

It comes from options of a task; `_builds.py` decides which build that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BuildRequest:
    """The build that the user gives; empty text means the build of the image beside the config, or else the default."""

    distribution: str = ""
    version: str = ""
    manifest: str = ""
    schema: str = ""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> BuildRequest:
        """Return what the options of a module ask for."""
        names = ("distribution", "version", "distribution_manifest", "distribution_schema")
        return cls(*(arguments[name] or "" for name in names))
