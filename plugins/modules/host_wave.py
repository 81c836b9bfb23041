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
    have not changed yet. A wave is a group of clusters and hosts that a run changes together. Module
    M(o11y.opentelemetry.wave_gate) compares what this module returns of them.
  - With C(forecast_limits), it is called for hosts whose collectors may change.
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
    release:
      description: The release in use, which is the folder of one change, by its number.
      type: str
      returned: always
    written:
      description:
        - When the release was written, in nanoseconds of Unix by the clock of the host, as module
          M(o11y.opentelemetry.host_apply) returns it.
      type: str
      returned: always
    sum:
      description:
        - A checksum of the files of the release, without credentials. A number may return after its release was
          removed, so only both together name a release.
      type: str
      returned: always
    passed:
      description: The C(wave) that this release has passed, C(by) whom, the C(verdict) and C(when); empty if none.
      type: dict
      returned: always
    config: {description: "Its config, with secrets masked.", type: dict, returned: always}
    program: {description: The path of its program on the host., type: str, returned: always}
    polls:
      description:
        - The readings in their order. C(at) is the time in seconds since 1970, and the only item of C(pods) has what
          the service counted, its restarts, and C(why) it could not be read.
      type: list
      elements: dict
      returned: always
watched:
  description: V(true) if the collectors were read for a time, and not only once.
  returned: when O(seconds) is above 0
  type: bool
unread: {description: Why the host could not be read., returned: when it could not be read, type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_wave import ARGUMENTS, run_wave


def main() -> None:
    run_wave(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
