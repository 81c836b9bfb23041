# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of a collector with a health check."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.collector_container import (
    render_collector_container,
)

from ...helpers import build, cases, running

HEALTH = running(extensions={"health_check": {"endpoint": "${env:MY_POD_IP}:13133", "path": "/health"}})


def container(config: Any = None, **options: Any) -> Any:
    return render_collector_container(build(config, **options))


def test_the_health_check_is_probed() -> None:
    get = {"path": "/health", "port": 13133}
    one = container(HEALTH)
    assert one["livenessProbe"] == {"httpGet": get, "periodSeconds": 10, "failureThreshold": 6}
    assert one["readinessProbe"] == {"httpGet": get, "periodSeconds": 2, "failureThreshold": 3}
    assert not {"livenessProbe", "readinessProbe"} & set(container())


@cases("queue, waits", ({"storage": "file_storage"}, 600), ({"queue_size": 5}, None), (None, None))
def test_a_kept_queue_has_ten_minutes_to_be_put_in_order(queue: Any, waits: int | None) -> None:
    made = container({**HEALTH, "exporters": {"otlp_grpc": {"sending_queue": queue}, "debug": None}})
    start = made.get("startupProbe")
    assert (start and start["periodSeconds"] * start["failureThreshold"]) == waits
    assert "livenessProbe" in made
