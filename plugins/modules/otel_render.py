#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of otel_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: otel_render
short_description: Render collector configs and the Kubernetes objects that they need
version_added: 1.0.0
description:
  - Composes the config of each collector from recipes and your own config, checks it,
    derives the ports, permissions, environment and volumes that it needs, and renders all Kubernetes objects.
  - Reads files on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.inputs
  - o11y.opentelemetry._controller.collectors
  - o11y.opentelemetry._controller.rules
  - o11y.opentelemetry._controller.policy
  - o11y.opentelemetry._controller.rendering
  - o11y.opentelemetry._controller.lock
options:
  show:
    description:
      - Prints the objects as documents of YAML that can be copied, with secrets masked, below a comment with this text.
        Other tasks print texts with quotes and escapes. The empty text prints nothing.
    type: str
    default: ""
    version_added: 1.1.0
  for_removal:
    description:
      - Renders collectors that are removed. No finding fails the task. If a config or an option cannot be used, such as
        a file that is gone, the task warns, and renders what follows from the names and namespaces alone.
        RV(prune_selector) selects the other objects of these collectors, and the CA that those of a namespace share.
    type: bool
    default: false
    version_added: 1.0.0
  variables_prefix:
    description:
      - Takes each option that O(defaults) lacks from the variable of its name with this prefix, if there is one, such
        as C(otel_collector_replicas) for V(otel_collector_).
    type: str
    default: ""
  critical_components:
    description:
      - The critical components that the cluster has, by name, as M(o11y.opentelemetry.critical_component_info) finds
        them. They stand for C(components=detect) of recipe C(critical_components). Without this option, the variables
        of O(variables_prefix) say how to ask the cluster for them, and such a recipe fails the task if there is no
        prefix. No other recipe asks a cluster, and none does with O(for_removal=true).
    type: list
    elements: str
    version_added: 1.1.0
  tests:
    description:
      - Files or folders with tests of the rendered configs, as M(o11y.opentelemetry.pipeline_test) takes them. The task
        fails if one fails. With O(fail_on=never) and O(for_removal=true) none is run.
    type: list
    elements: path
    default: []
    version_added: 1.1.0
  tests_binary:
    description: The Collector that runs O(tests), as in O(o11y.opentelemetry.pipeline_test#module:binary).
    type: str
    default: auto
    version_added: 1.1.0
  tests_isolation:
    description: Whether O(tests) are isolated, as in O(o11y.opentelemetry.pipeline_test#module:isolation).
    type: str
    choices: [auto, required, none]
    default: auto
    version_added: 1.1.0
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.pipeline_test
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Render an agent and the gateway that it sends to
  o11y.opentelemetry.otel_render:
    collectors:
      - name: agent
        mode: daemonset
        host_ports: true
        recipes:
          - otlp_ingest
          - otlp_forward: {endpoint: "gateway.opentelemetry.svc:4317", insecure: true}
      - name: gateway
        recipes: [otlp_ingest, debug_output]
    defaults: {namespace: opentelemetry}
  register: rendered
"""

RETURN = r"""
manifests:
  description: All objects of all collectors, in the order of their application.
  returned: success
  type: list
  elements: dict
objects:
  description: Kind and name of each object in RV(manifests).
  returned: success
  type: list
  elements: str
  sample: [Namespace opentelemetry, ConfigMap agent, DaemonSet agent]
summary:
  description: The collectors with their addresses, the warnings, and what to do next, as lines for people.
  returned: success
  type: list
  elements: str
  sample: ["DaemonSet telemetry/agent at each node, port 4317 (otlp), 4318 (otlp-http)"]
untested:
  description: The collectors that have no item in RV(probes), each with the reason.
  returned: success
  type: list
  elements: dict
  sample: [{name: agent, reason: it has no OTLP receiver over HTTP}]
probes:
  description: What to send to each collector and where it must arrive, as M(o11y.opentelemetry.otlp_probe) takes it.
  returned: success
  type: list
  elements: dict
hops:
  description:
    - How data goes from collector to collector, as M(o11y.opentelemetry.otlp_probe) takes it. Sidecars are left out.
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  sample:
    - name: obs/agent
      namespace: obs
      selector: app.kubernetes.io/instance=obs.agent
      metrics_port: 8888
      exporters: {otlp_grpc/gateway: [obs/gateway]}
has_secrets:
  description: >-
    Whether the objects hold secrets in clear text. Then Ansible hides this result from output and logs,
    and later tasks still read it.
  returned: success
  type: bool
findings:
  description: Findings by C(collector), as M(o11y.opentelemetry.pipeline_validate) returns them.
  returned: success
  type: list
  elements: dict
collector_images:
  description: The image of each collector, as M(o11y.opentelemetry.release_render) takes them.
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  sample: [{namespace: opentelemetry, name: agent, backend: operator, image: "x/collector:0.158.0"}]
workloads:
  description: The workload of each collector, as M(o11y.opentelemetry.rollout_wait) takes it.
  returned: success
  type: list
  elements: dict
  sample: [{kind: DaemonSet, namespace: opentelemetry, name: agent}]
prune_selector:
  description: Label selector of all objects of these collectors.
  returned: success
  type: str
  sample: >-
    o11y.opentelemetry/release in
    (obs.agent,obs.gateway),app.kubernetes.io/managed-by=o11y.opentelemetry,o11y.opentelemetry/collector
changes:
  description:
    - How a change of each collector reaches its pods, as M(o11y.opentelemetry.bundle_apply) takes it. The keys are
      C(NAMESPACE/NAME). With strategy C(canary) an item has the config too, by which the pods are judged.
  returned: success
  type: dict
  sample:
    obs/agent: {strategy: rolling, share: "1", observe_seconds: 60, judge: [], on_failure: rollback}
monitoring_files:
  description:
    - The text of each file with the rules of a collector, or with a dashboard, by its name, for a Prometheus and a
      Grafana that read no object of the cluster. C(collectors.json) is one dashboard for all collectors.
  returned: success
  type: dict
  version_added: 1.1.0
  sample: {obs.gateway.rules.yml: "..."}
sends_to_hosts:
  description:
    - Which collectors send to those of Linux hosts of the inventory, each with C(sender), C(exporter), C(place), which
      is the host, and C(collector).
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
sends_outside:
  description:
    - Which names outside of their cluster collectors send OTLP to, each with C(sender), C(exporter) and C(host). A
      Service of the cluster is none.
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  sample: [{sender: obs/agent, exporter: otlp_grpc, host: otlp.example.com}]
reached_at:
  description:
    - By which names an Ingress, a route, or external-dns leads to collectors from outside of their cluster, each with
      C(host) and C(collector).
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  sample: [{host: otlp.example.com, collector: obs/gateway}]
flows:
  description:
    - Which collectors send to which, by the endpoints of their exporters, as M(o11y.opentelemetry.bundle_apply) takes
      them.
  returned: success
  type: list
  elements: dict
  sample: [{sender: obs/agent, receiver: obs/gateway}]
adopt:
  description: The releases whose objects M(o11y.opentelemetry.bundle_apply) may take over from other owners.
  returned: success
  type: list
  elements: str
existing_accounts:
  description: The ServiceAccounts that options name, as M(o11y.opentelemetry.bundle_apply) takes them.
  returned: success
  type: list
  elements: str
sidecars: {description: "Namespace and name of each sidecar.", returned: success, type: list, elements: dict}
collectors:
  description: The collectors.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the collector., type: str}
    namespace: {description: Its namespace., type: str}
    kind: {description: Kind of its workload., type: str}
    mode: {description: Its mode., type: str}
    backend: {description: "The creator of its workload, V(kubernetes) or V(operator).", type: str}
    config: {description: "Its finished config, as YAML.", type: str}
    config_hash: {description: "SHA-256 of the config, independent of its formatting.", type: str}
    image: {description: Its image., type: str}
    selector: {description: Label selector of its pods., type: str}
    service_account: {description: The service account of its pods., type: str}
    otlp_http_url:
      description:
        - Where applications send OTLP/HTTP without TLS. C($(HOST_IP\)) is the IP of their node, a sidecar is on
          V(localhost). Empty if they cannot.
      type: str
    addresses: {description: "Where clients reach it, in words.", type: str}
    critical_components: {description: The critical components that it scrapes., type: list, elements: str}
    ports: {description: "The ports for clients, each with name, port and protocol.", type: list, elements: dict}
    iam_actions: {description: The AWS actions that its components call., type: list, elements: str}
    iam_statements:
      description:
        - These actions as statements of an IAM policy, with the placeholders V(<partition>), V(<region>) and
          V(<account>) for values of the cluster.
      type: list
      elements: dict
service_accounts:
  description: The service accounts of all collectors except sidecars, with their IAM statements.
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
