#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_forecast; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_forecast
short_description: Tell what a change of a collector config does to what the collector sends
version_added: 1.1.0
description:
  - Replays captured telemetry through the config of before and the one of after, each in a real Collector on the
    controller, and counts what each exporter sends. The items, bytes, series and attributes of both are compared.
  - The Collectors run as those of M(o11y.opentelemetry.pipeline_test) do, in namespaces of their own. Receivers become
    OTLP on loopback, and each exporter becomes an OTLP server that counts and keeps nothing.
  - Beside each of them, an exporter makes the batches of yours and compresses them in the same way, so the bytes are
    those that go over the network. The bytes of exporters that send no OTLP are counted as OTLP in gzip.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.build
options:
  capture:
    description:
      - A folder with a capture, or a file with requests of OTLP in JSON, one in each line, as exporter C(file) writes
        them. Names end in C(.json) or C(.jsonl), or in these and C(.gz).
    type: path
    required: true
  collectors:
    description:
      - The rendered collectors of the inventory, as M(o11y.opentelemetry.otel_render) returns them; each with C(name),
        C(config) and C(image).
    type: list
    elements: dict
    default: []
  collector:
    description:
      - The one of O(collectors) that the capture is of. By default the one that the manifest of the capture names, or
        the only one.
    type: str
    default: ""
  resources:
    description:
      - The objects of a cluster, as M(o11y.opentelemetry.collector_info) returns them. The config that runs there is
        the one of before.
    type: list
    elements: dict
  before: {description: File with the config of before instead., type: path}
  after: {description: File with the config of after instead of O(collectors)., type: path}
  receivers:
    description: >-
      Receivers by signal, where several take the same signal, such as C({metrics: prometheus}).
    type: dict
    default: {}
  limits:
    description:
      - What the change may do to what each exporter sends of each signal. A limit that is passed fails the task.
      - C(items), C(bytes) and C(series) take a change or a list of changes, such as V(+20%) or V(-10%). C(series) also
        takes a number, such as V(100k).
      - C(lost_attributes) lists attributes that must not get lost.
    type: dict
    default: {}
  prices:
    description:
      - Your prices. C(gib) is for a GiB as it is sent, C(million_spans), C(million_points) and C(million_log_records)
        are for items, C(thousand_series) is for a month of a thousand series.
    type: dict
    default: {}
  currency: {description: The name of the currency of O(prices)., type: str, default: ""}
  rates:
    description:
      - Items per second by signal that all pods or hosts of the collector receive, by which the cost of a month is
        computed. By default those of the capture.
    type: dict
    default: {}
  tenant_attribute: {description: The attribute of resources that names a tenant., type: str, default: ""}
  binary:
    description:
      - Path of a Collector on the controller.
      - V(auto) uses the distribution's program on C(PATH) if it has the requested version.
    type: str
    default: auto
  before_binary: {description: Path of the Collector of before. By default O(binary)., type: str, default: ""}
  programs:
    description:
      - Path of the Collector for each image, as M(o11y.opentelemetry.collector_program) returns it. Goes before
        O(binary).
    type: dict
    default: {}
  isolation:
    description: Whether each Collector runs in namespaces of its own. See M(o11y.opentelemetry.pipeline_test).
    type: str
    choices: [auto, required, none]
    default: auto
  fail_on:
    description: V(limit) fails the task if a limit is passed. With V(never), RV(failure) says so instead.
    type: str
    choices: [limit, never]
    default: limit
  markdown_path: {description: File for the forecast as Markdown. Check mode writes nothing., type: path}
  output_path: {description: File for the limits as a report in the format of JUnit., type: path}
attributes:
  diff_mode: {details: "The module writes only reports."}
seealso:
  - module: o11y.opentelemetry.pipeline_test
  - module: o11y.opentelemetry.otel_render
"""

EXAMPLES = r"""
- name: Compare two configs
  o11y.opentelemetry.pipeline_forecast:
    capture: captures/gateway
    before: running/gateway.yaml
    after: gateway.yaml

- name: Stop a change that loses the name of the service, or sends a fifth more
  o11y.opentelemetry.pipeline_forecast:
    capture: captures/gateway
    collectors: "{{ otel_collector_rendered.collectors }}"
    resources: "{{ running.resources }}"
    limits: {bytes: +20%, lost_attributes: [service.name]}
    prices: {gib: 0.5, million_spans: 0.2}
    rates: {traces: 12000}
"""

RETURN = r"""
collector: {description: The collector that the forecast is of., returned: always, type: str, sample: gateway}
changes:
  description:
    - What changes for each exporter and signal, the largest change of bytes first. C(bound_percent) is by
      how many percent points the change of all telemetry may be another than that of the capture, in 95 of 100
      captures.
  returned: always
  type: list
  elements: dict
  sample:
    - exporter: otlp_grpc/backend
      signal: traces
      before: {items: 12000, bytes: 493260, series: 0}
      after: {items: 7440, bytes: 305821, series: 0}
      bound_percent: 0.9
      lost_attributes: [service.name of the resource]
      gained_attributes: []
      largest_changes: []
breaches:
  description: The limits that are passed.
  returned: always
  type: list
  elements: str
  sample: ["otlp_grpc/backend: traces: attribute service.name of the resource is lost"]
notes: {description: What the replay cannot tell., returned: always, type: list, elements: str, sample: []}
cost_per_month:
  description: What the exporters' data costs in a month by O(prices), before and after.
  returned: always
  type: dict
  sample: {before: 120.5, after: 74.7}
report: {description: The forecast as text., returned: always, type: str, sample: forecast of gateway}
failure: {description: How many limits are passed; empty if none., returned: always, type: str, sample: ""}
"""
