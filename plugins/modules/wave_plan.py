#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of wave_plan; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wave_plan
short_description: Plan which clusters and hosts change in which wave
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site), in a play of all clusters and hosts of the run.
  - Fails before anything is changed if a host is in two waves or in none, if a group is unknown, and for a growth that
    shrinks or leaves hosts out.
  - Plans all hosts of the inventory, and then leaves out those that C(--limit) leaves out. So a limit moves no host to
    another wave.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing changes.}
options:
  waves:
    description:
      - A list of waves, each with C(name), C(members) and C(max_failed). The members are groups, hosts or patterns of
        the inventory. A wave without members has the hosts whose variable C(otel_wave) is its name.
      - Or a mapping with C(growth), a list of how many hosts have changed after each wave, such as
        C([1, 3, 25%, 100%]), and C(max_failed).
      - C(max_failed) is how many hosts of a wave may fail before later waves do not begin; 0 by default.
      - C(watch_seconds) is how long data of a wave is compared after its change, 40 seconds or more. C(without_data) is
        C(pass) or C(fail), what a wave without data does.
      - C(on_failure) is C(stop), C(roll_back_wave) or C(roll_back_all). C(approval) lets a person begin the wave.
    type: raw
    required: true
  until: {description: The last wave of this run. Empty runs all waves., type: str, default: ""}
  approved:
    description: Waves that a person has approved. They begin without a question.
    type: list
    elements: str
    default: []
  layout:
    description:
      - Whether to return only C(wave_of), for each host of the inventory. Then nobody is asked to approve a wave, and
        hosts that failed before do not count.
      - With C(growth), no host has a wave, since a new host would move others to another wave.
    type: bool
    default: false
seealso:
  - module: o11y.opentelemetry.wave_gate
"""

EXAMPLES = r"""
- name: Plan the waves
  o11y.opentelemetry.wave_plan:
    waves:
      - {name: staging, members: [staging]}
      - {name: production, members: ["all:!staging"], max_failed: 1}
  run_once: true
  register: planned
"""

RETURN = r"""
hosts:
  description: Hosts that change, in the order of their waves.
  returned: without layout
  type: list
  elements: str
sizes: {description: How many hosts each wave changes., returned: without layout, type: list, elements: int}
wave_of: {description: The wave of each host that changes., returned: success, type: dict}
waves:
  description: The waves of this run.
  returned: without layout
  type: list
  elements: dict
  contains:
    name: {description: Name of the wave., type: str, returned: always}
    lost: {description: Hosts that failed before the first wave., type: list, elements: str, returned: always}
    max_failed: {description: How many hosts may fail., type: int, returned: always}
    watch_seconds: {description: "How long its data is compared, 0 for not at all.", type: float, returned: always}
    without_data: {description: What it does without data., type: str, returned: always}
    on_failure: {description: What becomes of its hosts if it fails., type: str, returned: always}
    keeps: {description: Whether its members keep what they would go back to., type: bool, returned: always}
    goes_back: {description: Waves whose members go back if it fails., type: list, elements: str, returned: always}
    settles: {description: Waves whose changes stay once it passed., type: list, elements: str, returned: always}
    approval: {description: Whether a person has to let it begin., type: bool, returned: always}
    behind:
      description:
        - Which C(hosts) and C(clusters) have collectors that get data of the wave, their names, and the order in which
          they are read.
      type: dict
      returned: always
    rest: {description: Hosts that have not changed then., type: list, elements: str, returned: always}
samples: {description: Hosts whose collectors can be read., returned: without layout, type: list, elements: str}
tolerant_end:
  description: The last wave, if hosts of the run may fail. After it, the run tells those that failed.
  returned: without layout
  type: str
ends_alone:
  description: Whether no wave is watched or goes back, so that its end needs none of its members.
  returned: without layout
  type: bool
by: {description: Who runs the playbook., returned: without layout, type: str}
summary: {description: A line for each wave., returned: without layout, type: list, elements: str}
"""
