#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell why no data arrives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_diagnose
short_description: Tell why no data arrives
version_added: 0.1.0
description:
  - Looks at running collectors once and says in a few lines of each what keeps data from arriving and what to do.
  - It reads pods, events, logs of the last minutes, the collector's own metrics twice, its config, Services and their
    endpoints, network policies, the rights of its ServiceAccount, certificates in what it mounts, autoscalers,
    cert-manager's Certificates and the jobs of a target allocator.
  - The collectors may be of anybody, such as a Helm chart or the operator.
  - Only reads, by the Kubernetes API alone. What the user of the API may not see is told, and the other checks go on.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._attributes.controller
  - o11y.opentelemetry._cluster
  - o11y.opentelemetry._judgement
options:
  collectors:
    description:
      - What to look at, as RV(o11y.opentelemetry.otel_render#module:workloads) names it, or any other collector.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name of the workload or of the custom resource., type: str}
      kind:
        description: The kind. Without it a custom resource of that name comes first, then each workload.
        type: str
        choices: [DaemonSet, Deployment, OpenTelemetryCollector, StatefulSet]
      selector:
        description:
          - Labels of the workloads or custom resources in place of a name,
            such as V(app.kubernetes.io/name=opentelemetry-collector).
        type: str
  window_seconds:
    description:
      - How far apart the two readings of the metrics may be.
        It ends earlier when all that comes in is seen to go out or to fail.
    type: float
    default: 10
  log_seconds: {description: Of how many last seconds to read the log., type: int, default: 600}
  metrics_port:
    description: The port of the own metrics of collectors whose config does not say it.
    type: int
    default: 8888
  listeners:
    description: Which ports each type of component opens. The controller fills it in from the collection's catalogue.
    type: list
    elements: dict
    default: []
  checks:
    description:
      - More checks, over the facts that the collection's page on diagnosis lists.
      - Each has C(id), C(find), a JMESPath expression that yields what is wrong as a list of mappings or texts, and
        C(message), with the fields of what it yields in braces, or C({value}) for a text.
      - It may have C(fix), C(severity) (C(error), C(warning) or C(info), by default C(warning)) and C(stage),
        its place in the causal order.
    type: list
    elements: dict
    default: []
  fail_on:
    description: The least severity of a problem for which the task fails.
    type: str
    choices: [error, warning, never]
    default: never
requirements:
  - jmespath
  - cryptography, to look at certificates
seealso:
  - module: o11y.opentelemetry.otlp_probe
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Why does no data arrive?
  o11y.opentelemetry.collector_diagnose:
    collectors:
      - {namespace: observability, name: gateway}
  register: diagnosis

- name: The collectors of a Helm chart, with a check of our own, as a gate
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
  description: At most four lines for each collector, the cause of most first.
  returned: success
  type: list
  elements: str
  sample:
    - "obs/gateway: spans come in (120 in 10 s) and wait at otlp_grpc/jaeger (12 of 1000 queued, none sent): connection
      refused: Service obs/jaeger has no ready endpoints → Start the pods behind Service obs/jaeger, or correct its
      selector."
healthy: {description: Whether all collectors are healthy., returned: success, type: bool}
report: {description: "The verdict, and then all details, as text.", returned: success, type: str}
collectors:
  description: What was found of each collector.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    namespace: {description: Its namespace., type: str}
    kind: {description: The kind of its workload or custom resource., type: str}
    status:
      description: V(healthy), V(warning), V(error), or V(unknown) when whether data flows could not be seen.
      type: str
    verdict: {description: Its lines of the verdict., type: list, elements: str}
    problems:
      description: What the checks found, causes first, each with id, stage, severity, about, message and fix.
      type: list
      elements: dict
    receives:
      description: What came in, by signal and receiver; none when the own metrics could not be read.
      type: list
      elements: dict
    exports: {description: "What went out, by signal and exporter.", type: list, elements: dict}
    unseen: {description: "What could not be seen, and why.", type: list, elements: dict}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.diagnose.collect import run_diagnose

KINDS = ["DaemonSet", "Deployment", "OpenTelemetryCollector", "StatefulSet"]
WHICH = {"namespace": {"required": True}, "name": {}, "kind": {"choices": KINDS}, "selector": {}}


def main() -> None:
    """Read."""
    several = {"type": "list", "elements": "dict"}
    spec = {
        "collectors": {**several, "required": True, "options": WHICH, "required_one_of": [("name", "selector")]},
        "window_seconds": {"type": "float", "default": 10},
        "log_seconds": {"type": "int", "default": 600},
        "metrics_port": {"type": "int", "default": 8888},
        "listeners": {**several, "default": []},
        "checks": {**several, "default": []},
        "fail_on": {"choices": ["error", "warning", "never"], "default": "never"},
        "profile": {"choices": ["default", "development", "production"], "default": "default"},
        "severities": {"type": "dict", "default": {}},
        "suppressions": {**several, "default": []},
    }
    run_diagnose(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
