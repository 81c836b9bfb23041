#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of instrumentation_render; the work is done on the controller, by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instrumentation_render
short_description: Check and render Instrumentation resources of the OpenTelemetry operator
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Checks samplers, propagators, endpoints and the protocol of each language, and renders the resources,
    the annotations of namespaces, and the prerequisites.
  - Reads files on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller, o11y.opentelemetry._controller.lock]
options:
  instrumentations:
    description: The Instrumentations, with the options of role P(o11y.opentelemetry.otel_instrumentation#role).
    type: list
    elements: dict
    default: []
  defaults:
    description: Default options of all O(instrumentations); without these, the options of the only one.
    type: dict
    default: {}
  collectors:
    description:
      - The collectors of the inventory, of which only C(name) and C(namespace) are read. An Instrumentation that names
        one without its namespace sends to it there.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  collector_defaults:
    description: The name and the namespace of O(collectors) that have none, instead of the defaults of their role.
    type: dict
    default: {}
    version_added: 1.1.0
  for_removal:
    description:
      - Renders Instrumentations that are removed. If an option cannot be used, such as a language that does not exist,
        the task warns, and renders what follows from the names and namespaces alone.
    type: bool
    default: false
    version_added: 1.0.0
  variables_prefix:
    description:
      - Takes each option that O(defaults) lacks from the variable of its name with this prefix, if there is one, such
        as C(otel_instrumentation_endpoint) for V(otel_instrumentation_).
    type: str
    default: ""
"""

EXAMPLES = r"""
# Role otel_instrumentation calls this module.
- name: Render an Instrumentation that sends to the gateway
  o11y.opentelemetry.instrumentation_render:
    instrumentations:
      - name: shop
        namespace: shop
        endpoint: http://gateway.opentelemetry.svc:4318
        languages: {python: {}}
  register: rendered
"""

RETURN = r"""
manifests: {description: All objects in order., returned: success, type: list, elements: dict}
has_secrets: {description: Whether objects hold secrets in clear text., returned: success, type: bool}
namespaces: {description: The namespaces with their annotations., returned: success, type: list, elements: dict}
references: {description: The Instrumentations as annotations name them., returned: success, type: list, elements: str}
adopt: {description: The releases whose objects are taken over., returned: success, type: list, elements: str}
requirements: {description: The prerequisites to check., returned: success, type: dict}
"""
