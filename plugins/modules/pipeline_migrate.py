#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_migrate; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_migrate
short_description: Move collector configs to another version or distribution
version_added: 0.1.0
description:
  - Rewrites what another version of the Collector calls or places otherwise, in either direction; renamed and removed
    components with all references to them, and settings that moved.
  - Edits files in place, on the controller. Comments, order and layout stay; each file is read again and compared
    before it is written.
  - Tells what it cannot do, and why.
  - Takes plain configs, ConfigMaps that hold one as a literal block, OpenTelemetryCollector resources, lists of them
    and rendered charts.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._attributes.controller
  - o11y.opentelemetry._build
options:
  paths:
    description: Files with collector configs, or folders of them. YAML files in a folder that hold none are skipped.
    type: list
    elements: path
    default: []
    aliases: [path]
  config:
    description: A collector config, as a mapping or as YAML text; or Kubernetes objects that hold some, as a list.
    type: raw
  dest:
    description: File to write the result to, instead of the file that was read. For one config only.
    type: path
attributes:
  diff_mode: {support: full, details: Secrets are masked.}
seealso:
  - module: o11y.opentelemetry.pipeline_validate
"""

EXAMPLES = r"""
- name: Move all configs of a folder to a newer collector
  o11y.opentelemetry.pipeline_migrate:
    paths: [files/collectors]
    distribution: contrib
    version: 0.158.0
  register: moved

- name: Show what a person has to do
  ansible.builtin.debug:
    var: moved.unsolved
"""

RETURN = r"""
changes:
  description: What was done, or would be in check mode, each with its place and the reason.
  returned: always
  type: list
  elements: dict
  sample:
    - file: agent.yaml
      line: 12
      config: agent.yaml
      path: exporters.logging
      what: logging → debug
      why: "'logging' was removed in 0.111.0."
unsolved:
  description: What a person has to do, each with its place and the reason; keys as in RV(changes).
  returned: always
  type: list
  elements: dict
skipped_files: {description: YAML files that hold no collector config., returned: always, type: list, elements: str}
config:
  description: The result, in the form in which O(config) was given. It holds the secrets that O(config) holds.
  returned: when O(config) is given and O(dest) is not
  type: raw
"""
