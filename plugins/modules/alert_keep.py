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
  - Called by the playbook C(o11y.opentelemetry.alert), after the diagnosis and the way back.
  - Writes C(alerts/HOST/COLLECTOR/TIME-ALERT.json) with the alert, what was done and why, and the diagnosis. The newest
    20 files of a collector stay.
  - Fails if the host did not answer, or if the diagnosis or the way back failed. The file says so too.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Returns no difference.}
options:
  path:
    description: The folder on the controller in which runs and alerts note what they do.
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
path: {description: "The file, or nothing in check mode.", returned: success, type: str}
told:
  description: What was done and why, and the verdict of the diagnosis.
  returned: always
  type: list
  elements: str
"""
