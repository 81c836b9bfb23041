#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the collectors of a Linux host count while their wave is watched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_wave
short_description: Read what the collectors of a Linux host count while their wave is watched
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site) for hosts of a wave with C(watch_seconds), and for some hosts that
    have not changed yet. With C(forecast_limits), it is called for hosts whose collectors may change.
  - Reads the own metrics and the restarts of all collectors that this collection has made on the host, several times.
  - With O(passed) it notes in C(/etc/otelcol/NAME/waves.json) that releases have passed their wave, if they are still
    in use. A release that has passed is not watched again. A note that fails is a warning.
  - A host that cannot be read does not fail the task. RV(unread) says why.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._host, o11y.opentelemetry._wave]
attributes:
  diff_mode: {support: none}
seealso:
  - module: o11y.opentelemetry.wave_gate
  - module: o11y.opentelemetry.collector_wave
"""

EXAMPLES = r"""
- name: Read what the collectors count for a minute
  o11y.opentelemetry.host_wave:
    seconds: 60
  become: true
  register: watched
"""

RETURN = r"""
collectors:
  description: The collectors of the host.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str, returned: always}
    release: {description: The release in use., type: str, returned: always}
    sum: {description: "The sum of its files, without credentials.", type: str, returned: always}
    passed: {description: "The wave that this release has passed, or nothing.", type: dict, returned: always}
    config: {description: "Its config, with secrets masked.", type: dict, returned: always}
    program: {description: The path of its program on the host., type: str, returned: always}
    polls: {description: "What it counted, reading by reading.", type: list, elements: dict, returned: always}
watched: {description: Whether it was read for a while., returned: when it was, type: bool}
unread: {description: Why the host could not be read., returned: when it could not, type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_wave import ARGUMENTS, run_wave


def main() -> None:
    run_wave(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
