#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until another tool has applied what manifests say."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sync_wait
short_description: Wait until another tool has applied what manifests say
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.judge), after Argo CD or Flux has got new files.
  - Waits until each workload and OpenTelemetryCollector has the image, command, arguments, variables, volumes and
    config of its manifest. Other fields, such as quantities, are not compared.
  - Reads, and writes nothing. M(o11y.opentelemetry.rollout_wait) waits until the workloads are rolled out.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Looks once, without waiting."}
options:
  manifests:
    description: The objects of the files. Those that run no pods are left out.
    type: list
    elements: dict
    required: true
  timeout_seconds: {description: How long to wait., type: float, default: 300}
seealso:
  - module: o11y.opentelemetry.rollout_wait
  - module: o11y.opentelemetry.collector_judge
"""

EXAMPLES = r"""
- name: Wait until the collectors of the inventory are synced
  o11y.opentelemetry.sync_wait:
    manifests: "{{ otel_collector_rendered.manifests }}"
"""

RETURN = r"""
msg: {description: How many workloads are synced., returned: success, type: str, sample: "2 synced"}
seconds: {description: How long that took., returned: success, type: float, sample: 12.5}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.live.sync_wait import ARGUMENTS, run_sync_wait
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_sync_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
