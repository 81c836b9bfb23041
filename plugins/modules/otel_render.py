#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of otel_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: otel_render
short_description: Render collector configs and the Kubernetes objects that they need
version_added: 0.1.0
description:
  - Composes the config of each collector from recipes and from config of your own, checks it,
    derives the ports, permissions, environment and volumes that it needs, and builds all Kubernetes objects.
  - Reads files on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._attributes.controller
  - o11y.opentelemetry._collectors
  - o11y.opentelemetry._judgement
options:
  fail_on:
    description:
      - Whether errors in configs fail the task.
      - With V(never) they are returned as RV(findings), for those who only want to look.
        A config that is no config fails it all the same.
    choices: [error, never]
    type: str
    default: error
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Render an agent and the gateway that it sends to
  o11y.opentelemetry.otel_render:
    collectors:
      - name: agent
        mode: daemonset
        recipes:
          - otlp_ingest
          - otlp_forward: {endpoint: "gateway.opentelemetry.svc:4317", insecure: true}
      - name: gateway
        recipes: [otlp_ingest, debug_output]
    defaults:
      namespace: opentelemetry
  register: rendered
"""

RETURN = r"""
manifests:
  description: All objects of all collectors, each once, in the order in which they are applied.
  returned: success
  type: list
  elements: dict
findings:
  description: >-
    What the rules say of the configs, each with its C(collector),
    in the form of M(o11y.opentelemetry.pipeline_validate).
  returned: success
  type: list
  elements: dict
workloads:
  description: The workload of each collector, as M(o11y.opentelemetry.rollout_wait) takes it.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: DaemonSet, namespace: opentelemetry, name: agent}
prune_selector:
  description: Label selector of all objects of these collectors.
  returned: success
  type: str
  sample: o11y.opentelemetry/release in (obs.agent,obs.gateway),app.kubernetes.io/managed-by=o11y.opentelemetry
adopt:
  description: The releases whose objects M(o11y.opentelemetry.bundle_apply) may take over from others.
  returned: success
  type: list
  elements: str
  sample: []
collectors:
  description: What is known of each collector.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the collector., type: str}
    namespace: {description: Its namespace., type: str}
    kind: {description: Kind of its workload., type: str}
    mode: {description: Its mode., type: str}
    backend: {description: "Who makes its workload, V(kubernetes) or V(operator).", type: str}
    config: {description: "Its finished config, as YAML.", type: str}
    config_hash: {description: "SHA-256 of the config, the same for configs that mean the same.", type: str}
    image: {description: Its image., type: str}
    selector: {description: Label selector of its pods., type: str}
    ports:
      description: The ports that clients connect to, each with name, port and protocol.
      type: list
      elements: dict
    iam_actions: {description: The actions that its components call at AWS., type: list, elements: str}
    iam_statements:
      description:
        - The same as statements of an IAM policy, with V(<partition>), V(<region>) and V(<account>) for what only
          the cluster knows.
      type: list
      elements: dict
service_accounts:
  description: The service accounts of all collectors, but for sidecars, with the statements of theirs together.
  returned: success
  type: list
  elements: dict
  sample:
    - namespace: observability
      service_account: gateway
      collectors: [gateway]
      statements:
        - Action: [aps:RemoteWrite]
          Effect: Allow
          Resource: ["arn:<partition>:aps:us-east-1:<account>:workspace/ws-1"]
"""
