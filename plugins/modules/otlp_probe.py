#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a span, a metric and a log, and see them arrive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: otlp_probe
short_description: Send a span, a metric and a log, and see them arrive
version_added: 0.1.0
description:
  - Sends one item of each signal by OTLP to a collector, from the controller or through the Kubernetes API.
  - Each carries an id of its own, in the attribute C(o11y.probe.id) of its resource, the name of the span,
    the body of the log and the attributes of the data point.
  - With O(arrival) the task succeeds only when each of them is seen at the end of the pipeline.
  - Never reports a change. It changes nothing in the cluster, and telemetry is what a collector is there for.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: Sends nothing.}
options:
  endpoint:
    description:
      - Where to send, as C(host:port) or as a URL. The port may be left out when it is the one of the protocol.
      - Needed without O(via).
    type: str
  protocol:
    description:
      - The protocol. Without it a URL with C(http) means V(http/protobuf), unless its port is 4317,
        and all else V(grpc).
    type: str
    choices: [grpc, http/protobuf]
  signals:
    description: Which signals to send.
    type: list
    elements: str
    choices: [traces, metrics, logs]
    default: [traces, metrics, logs]
  headers: {description: "Headers or gRPC metadata to send along, such as a token.", type: dict}
  tls:
    description: How to speak TLS. The scheme of a URL says whether to.
    type: dict
    suboptions:
      ca_file:
        description: The CA that the receiver's certificate is verified with, instead of those of the system.
        type: path
      cert_file: {description: The certificate of the client., type: path}
      key_file: {description: The key of the client., type: path}
      insecure:
        description:
          - Whether to speak without TLS to an O(endpoint) that is no URL.
            Without it that is so unless a file is given. Verification is never left out.
        type: bool
  service_name: {description: The C(service.name) of the resource., type: str, default: o11y-probe}
  via:
    description:
      - Sends by OTLP/HTTP through the proxy of the Kubernetes API, for a controller without a route to the collector.
    type: dict
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      service: {description: The Service to send to., type: str}
      pod: {description: The pod to send to., type: str}
      selector: {description: A label selector. A ready pod of those that it selects is sent to., type: str}
      port: {description: The port of OTLP/HTTP., type: int, default: 4318}
  arrival:
    description: Where the probe must arrive.
    type: dict
    suboptions:
      namespace: {description: The namespace of the pods., type: str, required: true}
      selector: {description: The label selector of the pods., type: str, required: true}
      evidence:
        description:
          - With V(logs), the debug exporter of a pod must print each record. It needs C(verbosity=detailed).
          - With V(metrics), the pods' own counts of accepted and of sent items must grow.
            Other telemetry counts too, so this is the weaker evidence where there is traffic.
        type: str
        choices: [logs, metrics]
        default: logs
      metrics_port:
        description: The port on which the pods serve their own metrics, on an address that the API server reaches.
        type: int
        default: 8888
  timeout_seconds: {description: "For how long to try to send, and to look for the arrival.", type: float, default: 30}
requirements:
  - opentelemetry-proto
  - grpcio, for gRPC
  - urllib3, for HTTP
seealso:
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Telemetry goes in at the agent and comes out at the gateway
  o11y.opentelemetry.otlp_probe:
    via:
      namespace: observability
      service: agent
    arrival:
      namespace: observability
      selector: app.kubernetes.io/name=gateway

- name: A gateway outside of the cluster takes traces
  o11y.opentelemetry.otlp_probe:
    endpoint: https://otlp.example.com:4318
    headers:
      Authorization: "Bearer {{ otlp_token }}"
    signals: [traces]
"""

RETURN = r"""
msg: {description: How far the signals came., returned: always, type: str, sample: "traces, metrics, logs arrived"}
probe_id:
  description: The id that each item carries.
  returned: when something was sent
  type: str
  sample: 6f1d2c3b4a596877
signals:
  description: For each signal, how far it came.
  returned: when something was sent
  type: dict
  contains:
    sent: {description: Whether the receiver took it., type: bool}
    arrived: {description: Whether it was seen where O(arrival) says., type: bool}
    seconds: {description: "How long it took to arrive, or to be taken when nobody looks for the arrival.", type: float}
    evidence: {description: "The lines of the record in the log, or the counts that grew.", type: list, elements: str}
  sample:
    traces: {sent: true, arrived: true, seconds: 0.3, evidence: ["otelcol_receiver_accepted_spans +1"]}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.probe.probe import run_probe

SIGNALS = ["traces", "metrics", "logs"]
REQUIRED = {"required": True}
TLS = {"ca_file": {"type": "path"}, "cert_file": {"type": "path"}, "key_file": {"type": "path", "no_log": False}}
TO = ("service", "pod", "selector")
VIA = {"namespace": REQUIRED, **{name: {} for name in TO}, "port": {"type": "int", "default": 4318}}
EVIDENCE = {"choices": ["logs", "metrics"], "default": "logs"}
ARRIVAL = {"namespace": REQUIRED, "selector": REQUIRED, "evidence": EVIDENCE}
ARRIVAL_PORT = {"metrics_port": {"type": "int", "default": 8888}}


def main() -> None:
    """Probe."""
    spec = {
        "endpoint": {},
        "protocol": {"choices": ["grpc", "http/protobuf"]},
        "signals": {"type": "list", "elements": "str", "choices": SIGNALS, "default": SIGNALS},
        "headers": {"type": "dict", "no_log": True},
        "tls": {"type": "dict", "options": TLS | {"insecure": {"type": "bool"}}},
        "service_name": {"default": "o11y-probe"},
        "via": {"type": "dict", "options": VIA, "required_one_of": [TO], "mutually_exclusive": [TO]},
        "arrival": {"type": "dict", "options": ARRIVAL | ARRIVAL_PORT},
        "timeout_seconds": {"type": "float", "default": 30},
    }
    one = [("endpoint", "via")]
    run_probe(
        AnsibleModule(CLUSTER_ARG_SPEC | spec, supports_check_mode=True, required_one_of=one, mutually_exclusive=one)
    )


if __name__ == "__main__":
    main()
