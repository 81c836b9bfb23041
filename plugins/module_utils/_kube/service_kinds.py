# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind a Service is: those without an address of their own lead to pods in another way, or to none. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at


def is_headless(service: Mapping[str, Any]) -> bool:
    """Whether a Service has no address of its own: its name is the addresses of its pods, and their ports count.

    Source: Service v1 core, `clusterIP`.
    """
    return mapping_at(service, "spec").get("clusterIP") == "None"


def is_external_name(service: Mapping[str, Any]) -> bool:
    """Whether a Service is another name of a host, whatever it selects. Source: Service v1 core, `type`."""
    return mapping_at(service, "spec").get("type") == "ExternalName"
