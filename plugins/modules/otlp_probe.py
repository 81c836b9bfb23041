#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a span, a metric and a log record, and check that they arrive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: otlp_probe
short_description: Send a span, a metric and a log record, and check that they arrive
version_added: 1.0.0
description:
  - Sends one item of each signal by OTLP to a collector, from the controller or through the Kubernetes API.
  - Each item has a unique id, in the resource attribute C(o11y.probe.id), the name of the span,
    the body of the log record and the attributes of the data point.
  - With O(arrival) the task succeeds only if each item arrives at the end of the pipeline.
  - Never reports a change, because telemetry changes nothing in the cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: Sends nothing.}
options:
  endpoint:
    description:
      - The receiver, as C(host:port) or as a URL. The default port is that of the protocol.
      - Required without O(via).
    type: str
  protocol:
    description:
      - The protocol. By default V(http/protobuf) for an HTTP URL whose port is not 4317, else V(grpc).
      - V(xray) sends a segment over UDP to port 2000, as the SDKs of X-Ray do. It needs O(endpoint), O(signals=traces)
        and O(arrival) or O(backends), because nobody answers a segment.
    type: str
    choices: [grpc, http/protobuf, xray]
  signals:
    description: The signals to send.
    type: list
    elements: str
    choices: [traces, metrics, logs]
    default: [traces, metrics, logs]
  headers: {description: "Headers or gRPC metadata to send along, such as a token.", type: dict}
  tls:
    description: Settings of TLS. The scheme of a URL turns TLS on or off.
    type: dict
    suboptions:
      ca_file: {description: The CA of the receiver's certificate. Defaults to those of the system., type: path}
      cert_file: {description: The certificate of the client., type: path}
      key_file: {description: The key of the client., type: path}
      insecure:
        description:
          - Whether to send without TLS to an O(endpoint) that is no URL. Defaults to true if no file is set.
            With TLS, certificates are always verified.
        type: bool
  service_name: {description: The C(service.name) of the resource., type: str, default: o11y-probe}
  span_status:
    description:
      - The status of the span. Tail samplers that keep errors keep a span with V(error), and drop most others.
      - A backend shows the span as an error of O(service_name).
    type: str
    choices: [unset, error]
    default: unset
    version_added: 1.1.0
  via:
    description: Sends by OTLP/HTTP through the proxy of the Kubernetes API, for a controller without a route.
    type: dict
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      service: {description: The Service to send to., type: str}
      pod: {description: The pod to send to., type: str}
      selector: {description: A label selector; the module sends to one ready pod., type: str}
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
          - With V(metrics), the pods' counts of accepted and of sent items must grow.
            Other telemetry counts too, so this evidence is weaker under traffic.
        type: str
        choices: [logs, metrics]
        default: logs
      metrics_port:
        description: The port of the pods' own metrics, on an address that the API server reaches.
        type: int
        default: 8888
  backends:
    description:
      - Backends that must have the records, beside O(arrival). A signal is looked for at each backend that keeps it.
      - The task says what is missing there, such as the record or an attribute.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
    suboptions:
      kind:
        description:
          - The API. V(prometheus) has metrics, V(loki) logs, V(jaeger) and V(tempo) traces, V(elasticsearch), also for
            OpenSearch, all signals, V(datadog) traces and logs.
          - V(xray) has traces, by C(xray:BatchGetTraces). With CloudWatch's Transaction Search, ask V(cloudwatch).
          - V(cloudwatch) has traces and logs, by C(logs:FilterLogEvents). Metrics are asked in the log group of
            recipe C(emf_export), or without O(backends[].log_group) by PromQL, as recipe C(cloudwatch_otlp_metrics)
            sends them. PromQL needs C(cloudwatch:GetMetricData) and C(cloudwatch:ListMetrics).
          - Both find AWS credentials as boto3 does, such as those of E(AWS_PROFILE).
        type: str
        required: true
        choices: [prometheus, loki, jaeger, tempo, elasticsearch, datadog, xray, cloudwatch]
      url:
        description:
          - The address of the API, without the path of a query.
          - Required, except for AWS. There it is a URL instead of AWS's own endpoints.
        type: str
      region: {description: The AWS region. Defaults to that of the profile or of E(AWS_REGION)., type: str}
      profile: {description: The profile of the AWS credentials., type: str}
      role_arn: {description: "A role of AWS to assume, such as one of another account.", type: str}
      log_group:
        description: The log group of CloudWatch. Required for logs; C(aws/spans) by default for traces.
        type: str
      signals:
        description: The signals to look for there. Defaults to all that the backend has; required for V(cloudwatch).
        type: list
        elements: str
        choices: [traces, metrics, logs]
      headers: {description: "Headers, such as a token or a tenant. None for AWS.", type: dict}
      ca_file: {description: The CA of the backend's certificate., type: path}
      index: {description: "Index of Elasticsearch. Defaults to C(*traces*), C(*metrics*) or C(*logs*).", type: str}
      attributes:
        description: Attributes that the record must have, with their values. An empty value means any.
        type: dict
  hops:
    description:
      - The collectors on the way, as RV(o11y.opentelemetry.otel_render#module:hops) of
        M(o11y.opentelemetry.otel_render) lists them.
      - If a signal does not arrive, the task reads the metrics of their pods and says which collector took the record
        and lost it. Other telemetry counts too, so the answer is weaker under traffic, and the task says so.
      - Needs O(arrival) or O(backends).
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
    suboptions:
      name: {description: The name of the collector in messages., type: str, required: true}
      namespace: {description: The namespace of its pods., type: str, required: true}
      selector: {description: The label selector of its pods., type: str, required: true}
      metrics_port:
        description: The port of the pods' own metrics; V(0) if the API server reaches none.
        type: int
        default: 8888
      exporters:
        description: Each exporter that sends on, with the names of the collectors that it sends to; none for a backend.
        type: dict
        default: {}
  timeout_seconds: {description: "How long to retry sending, and to wait for the arrival.", type: float, default: 30}
requirements:
  - opentelemetry-proto
  - grpcio, for gRPC
  - urllib3, for HTTP
  - boto3, for X-Ray and CloudWatch
seealso:
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Check that telemetry goes from the agent to the gateway
  o11y.opentelemetry.otlp_probe:
    via: {namespace: observability, service: agent}
    arrival: {namespace: observability, selector: app.kubernetes.io/name=gateway}

- name: Check that a gateway outside of the cluster accepts traces
  o11y.opentelemetry.otlp_probe:
    endpoint: https://otlp.example.com:4318
    headers:
      Authorization: "Bearer {{ otlp_token }}"
    signals: [traces]

- name: Check that traces and metrics arrive at their backends, with the name of the cluster
  o11y.opentelemetry.otlp_probe:
    via: {namespace: observability, service: gateway}
    signals: [traces, metrics]
    backends:
      - {kind: tempo, url: "https://tempo.example.com", attributes: {k8s.cluster.name: blue}}
      - {kind: prometheus, url: "https://mimir.example.com/prometheus", headers: {X-Scope-OrgID: shop}}

- name: Check that a trace is in X-Ray, and a log record in CloudWatch with the name of the cluster
  o11y.opentelemetry.otlp_probe:
    via: {namespace: observability, service: gateway}
    signals: [traces, logs]
    backends:
      - {kind: xray, region: us-east-1, profile: prod}
      - kind: cloudwatch
        region: us-east-1
        profile: prod
        signals: [logs]
        log_group: /blue/applications
        attributes: {k8s.cluster.name: blue}

- name: Check that segments of X-Ray's SDKs arrive
  o11y.opentelemetry.otlp_probe:
    endpoint: 192.0.2.10:2000
    protocol: xray
    signals: [traces]
    arrival: {namespace: aws-otel-eks, selector: app.kubernetes.io/name=observability-collector, evidence: metrics}
"""

RETURN = r"""
msg:
  description: The result.
  returned: always
  type: str
  sample: "traces, metrics, logs arrived: pod telemetry/gateway-0 sent them on to its exporter"
probe_id: {description: The id of the items., returned: when something was sent, type: str, sample: 6f1d2c3b4a596877}
signals:
  description: The result of each signal.
  returned: when something was sent
  type: dict
  contains:
    sent: {description: Whether the receiver accepted it., type: bool}
    arrived: {description: Whether it arrived as O(arrival) requires., type: bool}
    seconds: {description: "How long it took to arrive; without O(arrival), to be accepted.", type: float}
    seen: {description: "Where it was seen: the log of a pod, or the metrics of pods.", type: str}
    lost:
      description: With O(hops), where a signal that did not arrive was lost.
      type: list
      elements: str
    evidence: {description: "The log lines of the record, or the counts that grew.", type: list, elements: str}
  sample:
    traces:
      sent: true
      arrived: true
      seconds: 0.3
      seen: the metrics of pod telemetry/gateway-0
      evidence: ["otelcol_receiver_accepted_spans +1"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe_options import (
    ARGUMENTS,
    CONDITIONS,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe_task import run_otlp_probe


def main() -> None:
    run_otlp_probe(AnsibleModule(CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True, **CONDITIONS))


if __name__ == "__main__":
    main()
