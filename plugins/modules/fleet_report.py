#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of fleet_report; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Write a page about the collectors of all clusters and hosts
version_added: 1.0.0
description:
  - Writes one HTML file that needs neither the network nor JavaScript.
    It shows the topology, versions, findings, verdicts, certificates, pending changes, and the cost of each collector.
  - Takes the results of other tasks and touches no cluster and no host. The same input gives the same page.
  - Secrets of configs are replaced, and no value of an object is shown.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: A difference of pages is too long to read.}
options:
  clusters:
    description: The results of each cluster.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name of the cluster., type: str, required: true}
      asked: {description: Whether the cluster was read; the page shows if not., type: bool, default: false}
      problem: {description: Why its collectors could not be rendered., type: str, default: ""}
      rendered:
        description: The result of M(o11y.opentelemetry.otel_render), best with C(fail_on=never).
        type: dict
        default: {}
      diagnosis:
        description: The result of M(o11y.opentelemetry.collector_diagnose), also of a failed task.
        type: dict
        default: {}
      cert_manager:
        description: The result of M(o11y.opentelemetry.release_info) for cert-manager.
        type: dict
        default: {}
      operator:
        description: The result of M(o11y.opentelemetry.release_info) for the operator.
        type: dict
        default: {}
      drift: {description: The result of M(o11y.opentelemetry.bundle_apply) in check mode., type: dict, default: {}}
      products:
        description: The wanted C(provider) and C(version) of C(cert-manager) and C(opentelemetry-operator).
        type: dict
        default: {}
  hosts:
    description: The results of each Linux host.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
    suboptions:
      name: {description: Name of the host., type: str, required: true}
      asked: {description: Whether the host was read; the page shows if not., type: bool, default: false}
      problem: {description: Why its collectors could not be rendered., type: str, default: ""}
      rendered:
        description: The result of M(o11y.opentelemetry.host_render).
        type: dict
        default: {}
      diagnosis:
        description:
          - The result of M(o11y.opentelemetry.host_diagnose), also if it failed or the host cannot be reached.
        type: dict
        default: {}
  cluster_names:
    description: All clusters of the run. The page tells that the run failed for those without a row in O(clusters).
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  host_names:
    description: All Linux hosts of the run. The page tells that the run failed for those without a row in O(hosts).
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  waves:
    description:
      - The waves of the inventory, as O(o11y.opentelemetry.wave_plan#module:waves) takes them. The page then shows the
        fleet by wave.
      - Waves that cannot be planned are told on the page.
    type: raw
    version_added: 1.1.0
  path: {description: The file; a missing folder is created., type: path, required: true}
  title: {description: The title of the page., type: str, default: OpenTelemetry Collectors}
  time: {description: The time that the page shows; empty gives reproducible pages., type: str, default: ""}
requirements:
  - Jinja2
  - PyYAML
seealso:
  - module: o11y.opentelemetry.bundle_apply
  - module: o11y.opentelemetry.collector_diagnose
  - module: o11y.opentelemetry.host_diagnose
  - module: o11y.opentelemetry.otel_render
  - module: o11y.opentelemetry.release_info
  - module: o11y.opentelemetry.wave_plan
"""

EXAMPLES = r"""
- name: Render, also with findings
  o11y.opentelemetry.otel_render:
    collectors: "{{ otel_collectors }}"
    fail_on: never
  register: rendered

- name: Write a page about the rendered collectors
  o11y.opentelemetry.fleet_report:
    clusters:
      - {name: production, rendered: "{{ rendered }}"}
    path: /srv/www/collectors.html
"""

RETURN = r"""
path: {description: The path of the page., returned: success, type: str}
summary:
  description:
    - The numbers at the top of the page. They are C(clusters), C(hosts) and C(collectors); C(unread) clusters and
      C(unread_hosts), which could not be read; C(healthy), C(ailing) and C(unseen) collectors, by the diagnosis;
      C(errors) and C(warnings) among the findings; C(certificates) that are not valid or end soon; C(drift), the
      objects and files that differ from the inventory; and C(changes), the collectors whose change a run has not ended.
  returned: success
  type: dict
unread:
  description: Clusters and hosts that could not be read, each with C(name) and C(why).
  returned: success
  type: list
  elements: dict
unrendered:
  description: Clusters and hosts whose collectors could not be rendered, each with C(name) and C(why).
  returned: success
  type: list
  elements: dict
"""
