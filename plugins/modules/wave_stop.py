#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of wave_stop; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wave_stop
short_description: Begin no wave after an alert
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site) before each wave, if the inventory sets C(otel_alert_path). A wave
    is a group of hosts that the run changes together, see M(o11y.opentelemetry.wave_plan).
  - Fails if an alert has come since the run began, which M(o11y.opentelemetry.alert_plan) has left in the folder
    O(path). As the task runs once for the wave, this ends the play, and neither this wave nor a later one begins.
  - An alert that came before the run is a warning in the first wave of the run, and stops nothing.
  - Writes to O(path) which hosts the run changes. While it does, an alert about one of them causes no diagnosis and no
    undo, since the run itself judges its change.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  check_mode: {details: The playbook does not call it in check mode., support: none}
  diff_mode: {details: Nothing of a collector changes.}
options:
  path:
    description: The folder on the controller in which runs write which hosts they change, and alerts are left.
    type: str
    required: true
  plan: {description: The result of M(o11y.opentelemetry.wave_plan)., type: dict, required: true}
  wave: {description: Name of the wave that begins., type: str, required: true}
seealso:
  - module: o11y.opentelemetry.wave_plan
  - module: o11y.opentelemetry.alert_plan
"""

EXAMPLES = r"""
- name: Begin no wave after an alert
  o11y.opentelemetry.wave_stop:
    path: /var/lib/otel-alerts
    plan: "{{ planned }}"
    wave: "{{ planned.wave_of[inventory_hostname] }}"
  run_once: true
"""

RETURN = r"""
msg:
  description: That no alert stops the wave.
  returned: success
  type: str
  sample: No alert stops wave canary.
"""
