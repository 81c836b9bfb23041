#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what collectors of a cluster count while their wave is watched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_wave
short_description: Read what collectors of a cluster count while their wave is watched
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site) for clusters of a wave with C(watch_seconds), and for some
    clusters that have not changed yet. A wave is a group of clusters and hosts that a run changes together. Module
    M(o11y.opentelemetry.wave_gate) compares what this module returns of them.
  - Reads the own metrics and the restarts of the pods, several times, through the API server. Of each collector, at
    most ten pods are read, those of its newest revision. A sidecar is not read; its pods belong to applications.
  - With O(passed) it notes in the ConfigMap C(NAME-wave) beside each collector that its release has passed a wave, if
    the same pods still run. A release that has passed is not watched again. A note that fails is a warning.
  - A cluster that cannot be read does not fail the task. RV(unread) says why.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster, o11y.opentelemetry._wave]
options:
  collectors:
    description:
      - Collectors from RV(o11y.opentelemetry.otel_render#module:workloads). Those that do not run are left out.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name of the workload or of the custom resource., type: str, required: true}
      kind: {description: The kind. By default a custom resource takes precedence over a workload., type: str}
  applied:
    description:
      - The objects that a run applied, RV(o11y.opentelemetry.bundle_apply#module:objects). A collector that another run
        has applied since is in RV(taken), and is not read.
    type: list
    elements: dict
    default: []
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.wave_gate
  - module: o11y.opentelemetry.host_wave
"""

EXAMPLES = r"""
- name: Read what the collectors count for a minute
  o11y.opentelemetry.collector_wave:
    collectors: "{{ otel_collector_rendered.workloads }}"
    seconds: 60
  register: watched
"""

RETURN = r"""
collectors:
  description: The collectors that run.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: "The collector, as C(NAMESPACE/NAME).", type: str, returned: always}
    release:
      description: A checksum of the template of its pods. Another config, image or setting gives another one.
      type: str
      returned: always
    sum:
      description: The same checksum. M(o11y.opentelemetry.host_wave) has both keys, and they differ there.
      type: str
      returned: always
    passed:
      description: The C(wave) that this release has passed, C(by) whom, the C(verdict) and C(when); empty if none.
      type: dict
      returned: always
    config: {description: "Its config, with secrets masked.", type: dict, returned: always}
    polls:
      description:
        - The readings in their order. C(at) is the time in seconds since 1970, and C(pods) has what each pod counted,
          its restarts, and C(why) it could not be read.
      type: list
      elements: dict
      returned: always
  sample:
    - name: obs/gateway
      release: 3f2a9c0b1d4e5f60
      sum: 3f2a9c0b1d4e5f60
      passed: {}
      config: {receivers: {otlp: {protocols: {grpc: {}}}}}
      polls:
        - at: 1769860800.0
          pods:
            - pod: gateway-0
              restarts: 0
              oom: false
              memory_limit: 536870912
              why: ""
              counts: [[receiver_accepted, otlp, traces, 7]]
taken:
  description: The collectors that another run has applied since this run did. They have no readings.
  returned: when collectors were read
  type: list
  elements: str
  sample: [obs/agent]
unseen:
  description: The collectors whose workload could not be read, such as for a missing right. They have no readings.
  returned: when collectors were read
  type: list
  elements: dict
  contains:
    name: {description: "The collector, as C(NAMESPACE/NAME).", type: str, returned: always}
    why: {description: "What could not be read, and why.", type: str, returned: always}
watched:
  description: V(true) if the collectors were read for a time, and not only once.
  returned: when O(seconds) is above 0
  type: bool
unread: {description: Why the cluster could not be read., returned: when it could not be read, type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.live.collector_wave import (
    ARGUMENTS,
    run_collector_wave,
)


def main() -> None:
    run_collector_wave(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
