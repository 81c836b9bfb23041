#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of pipeline_migrate; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_migrate
short_description: Migrate collector configs to another version or distribution
version_added: 1.0.0
description:
  - Rewrites renamed and removed components with all references to them, and moved settings, for newer or older
    versions of the Collector.
  - Edits files in place, on the controller. Comments, order and layout stay; each file is read again and compared
    before it is written.
  - Lists the remaining manual changes, and why.
  - Takes plain configs, ConfigMaps with a config in a literal block, OpenTelemetryCollector resources, lists of them
    and rendered charts.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller, o11y.opentelemetry._controller.build]
options:
  paths:
    description: Files with collector configs, or folders of them. YAML files without a config are skipped.
    type: list
    elements: path
    default: []
    aliases: [path]
  config: {description: "A config as a mapping or YAML text, or a list of Kubernetes objects.", type: raw}
  dest: {description: "File for the result, instead of the input file. For one config only.", type: path}
  compare:
    description:
      - Whether a real Collector on the controller runs each config that changes in both forms, before a file is
        written. Each receiver gets a span, a data point and a log record, and RV(compared) says what each exporter gets
        otherwise. The configs run as in M(o11y.opentelemetry.pipeline_test).
      - V({}) uses the program of the target's distribution on C(PATH).
    type: dict
    version_added: 1.1.0
    suboptions:
      binary: {description: "Path of a Collector, or V(auto).", type: str, default: auto}
      isolation:
        description: How the Collectors are isolated, as in O(o11y.opentelemetry.pipeline_test#module:isolation).
        type: str
        choices: [auto, required, none]
        default: auto
      before:
        description:
          - Path of a Collector that runs the configs as they were, such as that of the old version. Then configs that
            do not change are compared too.
        type: str
attributes:
  diff_mode: {support: full, details: Secrets are masked.}
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.pipeline_test
"""

EXAMPLES = r"""
- name: Migrate all configs of a folder to a newer collector
  o11y.opentelemetry.pipeline_migrate:
    paths: [files/collectors]
    distribution: contrib
    version: 0.158.0
  register: moved

- name: Migrate a config, and see whether the new form does the same
  o11y.opentelemetry.pipeline_migrate:
    paths: [gateway.yaml]
    version: 0.158.0
    compare: {binary: /opt/0.158.0/otelcol-contrib, before: /opt/0.110.0/otelcol-contrib}

- name: Show the remaining manual changes
  ansible.builtin.debug:
    var: moved.unsolved
"""

RETURN = r"""
changes:
  description: The changes, also in check mode, each with its position and reason.
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
  description: The remaining manual changes, with the keys of RV(changes).
  returned: always
  type: list
  elements: dict
planned:
  description:
    - What planned versions of the Collector break, the configs that they break, and how many of these each owner has.
    - The owner is the Helm release, Argo CD application or Flux Kustomization of the object with the config, or else
      its label C(app.kubernetes.io/managed-by) and its namespace.
  returned: always
  type: list
  elements: dict
  sample:
    - version: 0.177.0
      what: does not start, without processor batch
      configs: [shop/OpenTelemetryCollector gateway]
      owners: {Helm release shop/otel: 1}
compared:
  description:
    - The configs that changed. C(records) is how many records left the old form, C(differences) what exporters lose
      (-), get in addition (+) or get with other fields (~). C(why) says why a config did not run or
      gave nothing to compare. C(same) is V(true) only if both forms ran and nothing is different.
  returned: when O(compare) is given
  type: list
  elements: dict
  version_added: 1.1.0
  sample: [{config: gateway.yaml, records: 3, differences: [], why: "", same: true}]
skipped_files: {description: YAML files without a collector config., returned: always, type: list, elements: str}
config:
  description: The result, in the form of O(config). It contains the secrets of O(config).
  returned: when O(config) is given and O(dest) is not
  type: raw
"""
