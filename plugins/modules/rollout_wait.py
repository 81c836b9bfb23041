#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until workloads are rolled out, or report at once why they cannot be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_wait
short_description: Wait until workloads are rolled out, or report at once why they cannot be
version_added: 1.0.0
description:
  - Waits for all workloads together, until the newest revision of each is complete and available.
  - Fails seconds after a pod of the newest revision cannot run (its image, configuration, memory, node, volume
    or container), with Kubernetes' reason, the end of the log, and the fix. Old pods do not count.
  - An OpenTelemetryCollector is ready when its operator has observed the newest generation, and its workload and target
    allocator are rolled out. A sidecar is ready when it is observed.
    The operator reports this from version 0.154 on; for earlier versions its objects show it.
  - A workload of an operator without a readiness probe must run for five seconds.
  - Waits for a Secret of a Certificate for as long as its issuer may take.
  - An API server that has answered before, and is lost or overloaded, is waited for as long as for the workloads.
  - After the timeout it reports the workloads that are not ready, with their conditions and last warnings.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait, because nothing was applied."}
options:
  workloads:
    description: The workloads to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: The kind, such as V(Deployment), V(DaemonSet), V(StatefulSet) or V(OpenTelemetryCollector).
        type: str
        required: true
      name: {description: The name., type: str, required: true}
      namespace: {description: "The namespace, for a namespaced kind.", type: str}
      api_version: {description: The version of the API; required for kinds unknown to this collection., type: str}
  timeout_seconds: {description: How long to wait., type: float, default: 300}
  unschedulable_seconds:
    description: How long a pod may lack a node before the task fails; no limit while an autoscaler adds one.
    type: float
    default: 15
  allow_empty: {description: Whether a DaemonSet that matches no node is ready., type: bool, default: false}
  applied:
    description:
      - The C(objects) that M(o11y.opentelemetry.bundle_apply) has returned. The task fails if another run has applied a
        workload since.
    type: list
    elements: dict
    default: []
  until:
    description:
      - By kind, a JMESPath expression that is true for a ready object. It adds a kind or replaces the built-in check.
        By default other kinds need a condition V(Ready) or V(Available) for their newest generation.
    type: dict
    default: {}
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Wait for the agents and the gateway
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: DaemonSet, namespace: observability, name: agent}
      - {kind: Deployment, namespace: observability, name: gateway}
    timeout_seconds: 180

- name: Wait for the workload of a custom resource
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: OpenTelemetryCollector, namespace: observability, name: gateway}

- name: Wait for another kind
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: Kafka, api_version: kafka.strimzi.io/v1, namespace: queue, name: spans}
    until:
      Kafka: "status.conditions[?type=='Ready'] | [0].status == 'True'"
"""

RETURN = r"""
msg: {description: How many workloads are ready., returned: always, type: str, sample: "2 ready"}
seconds: {description: The duration., returned: when all are ready, type: float, sample: 4.2}
failures:
  description: Why workloads are not ready, at most twenty reasons.
  returned: when the task fails
  type: list
  elements: dict
  contains:
    id: {description: "The failure, such as V(image_pull), V(crash), V(out_of_memory) or V(unschedulable).", type: str}
    kind: {description: The kind of the workload., type: str}
    namespace: {description: The namespace of the workload., type: str}
    name: {description: The name of the workload., type: str}
    of: {description: "The custom resource of the workload, such as C(OpenTelemetryCollector ns/name).", type: str}
    pod: {description: The pod., type: str}
    node: {description: The node of the pod., type: str}
    container: {description: The container., type: str}
    reason: {description: The reason of Kubernetes., type: str}
    message: {description: "The message of the kubelet, scheduler or controller.", type: str}
    log: {description: "The last log lines, for the first of pods that fail alike.", type: list, elements: str}
    fix: {description: The fix., type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.rollout_task import (
    ARGUMENTS,
    run_rollout_wait,
)


def main() -> None:
    run_rollout_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
