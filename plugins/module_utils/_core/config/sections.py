# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a collector config, in the order in which people read one. Private."""

from __future__ import annotations

SECTIONS = ("receivers", "processors", "connectors", "exporters", "extensions")

# The parts of a pipeline, and the sections in which their ids are defined: a connector stands where a receiver or an
# exporter may.
ROLES = {
    "receivers": ("receivers", "connectors"),
    "processors": ("processors",),
    "exporters": ("exporters", "connectors"),
}
