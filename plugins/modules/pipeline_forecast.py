#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_forecast; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_forecast
short_description: Forecast how a change of a collector config changes what the collector sends
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
  - o11y.opentelemetry._forecast
  - o11y.opentelemetry._forecast.change
  - o11y.opentelemetry._forecast.host
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
        C(config) and C(image). With O(host_running), as M(o11y.opentelemetry.host_render) returns them.
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
  rates:
    description:
      - Items per second by signal that all pods or hosts of the collector receive, by which the cost of a month is
        computed. By default those of the capture.
    type: dict
    default: {}
  programs:
    description:
      - Path of the Collector for each image, as M(o11y.opentelemetry.collector_program) returns it. Goes before
        O(binary).
    type: dict
    default: {}
  fail_on:
    description: V(limit) fails the task if a limit is passed. With V(never), RV(failure) says so instead.
    type: str
    choices: [limit, never]
    default: limit
  markdown_path:
    description: File for the forecast as Markdown. Check mode writes nothing. A new file has mode 0600.
    type: path
  html_path:
    description: File for the forecast as a page that needs no network. Check mode writes nothing.
    type: path
  output_path: {description: File for the limits as a report in the format of JUnit., type: path}
attributes:
  diff_mode: {details: "The module writes only reports."}
seealso:
  - module: o11y.opentelemetry.forecast_reports
  - module: o11y.opentelemetry.collector_forecast
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
    - What changes for each exporter and signal, the largest change of bytes first. C(before) and C(after) are what the
      exporter sends with the old and with the new config.
    - C(bound_percent) is how exact that is. In 95 of 100 captures, the change of all telemetry differs from that of the
      capture by at most so many percent points.
    - C(only_before) and C(only_after) are the items that only one of the two configs sends, and C(kinds) the five kinds
      with most of them. A kind of log records is its event or the template of its body, its severity and its service. A
      kind of data points is its metric, and C(attributes) are those that its points of the other config lack.
    - C(series_churn) is how many series of metrics appear and end in the time of the capture, and C(known) of how many
      series that is known.
    - C(lost_attributes) are the names that no item has any more. C(partly_lost_attributes) are names that only some
      items have lost, and C(items) is how many at least. The number assumes that all items that the new config drops
      had the attribute.
  returned: always
  type: list
  elements: dict
  sample:
    - exporter: otlp_grpc/backend
      signal: logs
      before: {items: 12000, bytes: 493260, series: 0}
      after: {items: 7440, bytes: 305821, series: 0}
      bound_percent: 0.9
      only_before:
        items: 4560
        bound_percent: 0.9
        kinds: [{name: request of user <*> failed, severity: debug, service: cart, items: 4560, attributes: []}]
      only_after: {items: 0, bound_percent: 0.0, kinds: []}
      series_churn:
        before: {appear: 0, end: 0, known: 0}
        after: {appear: 0, end: 0, known: 0}
      lost_attributes: [user.id]
      partly_lost_attributes: [{name: service.name of the resource, items: 2480}]
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
  description: What the exporters' data costs in a month by O(prices), before and after, and C(text) with both in words.
  returned: always
  type: dict
  sample: {before: 120.5, after: 74.7, text: "120.50 → 74.70 (-45.80)"}
report: {description: The forecast as text., returned: always, type: str, sample: forecast of gateway}
markdown:
  description: The forecast for a pull request.
  returned: always
  type: str
  sample: "### Forecast of `gateway`"
failure: {description: How many limits are passed; empty if none., returned: always, type: str, sample: ""}
"""
