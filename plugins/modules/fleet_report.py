#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of fleet_report; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Write a page about the collectors of all clusters
version_added: 0.1.0
description:
  - Writes one HTML file that needs nothing else, neither the network nor JavaScript.
    It has who sends to whom as a picture, versions, findings, verdicts, certificates, what a run would change,
    and what each collector costs.
  - Takes the results of other tasks, and touches no cluster. The same input gives the same page.
  - Secrets of configs are replaced, and no value of an object is shown.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._attributes.controller]
attributes:
  diff_mode: {details: The page is not for reading line by line.}
options:
  clusters:
    description: What is known of each cluster.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: What it is called., type: str, required: true}
      asked:
        description: Whether it was to be read; if not, the page says that nothing was.
        type: bool
        default: false
      problem: {description: Why its collectors could not be rendered., type: str, default: ""}
      rendered:
        description: The result of M(o11y.opentelemetry.otel_render), best with C(fail_on=never).
        type: dict
        default: {}
      diagnosis:
        description: The result of M(o11y.opentelemetry.collector_diagnose), or that of its failure.
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
        description: >-
          By product, C(cert-manager) and C(opentelemetry-operator), the C(provider) and the C(version) that are wanted.
        type: dict
        default: {}
  path: {description: The file; its folder is made when it is not there., type: path, required: true}
  title: {description: The title of the page., type: str, default: OpenTelemetry Collectors}
  time:
    description: When it was made, as the page says it. Without it two pages of the same state are the same.
    type: str
    default: ""
requirements:
  - Jinja2
  - PyYAML
seealso:
  - module: o11y.opentelemetry.bundle_apply
  - module: o11y.opentelemetry.collector_diagnose
  - module: o11y.opentelemetry.otel_render
  - module: o11y.opentelemetry.release_info
"""

EXAMPLES = r"""
- name: Render, whatever is wrong
  o11y.opentelemetry.otel_render:
    collectors: "{{ otel_collectors }}"
    fail_on: never
  register: rendered

- name: A page about what was rendered
  o11y.opentelemetry.fleet_report:
    clusters:
      - {name: production, rendered: "{{ rendered }}"}
    path: /srv/www/collectors.html
"""

RETURN = r"""
path: {description: Where the page is., returned: success, type: str}
summary:
  description: How many clusters, collectors, errors, warnings and so on are on it.
  returned: success
  type: dict
unread:
  description: The clusters that were to be read and could not be, at least in part, each with C(name) and C(why).
  returned: success
  type: list
  elements: dict
unrendered:
  description: The clusters whose collectors could not be rendered, each with C(name) and C(why).
  returned: success
  type: list
  elements: dict
"""
