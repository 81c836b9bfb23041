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
  - A wave is a group of hosts that a run changes together. Module M(o11y.opentelemetry.wave_plan) divides the clusters
    and Linux hosts of a run into waves, and the playbook C(o11y.opentelemetry.site) calls this module after each wave.
  - Fails if more hosts of the wave failed than its C(max_failed). As the task runs once for the wave, this ends the
    play, and no later wave begins.
  - With C(watch_seconds) it also fails if collectors of the wave do worse with the change, by the checks of a canary,
    than before it, and than collectors of the same name that have not changed. RV(msg) says how they were judged.
  - It fails too if that is so of the collectors of other hosts and clusters that get data of the wave.
  - This module changes nothing. If it fails, the playbook undoes the changes that RV(shares) names, and then calls it
    again with O(failed). If it succeeds, the playbook makes them final.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing changes.}
options:
  plan: {description: The result of M(o11y.opentelemetry.wave_plan)., type: dict, required: true}
  wave: {description: Name of the wave that has ended., type: str, required: true}
  failed:
    description:
      - The message with which this module failed before. With it, the module fails once more, and its message also says
        what became of each host whose change was undone. Empty for the first call.
    type: str
    default: ""
  ends:
    description:
      - Whether this call is about the whole run, when all waves have passed and their changes are final. The module
        then fails if any host failed, even though C(max_failed) of its wave allowed that, so that the run does not
        succeed.
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

- name: Fail if a host failed, after the last wave
  o11y.opentelemetry.wave_gate:
    plan: "{{ planned }}"
    wave: "{{ planned.wave_of[inventory_hostname] }}"
    ends: true
  run_once: true
"""

RETURN = r"""
shares:
  description:
    - The work that is left for each host of the wave, by host. If the wave passed, it is to make changes final, which
      drops what ran before. If the wave failed, it is to undo changes.
    - A host does this for itself. What belongs to hosts of earlier waves is spread over the hosts of this wave, since
      Ansible runs tasks for one wave at a time.
    - C(services) are collectors of Linux hosts, each with its host as C(member), its C(name), the C(release) that ran
      before, and the release in use as C(undoes), with the time when it was C(written). C(clusters) are the names of
      clusters.
  returned: when the wave was judged
  type: dict
  sample:
    web1:
      services: [{member: web1, name: agent, release: "000006", undoes: "000007", written: "1769860800123456789"}]
      clusters: []
passed:
  description:
    - The collectors that passed by their data, by host. C(release) is the release that was judged, C(sum) a checksum
      of its files, and C(written) the time of its writing on a host. The playbook notes them on the hosts, so that
      later runs do not watch them again.
  returned: when the wave passed
  type: dict
  sample: {web1: [{name: agent, release: "000007", written: "1769860800123456789", sum: 1a2b3c4d}]}
would_change:
  description:
    - Lines that say what the hosts of the wave would change. Hosts whose changes are equal are one group, which is
      described once.
  returned: in check mode, when the wave passed
  type: list
  elements: str
  sample: ["2 clusters: eu and us", "  Deployment gateway", "  -replicas: 1", "  +replicas: 2"]
msg:
  description: How many hosts the wave has, on how many the collectors changed, and which hosts failed with the reason.
  returned: always
  type: str
  sample: "Wave staging passed: 2 hosts, collectors changed on 1 (dev)."
"""
