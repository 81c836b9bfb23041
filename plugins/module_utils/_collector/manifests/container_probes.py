# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes by which the kubelet asks whether a collector is alive and ready. Private.

A collector has them if its config has a health check. For example, one that listens on port 13133 has the liveness
probe `{httpGet: {path: /, port: 13133}, periodSeconds: 10, failureThreshold: 6}`.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.config.paths import mapping_at, value_at
from .build import CollectorBuild

# Readiness follows quickly, so that a rollout does not dawdle.
_PROBE_TIMES = {
    "livenessProbe": {"periodSeconds": 10, "failureThreshold": 6},
    "readinessProbe": {"periodSeconds": 2, "failureThreshold": 3},
}
# A queue that is kept is put in order before the health check answers; 20,000 requests take a minute. Until then the
# Collector has the requests in memory alone, so nothing may end it.
_STARTUP_PROBE = {"startupProbe": {"periodSeconds": 2, "failureThreshold": 300}}


def render_probes(build: CollectorBuild) -> dict[str, Any]:
    """Return the probes with their times; none for a config that does not answer them."""
    port = build.needs.probed_port
    if not port:
        return {}
    request = {"httpGet": {"path": build.needs.probe_path, "port": port.number}}
    probes = {}
    for name, times in find_probe_times(build).items():
        probes[name] = {**request, **times}
    return probes


def find_probe_times(build: CollectorBuild) -> dict[str, dict[str, int]]:
    """Return the times of each probe; none for a config that does not answer probes.

    A collector that keeps the queue of an exporter may take long to start.
    """
    if not build.needs.probed_port:
        return {}
    if _keeps_queue(build):
        return {**_PROBE_TIMES, **_STARTUP_PROBE}
    return dict(_PROBE_TIMES)


def _keeps_queue(build: CollectorBuild) -> bool:
    """Return whether an exporter has a queue that outlives the process."""
    exporters = mapping_at(build.config, "exporters").values()
    return any(value_at(exporter, ("sending_queue", "storage")) for exporter in exporters)
