# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of configs and surroundings that several tables of cases need."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Deployment
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.view import Target

_CATALOGUE = Path(__file__).parents[6] / "plugins" / "plugin_utils" / "_data" / "catalogue"
Json = dict[str, Any]


@cache
def catalogue() -> Catalogue:
    """Return the real catalogue."""
    return Catalogue.from_tables({file.stem: json.loads(file.read_text()) for file in _CATALOGUE.glob("*.json")})


def target(version: str = "0.158.0", distribution: str = "contrib") -> Json:
    """Return what a case needs to know its build."""
    return {"target": Target(catalogue(), distribution, version)}


def where(mode: str = "deployment", **more: Any) -> Json:
    """Return what a case needs to know where it runs."""
    return {"deployment": Deployment(mode, **more)}


def running(signal: str = "traces", **sections: Any) -> Json:
    """Return a config that starts all that is given, in one pipeline; `processors` in the order in which they stand."""
    sections = {"receivers": {"otlp": {}}, "exporters": {"debug": {}}, **sections}
    connectors = list(sections.get("connectors", ()))
    pipelines: Json = {
        signal: {
            "receivers": list(sections["receivers"]),
            "processors": list(sections.get("processors", ())),
            "exporters": [*sections["exporters"], *connectors],
        }
    }
    if connectors:
        pipelines["metrics/out"] = {"receivers": connectors, "exporters": ["debug"]}
    service = {"extensions": list(sections.get("extensions", ())), "pipelines": pipelines}
    return {**sections, "service": {**service, **sections.pop("service", {})}}
