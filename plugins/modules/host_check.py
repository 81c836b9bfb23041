#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what keeps collectors from running on a Linux host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Find what keeps collectors from running on a Linux host
version_added: 1.1.0
description:
  - Reads on the host what M(o11y.opentelemetry.host_apply) reads before it writes anything, for all collectors of the
    host in one call, and returns all faults. It writes nothing.
  - Finds a user that is not root, another init system, a systemd older than 247, a wrong clock, a file system without
    space, a program of another architecture or with another sum, a port that another process has, a unit, folder or
    link of another owner, and a credential that cannot be read.
  - The sum of a program that the host downloads is compared when it is installed.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._host, o11y.opentelemetry._host.bundles]
attributes:
  diff_mode: {description: "It changes nothing.", support: none}
options:
  controller_time:
    description:
      - The time of the controller, in seconds of Unix. The action plugin sets it. A clock that is more than 300 seconds
        away from it is a fault.
    type: float
seealso:
  - module: o11y.opentelemetry.host_apply
"""

EXAMPLES = r"""
- name: Find what keeps the collectors from running
  o11y.opentelemetry.host_check:
    bundles: "{{ otel_host_rendered.bundles }}"
  become: true
  register: checked
"""

RETURN = r"""
faults:
  description: All faults.
  returned: success
  type: list
  elements: dict
  contains:
    collector: {description: Name of the collector; empty for a fault of the host., type: str}
    message: {description: What is wrong and what to do., type: str}
report:
  description: The faults as lines for people.
  returned: success
  type: list
  elements: str
  sample: ["agent: error: port 4317/tcp is in use by process 7 (nginx). Stop it, or change the port."]
warned:
  description: What may keep a collector from running, such as SELinux; in the form of RV(faults).
  returned: success
  type: list
  elements: dict
unlisted:
  description: The names of collectors of this collection on the host that O(bundles) does not have.
  returned: success
  type: list
  elements: str
  sample: [old-agent]
architecture: {description: The architecture of the host., returned: success, type: str, sample: amd64}
awaiting:
  description: The collectors whose program the controller has to copy to the host.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.check_task import (
    ARGUMENTS,
    run_check,
)


def main() -> None:
    run_check(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
