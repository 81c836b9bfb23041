#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until workloads are rolled out, or tell at once why they never will be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_wait
short_description: Wait until workloads are rolled out, or tell at once why they never will be
version_added: 0.1.0
description:
  - Waits for all workloads together, until the newest revision of each is complete and available.
  - Fails seconds after a pod of the newest revision cannot work (its image, configuration, memory, node, volume
    or container), with the reason in the cluster's words, the end of the log, and what to do.
    Old pods that are being replaced do not count.
  - An OpenTelemetryCollector is ready when its operator has taken up the newest generation, and the workload and the
    target allocator that it makes are rolled out. One for sidecars is ready when it is taken up.
    The operator says so itself from version 0.154 on, earlier ones are seen by what they make.
  - What an operator makes without a readiness probe must live for five seconds.
  - A Secret that a Certificate makes is waited for, as long as its issuer may take.
  - When the time is over it tells what is missing, with the conditions and the last warnings.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait, since nothing was applied."}
options:
  workloads:
    description: What to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: The kind, such as V(Deployment), V(DaemonSet), V(StatefulSet) or V(OpenTelemetryCollector).
        type: str
        required: true
      name: {description: The name., type: str, required: true}
      namespace: {description: "The namespace, for a kind that has one.", type: str}
      api_version:
        description: The version of the API. Needed only for kinds that this collection does not know.
        type: str
  timeout_seconds: {description: For how long to wait., type: float, default: 300}
  unschedulable_seconds:
    description:
      - For how long a pod may be without a node before that is a failure.
      - An autoscaler that says that it adds a node for the pod takes this limit away.
    type: float
    default: 15
  allow_empty: {description: Whether a DaemonSet that no node fits is ready., type: bool, default: false}
  until:
    description:
      - For a kind, a JMESPath expression that is true for an object that is ready.
      - Adds kinds, and replaces what the module knows of one.
        Kinds that it does not know are ready with a condition V(Ready) or V(Available) about their newest generation.
    type: dict
    default: {}
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: The agents run on every node, and the gateway runs
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: DaemonSet, namespace: observability, name: agent}
      - {kind: Deployment, namespace: observability, name: gateway}
    timeout_seconds: 180

- name: The operator has made the collector of its resource, and that runs
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: OpenTelemetryCollector, namespace: observability, name: gateway}

- name: A kind of somebody else
  o11y.opentelemetry.rollout_wait:
    workloads:
      - {kind: Kafka, api_version: kafka.strimzi.io/v1, namespace: queue, name: spans}
    until:
      Kafka: "status.conditions[?type=='Ready'] | [0].status == 'True'"
"""

RETURN = r"""
msg: {description: How many workloads are ready., returned: always, type: str, sample: "2 ready"}
seconds: {description: How long that took., returned: when all are ready, type: float, sample: 4.2}
failures:
  description: What keeps the workloads from being ready, at most twenty.
  returned: when the task fails
  type: list
  elements: dict
  contains:
    id:
      description: The kind of failure, such as V(image_pull), V(crash), V(out_of_memory) or V(unschedulable).
      type: str
    kind: {description: The kind of the workload., type: str}
    namespace: {description: The namespace of the workload., type: str}
    name: {description: The name of the workload., type: str}
    of:
      description: The custom resource, such as C(OpenTelemetryCollector ns/name), whose operator made the workload.
      type: str
    pod: {description: "The pod, if it is about one.", type: str}
    node: {description: The node of the pod., type: str}
    container: {description: "The container, if it is about one.", type: str}
    reason: {description: "The reason, as Kubernetes names it.", type: str}
    message: {description: "The message of the kubelet, scheduler or controller.", type: str}
    log:
      description: The last lines of the container's log. Of pods that fail alike only the first has them.
      type: list
      elements: str
    fix: {description: What to do., type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.rollout.wait import run_wait


def main() -> None:
    """Wait."""
    workload = {"kind": {"required": True}, "name": {"required": True}, "namespace": {}, "api_version": {}}
    spec = {
        "workloads": {"type": "list", "elements": "dict", "required": True, "options": workload},
        "timeout_seconds": {"type": "float", "default": 300},
        "unschedulable_seconds": {"type": "float", "default": 15},
        "allow_empty": {"type": "bool", "default": False},
        "until": {"type": "dict", "default": {}},
    }
    run_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
