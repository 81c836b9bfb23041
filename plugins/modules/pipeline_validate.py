#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_validate; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_validate
short_description: Find every mistake in collector configs before a cluster does
version_added: 0.1.0
description:
  - Checks collector configs against rules and reports all that it finds at once, each with file, line, path, reason
    and what to do.
  - Takes plain configs, ConfigMaps that hold one, OpenTelemetryCollector resources of every version, lists of them and
    rendered charts. Workloads in the same file say where the config runs, and with which image.
  - A comment C(# o11y:) C(ignore RULE-ID reason) in a file accepts a finding on its line, or on the next one when it
    stands alone.
  - Reads files on the controller; needs neither a cluster nor a collector.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._attributes.controller
  - o11y.opentelemetry._build
  - o11y.opentelemetry._collectors
  - o11y.opentelemetry._judgement
options:
  paths:
    description: Files with collector configs, or folders of them. YAML files in a folder that hold none are skipped.
    type: list
    elements: path
    default: []
  config:
    description: A collector config, as a mapping or as YAML text; or Kubernetes objects that hold some, as a list.
    type: raw
  merge:
    description:
      - Whether the configs at O(paths) are one config in several files, as with several C(--config) of the Collector.
      - Mappings are merged deeply, all else of a later file replaces what an earlier one says.
    type: bool
    default: false
  format: {description: Format of the report., choices: [text, json, junit, sarif, github], type: str, default: text}
  output_path:
    description: File to write the report to; V(-) writes none. Nothing is written in check mode.
    type: path
    default: "-"
  binary:
    description:
      - A collector program of the controller whose C(validate) gives a second opinion, as a path.
      - V(auto) looks for the distribution's program on C(PATH) and asks it when it is of the version that is meant.
    type: str
    default: none
  fail_on:
    description:
      - The mildest finding that fails the task; the message lists all of them, and the report is written nonetheless.
      - Milder ones are warnings, but for those of severity info.
    choices: [error, warning, never]
    type: str
    default: error
attributes:
  diff_mode: {details: Nothing but the report is written.}
seealso:
  - module: o11y.opentelemetry.otel_render
  - module: o11y.opentelemetry.pipeline_migrate
"""

EXAMPLES = r"""
- name: Check the configs in a folder
  o11y.opentelemetry.pipeline_validate:
    paths: [files/collectors]

- name: Check a config that another task has read
  o11y.opentelemetry.pipeline_validate:
    config: "{{ collector_config }}"
    fail_on: never
  register: checked

- name: Check a rendered chart for production, and keep a report for the code scanner
  o11y.opentelemetry.pipeline_validate:
    paths: [rendered]
    distribution: k8s
    version: 0.158.0
    profile: production
    suppressions:
      - {rule: clear-text, path: "exporters.*.tls.insecure", reason: The mesh encrypts it}
    format: sarif
    output_path: collectors.sarif
"""

RETURN = r"""
findings:
  description: What was found, sorted by position.
  returned: success
  type: list
  elements: dict
  sample:
    - rule: undefined-reference
      severity: error
      file: agent.yaml
      line: 17
      column: 20
      path: service.pipelines.traces.exporters[0]
      message: "'otlp_grcp' is not configured; did you mean 'otlp_grpc'?"
      fix: Add it to `exporters`, or remove it here.
checked: {description: The configs that were checked., returned: success, type: list, elements: str}
suppressed:
  description: What was found and is accepted, as RV(findings), each with its reason.
  returned: success
  type: list
  elements: dict
skipped_files: {description: YAML files that hold no collector config., returned: success, type: list, elements: str}
counts:
  description: How many findings of each severity, and how many suppressed findings, checked configs and skipped files.
  returned: success
  type: dict
  sample: {error: 1, warning: 2, info: 0, suppressed: 0, checked: 3, skipped: 1}
smallest_image:
  description: The smallest official image that has all components of the checked configs; empty when there is none.
  returned: success
  type: str
second_opinion:
  description: Whether a real collector was asked (C(ran)), and which one or why not (C(reason)).
  returned: success
  type: dict
  sample: {ran: false, reason: it was not asked for}
report: {description: The report in the format that was asked for., returned: success, type: str}
"""
