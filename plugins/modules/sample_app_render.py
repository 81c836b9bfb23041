#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of sample_app_render; the work is done on the controller, by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sample_app_render
short_description: Render a sample application with the OpenTelemetry SDK
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Chooses the collector that the application sends to, and renders two services, the second behind the first.
  - Reads files on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller, o11y.opentelemetry._controller.lock]
options:
  options:
    description: The options of role P(o11y.opentelemetry.otel_sample_app#role) without prefix.
    type: dict
    required: true
  collectors:
    description: The collectors of the inventory, as M(o11y.opentelemetry.otel_render) returns them.
    type: list
    elements: dict
    default: []
  probes:
    description: How to probe these collectors, as M(o11y.opentelemetry.otel_render) returns it.
    type: list
    elements: dict
    default: []
  platform_paths:
    description: Your platform folders that take precedence.
    type: list
    elements: path
    default: []
  for_removal:
    description: Renders an application that is removed, so that it is not checked where it sends to.
    type: bool
    default: false
    version_added: 1.1.0
"""

EXAMPLES = r"""
# Role otel_sample_app calls this module.
- name: Render a sample application that sends to the collectors of the inventory
  o11y.opentelemetry.sample_app_render:
    options: "{{ sample_app_options }}"
    collectors: "{{ otel_collector_rendered.collectors }}"
    probes: "{{ otel_collector_rendered.probes }}"
"""

RETURN = r"""
manifests: {description: All objects in order., returned: success, type: list, elements: dict}
has_secrets: {description: Whether objects hold secrets in clear text., returned: success, type: bool}
workloads: {description: The Deployments., returned: success, type: list, elements: dict}
prune_selector: {description: The label selector of the objects., returned: success, type: str}
collector:
  description: The collector that the application sends to. It is empty if the options name an endpoint instead.
  returned: success
  type: str
endpoint: {description: The URL that the application sends to., returned: success, type: str}
via:
  description: The first service, for option C(via) of M(o11y.opentelemetry.sample_app_call).
  returned: success
  type: dict
services:
  description: The services in the order in which they call each other, for option C(services) of that module.
  returned: success
  type: list
  elements: str
counts:
  description:
    - The pods of the chosen collector, and the port of their own metrics, for option C(counts) of that module. It is
      empty if O(probes) has nothing for that collector.
  returned: success
  type: dict
pods:
  description: The pods whose logs may show the trace, for option C(pods) of that module.
  returned: success
  type: list
  elements: dict
"""
