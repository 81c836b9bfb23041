# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event filter: of each notification of Alertmanager, one event for each alert of a collector.

ansible-rulebook loads this file alone, by its path and without Ansible. It only gives each alert the key by which a
flood of alerts becomes one job; the playbook checks all that an alert says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DOCUMENTATION = r"""
short_description: Make an event of each firing alert of a collector
description:
  - Takes what Alertmanager posts to a webhook, in version 4 of its form, and returns an event for each alert that
    fires and has the labels C(alertname) and C(collector).
  - An event has C(alert), as it came, with its labels, C(name), its C(alertname), and C(collector), which is the same
    for all alerts of a collector. What else came, such as C(meta), which could choose hosts, is left out.
options: {}
"""
EXAMPLES = r"""
- eda.builtin.webhook: {host: 127.0.0.1, port: 5050, token: "{{ token }}"}
  filters:
    - o11y.opentelemetry.collector_alerts: {}
"""
FIRING = "firing"


def main(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an event for each alert of a collector; none for anything else."""
    payload = event.get("payload")
    alerts = payload.get("alerts") if isinstance(payload, dict) else None
    return list(_make_alert_events(alerts if isinstance(alerts, list) else []))


def _make_alert_events(alerts: list[Any]) -> Iterator[dict[str, Any]]:
    for alert in alerts:
        labels = alert.get("labels") if isinstance(alert, dict) else None
        if not isinstance(labels, dict) or alert.get("status") != FIRING:
            continue
        name, collector = labels.get("alertname"), labels.get("collector")
        if isinstance(name, str) and isinstance(collector, str):
            identity_parts = [labels.get("otel_host"), labels.get("namespace"), collector]
            yield {
                "name": name,
                "collector": "/".join(str(part or "") for part in identity_parts),
                "alert": {"status": FIRING, "labels": labels, "startsAt": alert.get("startsAt")},
            }
