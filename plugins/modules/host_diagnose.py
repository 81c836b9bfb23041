#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain why no data arrives from collectors of a Linux host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_diagnose
short_description: Explain why no data arrives from collectors of a Linux host
version_added: 1.1.0
description:
  - Looks at collectors that run as services of systemd on a Linux host, and says what keeps data from arriving,
    causes first.
  - Reads the state of each service, its release, its journal, its sockets, its own metrics, and the files, certificates
    and peers that its config names. One call of the host answers for all its collectors.
  - Changes nothing on the host. With O(send) it sends a span, a data point and a log record into each collector that
    has an OTLP receiver over HTTP, and checks that they are counted in and out; they reach your backends too.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._host
  - o11y.opentelemetry._host.bundles
  - o11y.opentelemetry._controller.diagnosis
attributes:
  check_mode: {details: Sends nothing.}
  diff_mode: {support: none}
options:
  collectors:
    description:
      - The same collectors with their configs, as RV(o11y.opentelemetry.host_render#module:collectors) returns them.
      - The action plugin reads them, and sends an empty list to the host.
    type: list
    elements: dict
    required: true
  questions:
    description: What to look at for each collector. The action plugin sets it from the configs.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The name of the collector., type: str, required: true}
      files:
        description: The files that its receivers read.
        type: list
        elements: dict
        default: []
        suboptions:
          about: {description: The path of the receiver in the config., type: str, required: true}
          pattern: {description: The pattern of the files., type: str, required: true}
      certificates:
        description: The certificates and keys that its config names.
        type: list
        elements: dict
        default: []
        suboptions:
          about: {description: The path of the component in the config., type: str, required: true}
          path: {description: The file on the host., type: str, required: true}
      peers:
        description: The servers that its config names.
        type: list
        elements: dict
        default: []
        suboptions:
          about: {description: The path of the component in the config., type: str, required: true}
          host: {description: The name or address of the server., type: str, required: true}
          port: {description: The port of the server., type: int}
      journals:
        description: The receivers that read the journal.
        type: list
        elements: str
        default: []
      url:
        description: The URL of its OTLP receiver over HTTP, for test data. Without it none is sent.
        type: str
        default: ""
      signals:
        description: The signals that test data has.
        type: list
        elements: str
        choices: [traces, metrics, logs]
        default: []
      timeout_seconds: {description: How long to wait for the test data., type: float, default: 30}
      failed_spans:
        description: Whether the span of the test data has failed, so that a sampler keeps it.
        type: bool
        default: false
  send:
    description:
      - Whether to send test data. The task then fails if not all of it arrives or if there is no collector, and counts
        a release that differs from the inventory, and a queue that is nearly full, as errors.
    type: bool
    default: false
  window_seconds: {description: How long to watch the collector's own metrics., type: float, default: 10}
  log_seconds: {description: How many last seconds of the journal to read., type: int, default: 600}
  log_lines: {description: How many last lines of the journal to read., type: int, default: 1000}
seealso:
  - module: o11y.opentelemetry.collector_diagnose
  - module: o11y.opentelemetry.host_apply
"""

EXAMPLES = r"""
- name: Render the collectors of the host
  o11y.opentelemetry.host_render:
    collectors: "{{ otel_host_collectors }}"
  register: rendered

- name: Explain why no data arrives
  o11y.opentelemetry.host_diagnose:
    bundles: "{{ rendered.bundles }}"
    collectors: "{{ rendered.collectors }}"
  become: true
"""

RETURN = r"""
msg: {description: "The verdict, line by line; or why the task fails.", returned: success, type: str}
verdict:
  description: At most four lines for each collector, the main cause first.
  returned: success
  type: list
  elements: str
  sample:
    - "web1/agent: the service does not run (failed, exit-code, status 1): port 4317/tcp is in use by process 81 (nc)
      → Stop it, or change the port."
told:
  description:
    - What a playbook shows while the run goes on. First come the lines for which the task fails, and then, with
      O(send), those about test data that arrived.
  returned: success
  type: list
  elements: str
passed:
  description: V(false) if the task fails. A task with C(failed_when=false) tells by it whether it would have failed.
  returned: success
  type: bool
unlisted:
  description: The names of collectors of this collection on the host that O(bundles) does not have.
  returned: success
  type: list
  elements: str
  sample: [old-agent]
healthy:
  description: Whether all collectors are healthy. It is V(false) without a collector.
  returned: success
  type: bool
tested:
  description: With O(send), where test data of each collector was seen, or why none was sent.
  returned: success
  type: list
  elements: str
report: {description: "The verdict, followed by all details, as text.", returned: success, type: str}
failing:
  description: The lines of RV(verdict) about collectors with an error.
  returned: success
  type: list
  elements: str
collectors:
  description: The results of each collector.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    namespace: {description: The host in the inventory., type: str}
    kind: {description: "V(service).", type: str}
    release: {description: The release that is in use., type: str}
    differs:
      description: The files of that release that differ from the inventory, by their paths in it.
      type: list
      elements: str
    restarts: {description: How often systemd has started it again., type: int}
    wave: {description: "The C(wave) that this release has passed, its C(verdict), C(by) whom and C(when).", type: dict}
    status: {description: "V(healthy), V(warning), V(error), or V(unknown) without data about the flow.", type: str}
    verdict: {description: Its lines of the verdict., type: list, elements: str}
    problems:
      description: The problems, causes first, each with id, stage, severity, about, message and fix.
      type: list
      elements: dict
    receives: {description: "Received data by signal and receiver.", type: list, elements: dict}
    exports: {description: "Sent data by signal and exporter.", type: list, elements: dict}
    unseen: {description: "Facts that could not be read, and why.", type: list, elements: dict}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_question import ARGUMENTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.diagnose_task import (
    run_host_diagnosis,
)

# What the controller answers. The host gets no configs.
CONTROLLER_ARGUMENTS = {
    "collectors": {"type": "list", "elements": "dict", "required": True},
    "fail_on": {"choices": ["error", "warning", "never"], "default": "never"},
    "only": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    run_host_diagnosis(AnsibleModule(argument_spec={**ARGUMENTS, **CONTROLLER_ARGUMENTS}, supports_check_mode=True))


if __name__ == "__main__":
    main()
