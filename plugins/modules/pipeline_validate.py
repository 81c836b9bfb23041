#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_validate; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_validate
short_description: Check collector configs before you apply them
version_added: 1.0.0
description:
  - Checks collector configs against rules and reports all findings at once, each with file, line, path, reason
    and fix.
  - Takes plain configs, ConfigMaps with a config, OpenTelemetryCollector resources of every version, lists of them and
    rendered charts. Workloads in the same file determine the deployment and the image of a config.
  - A comment C(# o11y:) C(ignore RULE-ID reason) in a file suppresses a finding on its line, or on the next line if the
    comment stands alone.
  - Reads files on the controller; needs neither a cluster nor a collector.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.build
  - o11y.opentelemetry._controller.inputs
  - o11y.opentelemetry._controller.collectors
  - o11y.opentelemetry._controller.rules
  - o11y.opentelemetry._controller.policy
options:
  paths:
    description: Files with collector configs, or folders of them. YAML files without a config are skipped.
    type: list
    elements: path
    default: []
  config: {description: "A config as a mapping or YAML text, or a list of Kubernetes objects.", type: raw}
  merge:
    description:
      - Whether O(paths) are parts of one config, as with several C(--config) of the Collector.
      - Mappings are merged deeply; a later file replaces other values of an earlier one.
    type: bool
    default: false
  format: {description: Format of the report., choices: [text, json, junit, sarif, github], type: str, default: text}
  output_path:
    description:
      - File for the report; V(-) writes none. Check mode writes nothing.
      - A file that the task reads is not replaced.
    type: path
    default: "-"
  binary:
    description:
      - Path of a collector program on the controller, whose C(validate) gives a second opinion.
      - V(auto) uses the distribution's program on C(PATH) if it has the requested version. A warning says if there is
        none.
    type: str
    default: none
  catalogue:
    description:
      - Path of a file with what a newer version of this collection knows of Collectors. It stands for what this version
        knows, so that you can check configs for a newer Collector before you update the collection.
      - C(python -m tools.catalogue.bundle FILE) writes it in a checkout of that version.
    type: path
    version_added: 1.1.0
  fail_on:
    description:
      - The least severity of a finding that fails the task; the message lists all findings, and the report is written.
      - Findings below it are warnings, except those of severity info.
    choices: [error, warning, never]
    type: str
    default: error
attributes:
  diff_mode: {details: The module writes only the report.}
seealso:
  - module: o11y.opentelemetry.otel_render
  - module: o11y.opentelemetry.pipeline_migrate
"""

EXAMPLES = r"""
- name: Check the configs in a folder
  o11y.opentelemetry.pipeline_validate:
    paths: [files/collectors]

- name: Check what is wrong with a config in any build
  o11y.opentelemetry.pipeline_validate:
    paths: [agent.yaml]
    distribution: any

- name: Check a config from another task
  o11y.opentelemetry.pipeline_validate:
    config: "{{ collector_config }}"
    fail_on: never
  register: checked

- name: Check a rendered chart for production, and write a report for the code scanner
  o11y.opentelemetry.pipeline_validate:
    paths: [rendered]
    distribution: k8s
    version: 0.158.0
    profile: production
    suppressions:
      - {rule: clear-text, path: "exporters.*.tls.insecure", reason: The mesh encrypts it}
    format: sarif
    output_path: collectors.sarif

- name: Check the configs of a folder against your own rules too
  o11y.opentelemetry.pipeline_validate:
    paths: [deploy]
    rule_paths: [deploy/rules]

- name: Check that files of other teams touch only what the platform allows
  o11y.opentelemetry.pipeline_validate:
    paths: [platform.yaml, shop.yaml]
    merge: true
    overlay_policy:
      baseline: [platform.yaml]
      components: {processors: [filter]}

- name: Check only that your own rules and their examples are right
  o11y.opentelemetry.pipeline_validate:
    rule_paths: [deploy/rules]
"""

RETURN = r"""
findings:
  description: The findings, sorted by position.
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
checked: {description: The checked configs., returned: success, type: list, elements: str}
builds:
  description:
    - The build of the Collector for which each config was checked.
    - C((default)) follows if neither the task nor an image beside the config names a build.
    - "C((latest known: VERSION)) follows if the build is newer than RV(latest_known)."
  returned: success
  type: dict
  sample: {agent.yaml: contrib 0.158.0 (default)}
latest_known:
  description: The newest version of the Collector that this collection, or O(catalogue), knows.
  returned: success
  type: str
  version_added: 1.1.0
  sample: 0.165.0
suppressed: {description: "Suppressed findings, with their reasons.", returned: success, type: list, elements: dict}
skipped_files: {description: YAML files without a collector config., returned: success, type: list, elements: str}
counts:
  description: The numbers of findings by severity, suppressed findings, checked configs and skipped files.
  returned: success
  type: dict
  sample: {error: 1, warning: 2, info: 0, suppressed: 0, checked: 3, skipped: 1}
smallest_image:
  description: The smallest official image with all components of the checked configs; empty if there is none.
  returned: success
  type: str
second_opinion:
  description: Whether a real collector validated the configs (C(ran)), and the program or why not (C(reason)).
  returned: success
  type: dict
  sample: {ran: false, reason: it was not asked for}
own_rules:
  description: Your own rules of O(rule_paths), whose examples all hold.
  returned: with O(rule_paths)
  type: list
  elements: dict
  version_added: 1.1.0
  sample:
    - {id: acme-tls, severity: error, message: It sends in clear text, file: rules/tls.yml, line: 2, examples: 3}
summary:
  description:
    - How many configs were checked, for which builds, and the numbers of findings; with O(rule_paths), how many rules
      and examples these have.
  returned: success
  type: list
  elements: str
  version_added: 1.1.0
  sample: ["1 config checked for contrib 0.158.0 (default): 0 errors, 1 warning, 0 info"]
report: {description: The report in the requested format., returned: success, type: str}
"""
