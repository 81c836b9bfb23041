#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_savings; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_savings
short_description: Find which part of captured telemetry is worth dropping, and the option that drops it
version_added: 1.1.0
description:
  - Finds attributes by their bytes and their values, metrics that never change, repeated templates of logs, health
    checks, debug logs, duplicates, spans without children and errors, and attributes of resources with one value.
    Each of them is a proposal, with its share of the capture, and with the option of a collector that would remove it.
  - The shares are estimated from the capture. For the proposals that save most, real Collectors on the controller also
    replay the capture with and without the option, and the result has the measured shares beside the estimated ones.
  - Computes the Instrumentation Score of each service, by those of its rules that a capture can answer.
  - Applies nothing. The Collectors run as those of M(o11y.opentelemetry.pipeline_forecast) do.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.build
  - o11y.opentelemetry._forecast
  - o11y.opentelemetry._forecast.host
options:
  capture:
    description:
      - A folder with a capture, or a file with requests of OTLP in JSON, one in each line. See
        M(o11y.opentelemetry.pipeline_forecast).
    type: path
    required: true
  config:
    description:
      - File with the config of the collector that the capture is of. Options are measured with it.
      - Without it and without O(collectors), options are measured with a config that passes everything on.
    type: path
  collectors:
    description:
      - The rendered collectors of the inventory, as M(o11y.opentelemetry.otel_render) returns them; each with C(name),
        C(config) and C(image).
    type: list
    elements: dict
    default: []
  collector:
    description:
      - The one of O(collectors) that the capture is of. By default the one that the manifest of the capture names.
    type: str
    default: ""
  keep:
    description:
      - Names of attributes that the module must not propose to drop. It never proposes attributes that tell whose
        telemetry it is and what happened, such as C(service.name) and C(http.route).
    type: list
    elements: str
    default: []
  least_percent:
    description: The least share of the bytes of the capture, in percent, that a proposal removes.
    type: float
    default: 1
  measure:
    description:
      - How many proposals real Collectors measure, beginning with the largest of each kind. With V(0), no Collector is
        started, and all shares are estimates.
    type: int
    default: 5
  tenant_attribute:
    description: The attribute of resources that names a tenant. It is never proposed.
    type: str
    default: ""
  programs:
    description:
      - Path of the Collector for each image, as M(o11y.opentelemetry.collector_program) returns it. Goes before
        O(binary).
    type: dict
    default: {}
  markdown_path: {description: File for everything as Markdown. Check mode writes nothing., type: path}
  output_path: {description: File for everything as JSON. Check mode writes nothing., type: path}
attributes:
  diff_mode: {details: "The module writes only reports."}
seealso:
  - module: o11y.opentelemetry.pipeline_forecast
  - module: o11y.opentelemetry.telemetry_capture
"""

EXAMPLES = r"""
- name: Find what is worth dropping
  o11y.opentelemetry.pipeline_savings:
    capture: captures/gateway
    config: running/gateway.yaml

- name: Only estimate, without a Collector
  o11y.opentelemetry.pipeline_savings:
    capture: captures/gateway
    measure: 0
    keep: [user.tier]
    output_path: savings.json
"""

RETURN = r"""
captured:
  description: What the capture has of each signal. Bytes are those of OTLP in JSON.
  returned: always
  type: dict
  sample: {traces: {items: 3000, bytes: 1843200}}
proposals:
  description:
    - What is worth dropping, with most bytes first. C(option) is what you put into a collector of the inventory to drop
      it, and C(loses) what you cannot see any more then.
    - C(estimated) has the share of the capture, and C(measured) the share of what the exporters send, as real
      Collectors showed it. C(not_measured) says why that was not measured.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: health_checks
      subject: /healthz
      detail: ""
      loses: Slow health checks are not seen in traces.
      estimated: {traces: {items_percent: 38.0, bytes_percent: 36.1}}
      measured: {traces: {items_percent: 38.0, bytes_percent: 36.1, sent_bytes_percent: 31.6}}
      not_measured: ""
      option: {recipes: [{drop_noise: {probe_paths: [/healthz], minimum_severity: trace}}]}
attributes:
  description: The attributes with most bytes, and those with most values.
  returned: always
  type: list
  elements: dict
  sample: [{name: user.id, size: 52000, occurrences: 2880, values: 2880, are_all_values: true}]
not_told:
  description: What the capture cannot tell, and why.
  returned: always
  type: list
  elements: dict
  sample: [{kind: health_checks, why: "url.path and http.target are masked"}]
scores:
  description:
    - The Instrumentation Score of each service, from 0 to 100. Each of C(rules) says by C(kept) whether the service
      follows the rule. C(kept) is null for a rule that the capture cannot answer, and such a rule does not count.
  returned: always
  type: list
  elements: dict
  sample: [{service: cart, score: 83.33, category: Good, rules: {}}]
notes: {description: What a reader must know., returned: always, type: list, elements: str, sample: []}
report: {description: Everything as text., returned: always, type: str, sample: savings of gateway}
"""
