#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a collector on a Linux host as a service of systemd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_apply
short_description: Run a collector on a Linux host as a service
version_added: 1.1.0
description:
  - Installs, changes or removes a collector that runs on a Linux host as a service of systemd.
  - Runs on the host, as root, with nothing but the standard library of Python.
  - Reads everything first. Without root, without systemd 247 or newer, with a unit, folder or link of another owner,
    without space, with a program of another architecture or sum, with a port that another process has, or with a wrong
    clock, it fails before it writes anything, and says all that it found.
  - Writes each change into a new folder below C(/etc/otelcol/NAME/releases). The program checks the new config in the
    sandbox of its unit, with its credentials, while the earlier process runs on. Then one link is switched.
  - If only the config differs, the process reads it again by SIGHUP and keeps its id. Otherwise it is restarted.
  - Waits until the collector runs, listens and is healthy, and compares its own metrics with those before. If the new
    release fails, the earlier one runs again, and the task fails with the reason and the lines of the journal.
  - While a collector changes, C(change.json) records the step. If a run is killed, the next one completes or undoes the
    change.
  - A release is the folder of one change, with a number such as V(000002) as its name. The last releases stay on the
    host, so that a change can be undone.
  - A wave is a group of hosts that the playbook C(o11y.opentelemetry.site) changes together. Its gate, which is module
    M(o11y.opentelemetry.wave_gate), decides afterwards whether the change stays on all of them or is undone. Without
    waves, a change is final when the task ends, and O(awaits_wave) and O(state=settled) are not needed.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._host, o11y.opentelemetry._host.bundle]
options:
  state:
    description:
      - With V(present) the collector is installed or changed, and runs.
      - With V(absent) the collector is removed, with its releases, unit, links and state folder, and with programs that
        no other collector uses. What was there before the first install stays.
      - With V(earlier) the collector goes back to O(release), and release O(undoes) is removed. If another release is
        in use, the task fails and changes nothing. What runs made for services that send to the collector stays.
      - With V(settled) the last change becomes final. The collector stays as it is, and the note that O(awaits_wave)
        has made is removed. If another release than O(undoes) is in use, another run has deployed it, and the note
        stays.
    type: str
    choices: [present, absent, earlier, settled]
    default: present
  awaits_wave:
    description:
      - Whether the gate of a wave decides later whether a change stays. Until O(state=settled) or O(state=earlier), the
        host notes what the change goes back to, so that a run can undo the change of one that was killed.
    type: bool
    default: false
  differences:
    description:
      - Whether to return what differs as RV(differences), for a task that shows equal differences of hosts once. Then
        the task itself shows none.
    type: bool
    default: false
  release:
    description:
      - The release that ran before, such as RV(earlier) of an earlier task. The word V(nothing) undoes a first install,
        and so removes the collector with its state. Required with O(state=earlier).
    type: str
  undoes:
    description:
      - The release that is undone, such as RV(release) of the same task. Required with O(state=earlier).
      - With O(state=settled), the release that stays. Without it, any release stays.
    type: str
  written:
    description:
      - When release O(undoes) was written, such as RV(written) of the same task. The numbers of releases begin anew
        after a collector was removed, so a later release may have the same number. Such a release counts as another
        one. Without this option, the number alone counts.
    type: str
  listed:
    description:
      - The names of all collectors that the inventory lists for the host. A collector that is on the host, was made by
        this collection and is not listed is named in a warning, with the command that removes it. Nothing removes it
        without being asked to. Without this option, the module does not look for such collectors.
    type: list
    elements: str
  discard_unsent:
    description:
      - Whether O(state=absent) may lose what a queue on the disk has not sent. Without this consent, the removal waits
        10 seconds for the queue to be empty. Then it fails and says how much is left, and the collector runs on.
    type: bool
    default: false
  stage:
    description:
      - With O(state=absent), the stage of the removal that runs now. Collectors are removed in stages, those that send
        before those that receive, so that no data is lost. M(o11y.opentelemetry.host_removal_plan) returns the stages.
      - A collector of another stage is left as it is, and its host is not contacted. Without this option, every
        collector is removed.
    type: int
  receivers:
    description:
      - With O(stage), the collectors of the host that get data of others, as module
        M(o11y.opentelemetry.host_removal_plan) returns them for it. A collector is not removed while a host that sends
        to it failed, unless O(discard_unsent) consents.
    type: dict
    default: {}
  controller_time:
    description:
      - The time of the controller, in seconds of Unix. The action plugin sets it. A host whose clock is more than 300
        seconds away is refused.
    type: float
seealso:
  - module: o11y.opentelemetry.bundle_apply
  - module: o11y.opentelemetry.host_check
"""

EXAMPLES = r"""
- name: Run a collector with the program of the host's own package
  o11y.opentelemetry.host_apply:
    bundle:
      name: agent
      program: {path: /usr/bin/otelcol-contrib}
      files:
        - path: config.yaml
          content: "{{ agent_config }}"
        - path: unit
          content: |
            [Unit]
            Description=OpenTelemetry Collector agent
            [Service]
            ExecStart=@program@ --config=/etc/otelcol/agent/current/config.yaml
            DynamicUser=yes
            ProtectSystem=strict
            Restart=on-failure
            RestartSec=5
      ports:
        - {number: 4317, address: 127.0.0.1}
      metrics: http://127.0.0.1:8888/metrics
      watch_seconds: 60
  become: true

- name: Go back to the release that ran before
  o11y.opentelemetry.host_apply:
    bundle: {name: agent}
    state: earlier
    release: "000001"
    undoes: "000002"
    written: "1769860800123456789"
  become: true

- name: Remove it
  o11y.opentelemetry.host_apply:
    bundle: {name: agent}
    state: absent
  become: true
"""

RETURN = r"""
msg: {description: What was done., returned: always, type: str, sample: "agent: config.yaml changed by reload"}
release: {description: The release that runs., returned: with O(state=present), type: str, sample: "000002"}
written:
  description:
    - When RV(release) was written, in nanoseconds of Unix by the clock of the host. The number of a release may return
      after the collector was removed, so only both together name a release. It is empty in check mode if there is no
      release yet.
  returned: with O(state=present)
  type: str
  sample: "1769860800123456789"
earlier:
  description: The release that ran before. It is empty for a first install.
  returned: with O(state=present)
  type: str
  sample: "000001"
undecided:
  description:
    - The release to go back to if the wave fails, or V(nothing) after a first install. It is empty if no change waits
      for the gate of a wave.
    - If a service that sends to the collector fails after the collector changed, the result of the failed task has it
      too.
  returned: with O(state=present) and O(awaits_wave)
  type: str
  sample: "000001"
differences:
  description: What differs, in the form of Ansible's C(diff). Secrets are hidden.
  returned: with O(state=present) and O(differences)
  type: list
  elements: dict
  sample:
    - before_header: /etc/otelcol/agent/current/config.yaml
      after_header: /etc/otelcol/agent/current/config.yaml
      before: "receivers: {otlp: {}}"
      after: "receivers: {otlp: {}, host_metrics: {}}"
activation:
  description: How the service came to use the new release, V(start), V(reload), V(restart) or V(nothing).
  returned: with O(state=present)
  type: str
  sample: reload
changed_files:
  description: Files of the release that differ from those of the earlier release.
  returned: with O(state=present)
  type: list
  elements: str
  sample: [config.yaml]
notes:
  description: What else was done, such as to complete the change of a killed run. RV(msg) ends with it.
  returned: with O(state=present)
  type: list
  elements: str
  sample: ["judged by 20 readings in 60 s: exporters/otlp_grpc, receivers/otlp"]
unlisted:
  description: Collectors of this collection on the host that O(listed) does not name.
  returned: when there are any
  type: list
  elements: str
  sample: [old-agent]
journal:
  description: The lines of the journal that tell why the collector did not run.
  returned: when the new release failed, and the earlier one runs again
  type: list
  elements: str
  sample: ["Error: cannot start pipelines: listen tcp :4317: bind: address already in use"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_task import run_host
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_task_options import (
    ARGUMENTS,
    REQUIRED_IF,
)


def main() -> None:
    run_host(AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True))


if __name__ == "__main__":
    main()
