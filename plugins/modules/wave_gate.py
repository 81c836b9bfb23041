#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of wave_gate; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wave_gate
short_description: Decide whether the next wave of clusters and hosts begins
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site) after each wave.
  - Fails if more hosts of the wave failed than its C(max_failed). As the task runs once for the wave, this ends the
    play, and no later wave begins.
  - With C(watch_seconds) it also fails if collectors of the wave do worse with the change, by the checks of a canary,
    than before it, and than collectors of the same name that have not changed. RV(msg) says how they were judged.
  - It fails too if that is so of the collectors of other hosts and clusters that get data of the wave.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing changes.}
options:
  plan: {description: The result of M(o11y.opentelemetry.wave_plan)., type: dict, required: true}
  wave: {description: Name of the wave that has ended., type: str, required: true}
  failed:
    description:
      - Why the wave failed. With it, the module fails once more, and says what became of each host that went back.
    type: str
    default: ""
  ends:
    description:
      - Whether all waves have ended and their changes stay. With it, the module fails if any host of the run failed,
        although its wave passed, so that the run does not end green.
    type: bool
    default: false
seealso:
  - module: o11y.opentelemetry.wave_plan
"""

EXAMPLES = r"""
- name: Decide whether the wave passed
  o11y.opentelemetry.wave_gate:
    plan: "{{ planned }}"
    wave: "{{ planned.wave_of[inventory_hostname] }}"
  run_once: true
"""

RETURN = r"""
shares:
  description:
    - What each host of the wave brings back if it failed, or lets stay if it passed. C(services) are those of Linux
      hosts, with their releases, and those that ran before. C(clusters) are named.
    - A host does its own, and a share of those of earlier waves.
  returned: when the wave was judged
  type: dict
passed:
  description: The collectors of each host that were judged by data, with the release and the sum of its files.
  returned: when the wave passed
  type: dict
would_change:
  description: What the members of the wave would change. Members with equal differences are one group.
  returned: in check mode, when the wave passed
  type: list
  elements: str
msg:
  description: How many hosts the wave has, on how many the collectors changed, and which hosts failed with the reason.
  returned: always
  type: str
  sample: "Wave staging passed: 2 hosts, collectors changed on 1 (dev)."
"""
