#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_test; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_test
short_description: Test what a collector config does with given telemetry
version_added: 1.1.0
description:
  - Runs the config of a collector in a real Collector on the controller, sends it the spans, metrics and log records of
    a test, and compares what reaches each exporter with what the test expects.
  - Processors, connectors and their order stay as they are. Receivers become OTLP on loopback, C(file_log) reads files
    that the test writes, and each exporter becomes an OTLP server of the test under its own id. Extensions are left
    out. The Collector runs in namespaces of its own, so that no config reads a file of the controller or reaches
    another machine; see O(isolation).
  - C(k8s_attributes) sees the pods that the test names, C(resource_detection) asks no cloud and no cluster.
  - Each test has a Collector of its own, which stops before the comparison, so that it sends what it holds.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.build
options:
  paths:
    description:
      - Files with tests, or folders of them. In a folder, the names of files with tests end in C(_test.yml) or
        C(_test.yaml).
      - See the page "Test a config" for their form.
    type: list
    elements: path
    default: []
  collectors:
    description:
      - The rendered collectors that tests name, as M(o11y.opentelemetry.otel_render) returns them; each with C(name),
        C(config) and C(image).
    type: list
    elements: dict
    default: []
  resources:
    description:
      - The objects of a cluster, as M(o11y.opentelemetry.collector_info) returns them, for tests with C(config_map)
        and for O(compare.running). An empty list is a cluster without collectors.
    type: list
    elements: dict
  binary:
    description:
      - Path of a Collector on the controller.
      - V(auto) uses the distribution's program on C(PATH) if it has the requested version.
    type: str
    default: auto
  programs:
    description:
      - Path of the Collector for each image, as M(o11y.opentelemetry.collector_program) returns it. Goes before
        O(binary). The first one also runs configs without an image.
    type: dict
    default: {}
  isolation:
    description:
      - Whether each Collector runs in namespaces of its own, which hold its program, its config and the files of the
        test. It then sees no other file, process or variable of the controller, and no network but its own loopback.
      - V(auto) isolates where the system allows it. Elsewhere a warning says so, and tests that may reach out of the
        test are refused.
      - V(required) fails if the system allows no namespaces. Use it for tests of people whom you do not trust.
      - V(none) isolates nothing, and refuses only what names another file or address. Use it for a program that needs
        more of the controller, such as a script that starts a container.
    type: str
    choices: [auto, required, none]
    default: auto
  trace:
    description: Whether a failed test shows what each processor took away and added.
    type: bool
    default: false
  coverage:
    description:
      - Whether the result says which statements, conditions, sampling policies and routes of the configs are reached by
        the records of the tests. For this, every test runs again, once for each 30 of them.
      - If no test can show whether one of them is reached, it is listed as unknown, and does not count as reached.
    type: bool
    default: false
  compare:
    description:
      - Another config, another Collector or both, which get what the tests give. RV(compared) says what each exporter
        gets otherwise. A difference fails no test.
      - With O(compare.running), the config that runs in the cluster is the old form, and the collector as the inventory
        has it the new one.
    type: dict
    suboptions:
      config: {description: "File with the other config, for tests of one config.", type: path}
      binary: {description: Path of the other Collector., type: str}
      running:
        description:
          - Whether O(collectors) are compared with what runs, which O(resources) has. Those without a test get a span,
            a data point and a log record at each receiver.
        type: bool
        default: false
  propose_path:
    description:
      - Folder for files with a case for each statement, condition, policy and route that no test reaches, one file for
        each config. Includes O(coverage). Each case was run, and expects what the Collector did. Check whether that is
        right before you move the case to the tests.
      - A file that exists is never replaced. Check mode writes nothing.
    type: path
  invariants:
    description:
      - Whether each config that O(paths) names gets a test if no file has one. So does each of O(collectors).
      - One record for each receiver and signal is sent, with an e-mail address, a card number and a token. The test
        fails if records are made up, if they are lost by a component whose purpose that is not, and if one of these
        values reaches an exporter although the config stops it on the way to another. What else leaves is named.
    type: bool
    default: false
  update_golden:
    description: Whether to write the golden files that differ, instead of failing. Check mode writes nothing.
    type: bool
    default: false
  fail_on:
    description:
      - V(failure) fails the task if a test fails, or if what O(coverage), O(propose_path) or O(compare) asks cannot be
        had.
      - With V(never), RV(failure) says so instead. Playbook C(test) shows RV(report) before it fails.
    type: str
    choices: [failure, never]
    default: failure
  output_path:
    description: File for a report in the format of JUnit; V(-) writes none. Check mode writes nothing.
    type: path
    default: "-"
attributes:
  diff_mode: {details: "The module writes only the report, golden files and proposed cases."}
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.otel_render
"""

EXAMPLES = r"""
- name: Run the tests in a folder
  o11y.opentelemetry.pipeline_test:
    paths: [tests/collectors]
    binary: /usr/local/bin/otelcol-contrib

- name: See which planted secrets a config lets through
  o11y.opentelemetry.pipeline_test:
    paths: [gateway.yaml]
    invariants: true

- name: Test the collectors of the inventory, and write a report for the CI
  o11y.opentelemetry.pipeline_test:
    paths: [tests/collectors]
    collectors: "{{ otel_collector_rendered.collectors }}"
    output_path: collectors.xml

- name: Find what the tests leave out
  o11y.opentelemetry.pipeline_test:
    paths: [tests/collectors]
    coverage: true
    propose_path: tests/proposed

- name: See what another version of the Collector does otherwise
  o11y.opentelemetry.pipeline_test:
    paths: [tests/collectors]
    compare: {binary: /opt/0.160.0/otelcol-contrib}
"""

RETURN = r"""
tests:
  description:
    - The result of each test. C(differences) are those between what it expects and what arrived, C(changes) how its
      config was changed for the test, C(golden) the golden files that were written, and C(notes) what is worth knowing
      although it is no failure. C(trace) has lines with O(trace) alone.
  returned: success or failure of a test
  type: list
  elements: dict
  sample:
    - name: Health checks are dropped
      file: tests/collectors/gateway_test.yml
      passed: false
      differences: ["otlp_grpc/backend: spans: not expected: {name: GET /health, kind: server, status: unset}"]
      changes: ["receivers.otlp: OTLP on loopback", "exporters.otlp_grpc/backend: an OTLP sink on loopback"]
      trace: []
      golden: []
      notes: []
coverage:
  description:
    - The statements, conditions, sampling policies and routes of each config. C(taken) is whether a record of a test
      reached it, and V(null) if that is not known, for the reason in C(why).
  returned: when O(coverage=true) or O(propose_path) is given
  type: list
  elements: dict
  sample:
    - file: tests/collectors/gateway.yaml
      line: 4
      path: processors.filter.traces.span[1]
      what: IsMatch(span.attributes["url.path"], "^/metrics$")
      taken: false
      why: ""
compared:
  description:
    - Each test, with what the other config or Collector does otherwise. C(records) is how many records left the config
      of the test. Exporters lose (-) records, get them in addition (+), or get other fields (~). C(why) says why one of
      the two did not run. C(same) is V(true) only if both ran and nothing is different.
  returned: when O(compare) is given
  type: list
  elements: dict
  sample:
    - name: Health checks are dropped
      file: tests/collectors/gateway_test.yml
      records: 1
      differences: ["otlp_grpc/backend: spans: + {name: GET /health, kind: server, status: unset}"]
      why: ""
      same: false
proposed:
  description:
    - A row for each statement, condition, policy and route that no test reaches. C(test) is a case that reaches it. If
      there is none, C(test) is empty, and C(why) has the reason.
  returned: when O(propose_path) is given
  type: list
  elements: dict
  sample:
    - file: tests/collectors/gateway.yaml
      line: 4
      path: processors.filter.traces.span[1]
      why: ""
      test:
        name: It takes processors.filter.traces.span[1]
        given: {to: otlp, spans: [{attributes: {url.path: /metrics}}]}
        expect: {otlp_grpc/backend: nothing}
failure:
  description: How many tests failed, or what else is wrong; empty if all is well. Its lines stand in RV(report).
  returned: success or failure of a test
  type: str
  sample: 1 of 2 tests failed
report: {description: A line for each test and difference., returned: success or failure of a test, type: str}
"""
