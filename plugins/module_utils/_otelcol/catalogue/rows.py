# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tables of the catalogue share: their names and format, and the terms of their rows. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
CORE_PREFIX = "core/"
CONTRIB_PREFIX = "contrib/"
OFFICIAL_BUILDS = ("otlp", "core", "k8s", "contrib")  # smallest first

TABLES = ("components", "builds", "removals", "ports", "references", "fields", "providers", "ottl", "constraints")
TABLE_FORMAT = 1  # of published tables; raised when older code would misread them
OPEN_MAPPING, IGNORED_VERSION = (
    "...",
    "ignored",
)  # a mapping of settings takes unknown keys; a version ignores those that others refuse
ANY_KEY, ANY_DEPTH = "*", "**"  # in a path: any key or index, any depth

Row = Mapping[str, Any]
Key = tuple[str, str]  # section, and a type or a module
Module = Key
