#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of alert_keep; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alert_keep
short_description: Keep what was found out about an alert of a collector
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.alert) at its end, when the collector was diagnosed, and when its last
    change was undone if that was planned.
  - Writes C(alerts/HOST/COLLECTOR/TIME-ALERT.json) with the alert, what was done and why, and the diagnosis. The newest
    20 files of a collector stay.
  - Fails if the host did not answer, or if the diagnosis or the undo of the change failed. The file says so too.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Returns no difference.}
options:
  path:
    description:
      - The folder on the controller below which the file is written, as in
        O(o11y.opentelemetry.alert_plan#module:path).
    type: str
    required: true
  plan: {description: The result of M(o11y.opentelemetry.alert_plan)., type: dict, required: true}
seealso:
  - module: o11y.opentelemetry.alert_plan
"""

EXAMPLES = r"""
- name: Keep what was found out
  o11y.opentelemetry.alert_keep:
    path: /var/lib/otel-alerts
    plan: "{{ planned }}"
"""

RETURN = r"""
path:
  description: The path of the file. It is empty in check mode, which writes none.
  returned: success
  type: str
  sample: /var/lib/otel-alerts/alerts/web1/agent/2026-01-01T000500Z-OtelCollectorExportFailed.json
told:
  description: Lines for people that say what was done and why, and then the verdict of the diagnosis.
  returned: always
  type: list
  elements: str
"""
