#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find workloads with older sidecars, and restart workloads without an unavailable replica."""

from __future__ import annotations

DOCUMENTATION = r"""
module: workload_restart
short_description: Find workloads with older sidecars, and restart workloads without an unavailable replica
version_added: 1.0.0
description:
  - Finds workloads whose pods request one of O(sidecars) by the annotation C(sidecar.opentelemetry.io/inject), on the
    pod or its namespace, and have none, or one from before the last change of the OpenTelemetryCollector.
  - Names them in a warning, with the command that restarts them. Restarts none unless O(namespaces) or O(selector)
    selects it, because workloads may have other owners.
  - Restarts one workload after the other, as C(kubectl rollout restart) does, and waits for each. If its new pods do
    not become ready, the module restores the pod template, so that the old pods stay, and fails.
  - Leaves a workload alone, with the reason, if a replica could become unavailable. That is a bare pod, a StatefulSet,
    a DaemonSet without C(maxSurge), a Deployment with strategy C(Recreate), with C(maxSurge) 0 or whose
    C(maxUnavailable) is not zero for its replicas, and a workload that is paused or not fully available.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
options:
  sidecars:
    description: OpenTelemetryCollectors with mode sidecar.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name., type: str, required: true}
  workloads:
    description: More workloads to restart, such as those that M(o11y.opentelemetry.instrumentation_namespaces) returns.
    type: list
    elements: dict
    default: []
    suboptions:
      kind: {description: The kind., type: str, required: true}
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name., type: str, required: true}
      language: {description: The language of the missing instrumentation; not used., type: str}
  namespaces:
    description: Namespaces whose workloads may be restarted.
    type: list
    elements: str
    default: []
  selector:
    description: A label selector that workloads must match to be restarted, in O(namespaces) or without them in all.
    type: str
    default: ""
  timeout_seconds: {description: How long to wait for each workload., type: float, default: 300}
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Name workloads with an older sidecar
  o11y.opentelemetry.workload_restart:
    sidecars: [{namespace: shop, name: otel}]

- name: Restart them in one namespace
  o11y.opentelemetry.workload_restart:
    sidecars: [{namespace: shop, name: otel}]
    namespaces: [shop]
"""

RETURN = r"""
msg: {description: The counts., returned: always, type: str, sample: "2 found, 1 restarted"}
stale: {description: The workloads that were found., returned: success, type: list, elements: dict}
restarted: {description: The workloads that were restarted., returned: always, type: list, elements: dict}
left_alone:
  description: Selected workloads that were left alone, each with C(obstacle).
  returned: always
  type: list
  elements: dict
failures:
  description: Why new pods did not become ready, as M(o11y.opentelemetry.rollout_wait) returns it.
  returned: when a restart fails
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.restart import (
    ARGUMENTS,
    run_workload_restart,
)


def main() -> None:
    run_workload_restart(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
