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
  - A wave is a group of hosts that a run changes together, before the next wave begins. Its members are Linux hosts,
    and hosts of the inventory that stand for clusters. After each wave, its gate, which is module
    M(o11y.opentelemetry.wave_gate), decides whether the next wave begins.
  - Called by the playbook C(o11y.opentelemetry.site), in a play of all clusters and hosts of the run. The playbook runs
    RV(hosts) in batches of RV(sizes), and passes the whole result to M(o11y.opentelemetry.wave_gate).
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
      - The waves in their order, in one of two forms.
      - A list of waves. Each has C(name), and C(members), which are groups, hosts or patterns of the inventory. A wave
        without C(members) has the hosts whose variable C(otel_wave) is its name.
      - Or a mapping with C(growth), a list of how many hosts have changed after each wave, such as
        C([1, 3, 25%, 100%]). The waves have the names C(wave-1), C(wave-2) and so on, and all have the same gate.
      - The following keys are about the gate of a wave. They stand in the entry of a wave, or beside C(growth).
      - C(max_failed) is how many hosts of the wave may fail before later waves do not begin. The default is C(0).
      - C(watch_seconds) is for how many seconds after the change the gate compares what the collectors count with what
        they counted before, and with what collectors of later waves count. It is 40 or more, and less than a day.
        Without it, nothing is compared.
      - C(without_data) is what becomes of a wave whose collectors have nothing to compare, V(pass) or V(fail). The
        default is V(pass).
      - C(on_failure) is what becomes of the changes if the wave fails. With V(stop) they stay, which is the default.
        With V(roll_back_wave) those of the wave are undone, and with V(roll_back_all) those of earlier waves too.
      - C(approval) is whether a person has to let the wave begin, by an answer on the terminal or by O(approved). The
        default is V(false).
    type: raw
    required: true
  until:
    description: The name of the last wave of this run. If it is empty, all waves run.
    type: str
    default: ""
  approved:
    description: The names of waves that a person has approved before the run. They begin without a question.
    type: list
    elements: str
    default: []
  layout:
    description:
      - Whether to return only RV(wave_of), for each host of the inventory. Then nobody is asked to approve a wave, and
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

# Of 8 hosts, 1 has changed after the first wave, 2 after the second and 8 after the third. A person lets each wave
# begin.
- name: Plan waves that grow, and undo all of them if one fails
  o11y.opentelemetry.wave_plan:
    waves:
      growth: [1, 25%, 100%]
      watch_seconds: 150
      on_failure: roll_back_all
      approval: true
    approved: [wave-1]
  run_once: true
  register: planned
"""

RETURN = r"""
hosts:
  description: The hosts that this run changes, in the order of their waves.
  returned: without O(layout)
  type: list
  elements: str
  sample: [web1, gw1, web2]
sizes:
  description: How many hosts each wave changes. A wave without hosts in this run has no number here.
  returned: without O(layout)
  type: list
  elements: int
  sample: [1, 2]
wave_of:
  description: The wave of each host that this run changes. With O(layout), the wave of each host of the inventory.
  returned: success
  type: dict
  sample: {web1: canary, gw1: all, web2: all}
waves:
  description: The waves of this run in their order, also those without hosts in this run.
  returned: without O(layout)
  type: list
  elements: dict
  contains:
    name: {description: The name of the wave., type: str, returned: always}
    lost:
      description:
        - The hosts of the wave that failed before the first wave began. This run does not change them, and they count
          as failed.
      type: list
      elements: str
      returned: always
    max_failed: {description: How many hosts of the wave may fail., type: int, returned: always}
    watch_seconds:
      description: For how many seconds the gate compares data after the change. It is 0 if the gate compares none.
      type: float
      returned: always
    without_data:
      description: What becomes of the wave if there is nothing to compare, V(pass) or V(fail).
      type: str
      returned: always
    on_failure:
      description: What becomes of changes if the wave fails, V(stop), V(roll_back_wave) or V(roll_back_all).
      type: str
      returned: always
    keeps:
      description: Whether the hosts of the wave keep what ran before, so that their change can be undone.
      type: bool
      returned: always
    goes_back:
      description: The names of the waves whose changes are undone if this wave fails.
      type: list
      elements: str
      returned: always
    settles:
      description:
        - The names of the waves whose changes become final once this wave has passed. Nothing can undo them after that,
          so their hosts drop what ran before.
      type: list
      elements: str
      returned: always
    approval:
      description: Whether a person is asked before the wave begins. It is V(false) for a wave of O(approved).
      type: bool
      returned: always
    behind:
      description:
        - Which collectors get data of collectors of the wave, such as the gateway of agents. The gate reads them too,
          since a change of the wave may harm only them.
        - C(hosts) is about those on Linux hosts, and C(clusters) about those in clusters. Each of the two has
          C(collectors), their names by host; C(before) and C(after), the hosts that are read before and after the
          change, in this order; and C(seconds), for how long each of C(after) is read.
        - C(left_out) has a line about collectors that are not read, if there are too many.
      type: dict
      returned: always
    rest:
      description:
        - Some Linux hosts of later waves. They have not changed while this wave is watched, so its collectors are
          compared with theirs. It is empty without C(watch_seconds).
      type: list
      elements: str
      returned: always
    rest_clusters:
      description: Some clusters of later waves, for the same purpose as C(rest).
      type: list
      elements: str
      returned: always
  sample:
    - name: canary
      lost: []
      max_failed: 0
      watch_seconds: 150
      without_data: pass
      on_failure: roll_back_all
      keeps: true
      goes_back: [canary]
      settles: []
      approval: false
      behind:
        hosts:
          collectors: {gw1: [gateway]}
          before: [gw1]
          after: [gw1, gw1, gw1]
          seconds: 50
        clusters: {collectors: {}, before: [], after: [], seconds: 150, targets: {}}
        left_out: []
      rest: [gw1, web2]
      rest_clusters: []
    - name: all
      lost: [web3]
      max_failed: 1
      watch_seconds: 0
      without_data: pass
      on_failure: roll_back_all
      keeps: true
      goes_back: [canary, all]
      settles: [canary, all]
      approval: true
      behind:
        hosts: {collectors: {}, before: [], after: [], seconds: 0}
        clusters: {collectors: {}, before: [], after: [], seconds: 0, targets: {}}
        left_out: []
      rest: []
      rest_clusters: []
samples:
  description:
    - The hosts whose collectors can be read while a wave is watched. They have not failed, and this run deploys
      collectors there.
  returned: without O(layout)
  type: list
  elements: str
  sample: [web1, gw1, web2]
tolerant_end:
  description:
    - The name of the last wave with hosts, if a wave has C(max_failed) above 0; otherwise empty. After that wave, the
      run fails with the names of the hosts that failed although their waves passed.
  returned: without O(layout)
  type: str
  sample: all
ends_alone:
  description:
    - Whether one host of each wave can run the tasks of its gate for all others. It is so if no wave is watched, and no
      change can be undone.
  returned: without O(layout)
  type: bool
  sample: false
by:
  description: The name of the user who runs the playbook, for the note of who let a wave pass.
  returned: without O(layout)
  type: str
  sample: alice
summary:
  description: The plan in lines for people. Each wave has one line or more.
  returned: without O(layout)
  type: list
  elements: str
  sample:
    - >-
      Wave canary (1 of 2): 1 host: web1. No host may fail. Its data is compared for 150 s. If it fails, its hosts and
      those of earlier waves go back.
    - >-
      Wave all (2 of 2): 2 hosts: gw1 and web2. 1 host may fail. If it fails, its hosts and those of earlier waves go
      back. A person lets it begin.
    - "  web3 failed before the first wave: not changed, and counted as failed."
"""
