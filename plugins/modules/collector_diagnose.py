#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnose why no data arrives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_diagnose
short_description: Diagnose why no data arrives
version_added: 1.0.0
description:
  - Reads running collectors once, and reports for each in a few lines why data does not arrive, and the fix.
  - Reads pods, events, recent logs, the collector's own metrics twice, its config, Services and their
    endpoints, network policies, the permissions of its ServiceAccount, mounted certificates, autoscalers,
    cert-manager's Certificates and the jobs of a target allocator.
  - The collectors may have any owner, such as a Helm chart or the operator.
  - Only reads, through the Kubernetes API. The result lists what the user may not read; the other checks continue.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._cluster
  - o11y.opentelemetry._controller.rules
  - o11y.opentelemetry._controller.diagnosis
options:
  collectors:
    description: Collectors from RV(o11y.opentelemetry.otel_render#module:workloads), or any others.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name of the workload or of the custom resource., type: str}
      kind:
        description: The kind. By default a custom resource takes precedence over a workload.
        type: str
        choices: [DaemonSet, Deployment, OpenTelemetryCollector, StatefulSet]
      selector:
        description:
          - Label selector instead of a name, such as V(app.kubernetes.io/name=opentelemetry-collector).
          - It has labels and their values, with commas between them, and no sets such as V(app in (a,b\)).
        type: str
  applied:
    description:
      - The objects that a run applied, RV(o11y.opentelemetry.bundle_apply#module:objects). With this list, the module
        takes one quick look at those O(collectors) alone that the run created or changed, and warns of each exporter
        that does not deliver. It runs no O(checks), and returns RV(undelivered) instead of the verdict.
    type: list
    elements: dict
    version_added: 1.1.0
  window_seconds:
    description: Longest time between both readings of the metrics. It ends early if data flows or fails.
    type: float
    default: 10
  log_seconds: {description: How many last seconds of the log to read., type: int, default: 600}
  metrics_port: {description: Port of own metrics if the config does not set it., type: int, default: 8888}
  listeners:
    description: Which ports each type of component opens. The controller sets it from the catalogue.
    type: list
    elements: dict
    default: []
  checks:
    description:
      - More checks, over the facts that the collection's page on diagnosis lists.
      - Each has C(id), C(find), a JMESPath expression that returns the problems as a list of mappings or texts, and
        C(message), with fields of a problem in braces, or C({value}) for a text.
      - It may have C(fix), C(severity) (C(error), C(warning) or C(info), by default C(warning)) and C(stage),
        its position in the causal order.
    type: list
    elements: dict
    default: []
requirements:
  - jmespath
  - cryptography, to read certificates
seealso:
  - module: o11y.opentelemetry.otlp_probe
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Diagnose a gateway
  o11y.opentelemetry.collector_diagnose:
    collectors:
      - {namespace: observability, name: gateway}
  register: diagnosis

- name: Diagnose the collectors of a Helm chart with an additional check, and fail on errors
  o11y.opentelemetry.collector_diagnose:
    collectors:
      - {namespace: tracing, selector: app.kubernetes.io/name=opentelemetry-collector}
    checks:
      - id: too_few
        find: "pods | length(@) < `2` && ['one pod alone']"
        message: "{value} takes all data"
        fix: Set replicas to 2.
    fail_on: error
"""

RETURN = r"""
msg: {description: "The verdict, line by line.", returned: success, type: str}
verdict:
  description: At most four lines for each collector, the main cause first.
  returned: success
  type: list
  elements: str
  sample:
    - "obs/gateway: spans come in (120 in 10 s) and wait at otlp_grpc/jaeger (12 of 1000 queued, none sent): connection
      refused: Service obs/jaeger has no ready endpoints → Start the pods behind Service obs/jaeger, or correct its
      selector."
undelivered:
  description: A line for each exporter of a new pod that does not deliver, with its endpoint and the reason.
  returned: with O(applied)
  type: list
  elements: str
healthy:
  description: Whether all collectors are healthy. It is V(false) without a collector.
  returned: success
  type: bool
report: {description: "The verdict, followed by all details, as text.", returned: success, type: str}
collectors:
  description: The results of each collector.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    namespace: {description: Its namespace., type: str}
    kind: {description: The kind of its workload or custom resource., type: str}
    status: {description: "V(healthy), V(warning), V(error), or V(unknown) without data about the flow.", type: str}
    verdict: {description: Its lines of the verdict., type: list, elements: str}
    problems:
      description: The problems, causes first, each with id, stage, severity, about, message and fix.
      type: list
      elements: dict
    receives: {description: "Received data by signal and receiver.", type: list, elements: dict}
    exports: {description: "Sent data by signal and exporter.", type: list, elements: dict}
    unseen: {description: "Facts that could not be read, and why.", type: list, elements: dict}
    wave:
      description: The C(wave) that its pods have passed, its C(verdict), C(by) whom and C(when); empty if none.
      type: dict
    seen: {description: "V(false) if neither its workload nor its custom resource could be read.", type: bool}
failing:
  description: The lines of RV(verdict) about collectors with an error. Those with warnings alone are not in it.
  returned: always
  type: list
  elements: str
  version_added: 1.1.0
  sample: ["obs/gateway: Service obs/jaeger does not exist → Deploy what jaeger.obs:4317 names, or correct it."]
unlisted:
  description:
    - Collectors of this collection in the same namespaces that O(collectors) does not name, each with C(kind),
      C(namespace), C(name) and the C(command) that removes it. Another inventory may deploy them.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.collect import ARGUMENTS, run_diagnose
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_diagnose(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
