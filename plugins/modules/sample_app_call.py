#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the sample application, and find its trace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sample_app_call
short_description: Call the sample application, and find its trace
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Calls the first service through the Kubernetes API, and looks for the trace ID of its answer.
  - The trace must arrive in each of O(backend) and O(xray) that is given, with spans of all services. Without both,
    the debug exporter of a collector must print the trace, or the counts of the collector must grow.
  - Never reports a change.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: Calls nothing.}
options:
  via:
    description: The first service.
    type: dict
    required: true
    suboptions:
      namespace: {description: Its namespace., type: str, required: true}
      service: {description: Its name., type: str, required: true}
      port: {description: Its port., type: int, required: true}
  services: {description: The services of the trace., type: list, elements: str, required: true}
  pods:
    description: Pods whose logs may show the trace.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: Their namespace., type: str, required: true}
      selector: {description: Their label selector., type: str, required: true}
  counts:
    description: Pods of the collector that receives the trace, whose own metrics count it.
    type: dict
    suboptions:
      namespace: {description: Their namespace., type: str, required: true}
      selector: {description: Their label selector., type: str, required: true}
      metrics_port: {description: The port of their own metrics., type: int, required: true}
  backend:
    description: An HTTP API of a backend that returns a trace.
    type: dict
    suboptions:
      url: {description: "The URL, with C({trace_id}) in place of the trace ID.", type: str, required: true}
      headers: {description: Headers of the request., type: dict}
      ca_file: {description: The CA of its certificate. Defaults to those of the system., type: path}
  xray:
    description: Looks for the trace in AWS X-Ray.
    type: dict
    suboptions:
      region: {description: The region., type: str, required: true}
      profile: {description: The profile of the AWS credentials., type: str}
  timeout_seconds: {description: How long to call and to look for the trace., type: float, default: 60}
requirements:
  - urllib3, for O(backend)
  - boto3, for O(xray)
"""

EXAMPLES = r"""
# Role otel_sample_app calls this module.
- name: Call the sample application, and find its trace in AWS X-Ray
  o11y.opentelemetry.sample_app_call:
    via: {namespace: sample-app, service: sample-app-frontend, port: 8080}
    services: [sample-app-frontend, sample-app-datastore]
    xray: {region: us-east-1}
"""

RETURN = r"""
msg: {description: The result., returned: always, type: str}
trace_id: {description: The trace ID., returned: when the application answered, type: str}
found:
  description: Where the trace was found.
  returned: when the application answered
  type: list
  elements: dict
  contains:
    place: {description: The place., type: str}
    evidence: {description: What shows the trace., type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.hidden import PARTLY_SECRET
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.live.call import run_sample_app_call

REQUIRED_OPTION = {"required": True}
PODS_OPTIONS = {"namespace": REQUIRED_OPTION, "selector": REQUIRED_OPTION}
PORT_OPTION = {"type": "int", "required": True}
BACKEND_OPTIONS = {
    "url": {**REQUIRED_OPTION, **PARTLY_SECRET},
    "headers": {"type": "dict", **PARTLY_SECRET},
    "ca_file": {"type": "path"},
}


def main() -> None:
    argument_spec = {
        "via": {
            "type": "dict",
            "required": True,
            "options": {"namespace": REQUIRED_OPTION, "service": REQUIRED_OPTION, "port": PORT_OPTION},
        },
        "services": {"type": "list", "elements": "str", "required": True},
        "pods": {"type": "list", "elements": "dict", "default": [], "options": PODS_OPTIONS},
        "counts": {"type": "dict", "options": {**PODS_OPTIONS, "metrics_port": PORT_OPTION}},
        "backend": {"type": "dict", "options": BACKEND_OPTIONS},
        "xray": {"type": "dict", "options": {"region": REQUIRED_OPTION, "profile": {}}},
        "timeout_seconds": {"type": "float", "default": 60},
    }
    run_sample_app_call(AnsibleModule(CLUSTER_ARG_SPEC | argument_spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
