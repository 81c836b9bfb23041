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
  - Checks collector configs against rules and reports all that it finds at once,
    each with file, line, path, reason and what to do.
  - Reads files on the controller; needs neither a cluster nor a collector.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._collectors
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
options:
  paths:
    description: Files with a collector config each, or folders of them.
    type: list
    elements: path
    default: []
  config:
    description: A collector config, as a mapping or as YAML text.
    type: raw
  fail_on:
    description: The mildest finding that fails the task; milder ones are warnings.
    choices: [error, warning, never]
    type: str
    default: error
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is changed.
  platform:
    platforms: all
seealso:
  - module: o11y.opentelemetry.otel_render
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
"""

RETURN = r"""
findings:
  description: What was found, sorted by place.
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
checked:
  description: The configs that were checked.
  returned: success
  type: list
  elements: str
"""
