#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of host_removal_plan; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_removal_plan
short_description: Plan in which order collectors of Linux hosts are removed
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.remove), in a play of all hosts of the run.
  - A collector that is removed while others still send to it leaves them with data that nobody takes. So those that
    send are removed first. Who sends to whom follows from the inventory, from groups and from plain endpoints.
  - Collectors that send to each other in a circle, and collectors of hosts whose configs cannot be composed, have no
    order.
  - The task fails if C(otel_hosts) is empty, which Ansible takes for all hosts.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: Nothing changes.}
options: {}
seealso:
  - module: o11y.opentelemetry.host_apply
"""

EXAMPLES = r"""
- name: Plan the removal
  o11y.opentelemetry.host_removal_plan:
  run_once: true
  register: planned
"""

RETURN = r"""
stages:
  description:
    - The numbers of the stages, from 0. The playbook removes the collectors of one stage on all hosts before it begins
      the next one, by O(o11y.opentelemetry.host_apply#module:stage).
  returned: success
  type: list
  elements: int
  sample: [0, 1]
receivers:
  description:
    - For each host its collectors that get data of others, each with its C(stage) and with C(senders), the other hosts
      that send to it. Every other collector is of stage 0.
  returned: success
  type: dict
  sample: {web9: {gateway: {stage: 1, senders: [web1, web2]}}}
"""
