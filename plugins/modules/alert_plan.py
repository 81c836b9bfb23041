#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of alert_plan; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alert_plan
short_description: Decide what is done about an alert of a collector
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.alert), in a play of all clusters and hosts.
  - Reads the alert from the event C(ansible_eda.event), which the rulebook C(o11y.opentelemetry.collector_alerts) makes
    of what Alertmanager sends. Its texts come from the network. No template in them is rendered, and hosts and
    collectors are those of the inventory alone.
  - The label C(otel_host) of the alert names the host of the inventory. An inventory of one host needs no label.
  - Fails for an alert of a host or a collector that the inventory does not have.
  - If a run changes the fleet in waves, and a bad change can cause the alert, no other wave of the run begins.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing of a collector changes.}
options:
  path:
    description: The folder on the controller in which runs and alerts note what they do.
    type: str
    required: true
seealso:
  - module: o11y.opentelemetry.alert_keep
  - module: o11y.opentelemetry.wave_stop
"""

EXAMPLES = r"""
- name: Decide what is done about the alert
  o11y.opentelemetry.alert_plan:
    path: /var/lib/otel-alerts
  run_once: true
  register: planned
"""

RETURN = r"""
alert: {description: The name of the alert., returned: success, type: str}
host: {description: The host of the inventory., returned: success, type: str}
collector: {description: The name of the collector., returned: success, type: str}
only:
  description: The collector as a diagnosis takes its name.
  returned: success
  type: list
  elements: str
began: {description: "When the alert began to fire, in seconds of Unix.", returned: success, type: float}
change_seconds: {description: How long before it a change may have been made., returned: success, type: float}
clusters: {description: "The host, if it is a cluster.", returned: success, type: list, elements: str}
linux: {description: "The host, if it is a Linux host.", returned: success, type: list, elements: str}
diagnoses: {description: Whether the collector is diagnosed., returned: success, type: bool}
goes_back: {description: Whether its last change may be undone., returned: success, type: bool}
stops_waves: {description: Whether a run of waves is stopped., returned: success, type: bool}
told: {description: What is done and why., returned: success, type: list, elements: str}
"""
