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
  - Called by the playbook C(o11y.opentelemetry.alert), in a play of all clusters and hosts. The playbook then diagnoses
    the collector, undoes its last change, or does both, as the result of this module says.
  - Reads the alert from the event C(ansible_eda.event), which the rulebook C(o11y.opentelemetry.collector_alerts) makes
    of what Alertmanager sends. Its texts come from the network. No template in them is rendered, and hosts and
    collectors are those of the inventory alone.
  - The label C(otel_host) of the alert names the host of the inventory. An inventory of one host needs no label.
  - Fails for an alert of a host or a collector that the inventory does not have.
  - If a run changes the fleet in waves, and a bad change can cause the alert, no other wave of the run begins. For
    this, the module leaves the alert in the folder O(path), where M(o11y.opentelemetry.wave_stop) finds it.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing of a collector changes.}
options:
  path:
    description:
      - The folder on the controller in which runs write which hosts they change, and this module which alerts came.
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
alert: {description: The name of the alert., returned: success, type: str, sample: OtelCollectorExportFailed}
host: {description: The host of the inventory that the alert is about., returned: success, type: str, sample: web1}
collector: {description: The name of the collector., returned: success, type: str, sample: agent}
only:
  description:
    - The same collector, in the form that option C(only) of M(o11y.opentelemetry.collector_diagnose) and
      M(o11y.opentelemetry.host_diagnose) takes. It is C(NAME) on a Linux host, and C(NAMESPACE/NAME) in a cluster.
  returned: success
  type: list
  elements: str
  sample: [agent]
began:
  description: When the alert began to fire, in seconds since 1970.
  returned: success
  type: float
  sample: 1767225600.0
change_seconds:
  description: How many seconds before the alert a change may have been made, so that the alert can be about it.
  returned: success
  type: float
  sample: 3600.0
clusters:
  description: The host as a list, if it stands for a cluster; otherwise empty.
  returned: success
  type: list
  elements: str
  sample: []
linux:
  description: The host as a list, if it is a Linux host; otherwise empty.
  returned: success
  type: list
  elements: str
  sample: [web1]
diagnoses:
  description: Whether the collector is to be diagnosed. It is not while a run changes its host.
  returned: success
  type: bool
  sample: true
goes_back:
  description:
    - Whether the last change of the collector may be undone. It needs a Linux host whose variable
      C(otel_alert_goes_back) is true, an alert that a bad change can cause, and no run that changes the fleet in waves.
  returned: success
  type: bool
  sample: false
stops_waves:
  description: Whether runs that change the fleet in waves begin no other wave because of this alert.
  returned: success
  type: bool
  sample: false
told:
  description: Lines for people that say what the alert is, what is done about it, and why something is not done.
  returned: success
  type: list
  elements: str
  sample:
    - "OtelCollectorExportFailed of collector agent on web1 since 2026-01-01T00:00:00Z."
    - "Nothing goes back, since otel_alert_goes_back is not true for web1."
"""
