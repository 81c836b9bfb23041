#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find whether an alert may be about the last change of a collector of a Linux host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_last_change
short_description: Find whether an alert may be about the last change of a collector of a Linux host
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.alert). Writes nothing.
  - The last change is undone if its release was written before the alert began, and not long before, and if the release
    that ran before it is kept. A release that is in use since a later one was undone has no change to undo, so an alert
    that goes on undoes one change alone.
  - Says so if a run changes collectors of the host now.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._host]
attributes:
  diff_mode: {details: Nothing changes.}
options:
  name: {description: The name of the collector., type: str, required: true}
  began: {description: "When the alert began to fire, in seconds of Unix.", type: float, required: true}
  change_seconds:
    description: How many seconds before the alert the release may have been written.
    type: float
    default: 3600
seealso:
  - module: o11y.opentelemetry.host_apply
  - module: o11y.opentelemetry.alert_plan
"""

EXAMPLES = r"""
- name: Find whether the alert may be about the last change
  o11y.opentelemetry.host_last_change:
    name: agent
    began: 1767225600
  become: true
  register: last_change

- name: Undo the change
  o11y.opentelemetry.host_apply:
    bundle: {name: agent}
    state: earlier
    release: "{{ last_change.earlier }}"
    undoes: "{{ last_change.release }}"
    written: "{{ last_change.written }}"
  when: last_change.goes_back
  become: true
"""

RETURN = r"""
msg:
  description: Why the last change is undone or not.
  returned: always
  type: str
  sample: release 000002 was written shortly before the alert began
release: {description: The release in use; empty if there is none., returned: success, type: str, sample: "000002"}
written:
  description: When it was written, in nanoseconds of Unix, for option C(written) of module host_apply; or empty.
  returned: success
  type: str
  sample: "1769860800123456789"
earlier:
  description: The release that ran before it; empty if the host has kept none.
  returned: success
  type: str
  sample: "000001"
goes_back: {description: Whether the last change is to be undone., returned: success, type: bool}
is_changing: {description: Whether a run changes collectors of the host now., returned: success, type: bool}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.last_change_task import (
    ARGUMENTS,
    run_last_change,
)


def main() -> None:
    run_last_change(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
