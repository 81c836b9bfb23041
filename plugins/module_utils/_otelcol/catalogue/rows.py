# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that all tables of the catalogue share: the tables themselves, the sections of a config, and terms in rows.

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The sections of components in the order of the tables and of findings. `SECTIONS` of config/paths.py has them in that
# of a config.
SECTION_ORDER = ("receivers", "processors", "exporters", "connectors", "extensions")
# What tables write for the repositories opentelemetry-collector and opentelemetry-collector-contrib.
CORE_PREFIX = "core/"
CONTRIB_PREFIX = "contrib/"
# The released distributions, the one with the fewest components first.
OFFICIAL_BUILDS = ("otlp", "core", "k8s", "contrib")

TABLES = ("components", "builds", "removals", "ports", "references", "fields", "providers", "ottl", "constraints")
# The format of published tables. It is raised when older code would misread new tables.
TABLE_FORMAT = 1
# The key of a mapping of settings that takes unknown keys, and its value where a version ignores them.
OPEN_MAPPING = "..."
IGNORED_VERSION = "ignored"
# Steps of a path: any key or index, and any number of steps.
ANY_KEY = "*"
ANY_DEPTH = "**"

Row = Mapping[str, Any]
"""A row of a table. `table_rows.py` declares the keys of most tables."""
Key = tuple[str, str]
"""A section and a type, such as `receivers` and `otlp`."""
Module = tuple[str, str]
"""A section and a Go module, such as `receivers` and `core/receiver/otlpreceiver`."""
