# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cases for the real Collector are made of."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

BASE: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "localhost:4317"}}}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}
GONE = object()
Place = str


class Broken(NamedTuple):
    """A config and the rule that must refuse it; no rule: the Collector takes it, and so must every rule."""

    name: str
    rule: str
    config: Any
    operated: bool = False  # by an operator with a target allocator


def changed(changes: dict[Place, Any], base: Any = None) -> Any:
    """Return a copy of the small correct config with values at places, such as `service/pipelines/traces`."""
    config = copy.deepcopy(BASE if base is None else base)
    for place, value in changes.items():
        *around, last = (part.replace("~", "/") for part in place.split("/"))
        here = config
        for part in around:
            here = here.setdefault(part, {})
        if value is GONE:
            here.pop(last, None)
        else:
            here[last] = copy.deepcopy(value)
    return config


def all_of(rule: str, rows: list[dict[Place, Any]]) -> list[Broken]:
    """Return a case of a rule for each row of changes."""
    return [Broken(f"{rule} {number}: {'; '.join(row)}", rule, changed(row)) for number, row in enumerate(rows)]


T, METRICS, LOGS = (f"service/pipelines/{signal}" for signal in ("traces", "metrics", "logs"))
RECEIVERS, PROCESSORS, EXPORTERS = f"{T}/receivers", f"{T}/processors", f"{T}/exporters"


def connected(connectors: dict[str, Any], **pipelines: tuple[list[str], list[str]]) -> Any:
    """Return a config with connectors and pipelines, given as (receivers, exporters); `_` in a name is a slash."""
    return {
        **BASE,
        "connectors": connectors,
        "service": {
            "pipelines": {
                name.replace("_", "/"): {"receivers": ends[0], "exporters": ends[1]} for name, ends in pipelines.items()
            }
        },
    }


IN, OUT = ["otlp"], ["debug"]
SPANS: dict[str, Any] = {"span_metrics": {}}


def routing(*pipelines: str) -> dict[str, Any]:
    """Return a routing connector to pipelines."""
    return {
        "routing": {"default_pipelines": list(pipelines), "table": [{"condition": "true", "pipelines": ["traces/2"]}]}
    }
