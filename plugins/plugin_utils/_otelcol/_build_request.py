# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build of the Collector that the user gives. Private.

It comes from options of a task; `resolve_build` of `_builds.py` decides which build that is. For example,
`BuildRequest(distribution="contrib", version="0.158.0")` is contrib 0.158.0, whatever image stands beside the config.
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
    """The version of the distribution, which may count its own: v0.49.0 of adot."""
    manifest: str = ""
    """The path of a manifest of the Collector builder."""
    schema: str = ""
    """The path of the JSON Schema of the whole config of a build."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> BuildRequest:
        """Return what the options of a module ask for."""
        return cls(
            distribution=arguments["distribution"] or "",
            version=arguments["version"] or "",
            manifest=arguments["distribution_manifest"] or "",
            schema=arguments["distribution_schema"] or "",
        )
