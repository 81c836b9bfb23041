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
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._attributes.controller
  - o11y.opentelemetry._lock
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
seealso:
  - module: o11y.opentelemetry.instrumentation_check
  - module: o11y.opentelemetry.instrumentation_namespaces
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Python applications of one namespace send to a gateway
  o11y.opentelemetry.instrumentation_render:
    instrumentations:
      - {name: default, collector: {name: gateway}, languages: {python: {}}, namespaces: [shop]}
    defaults: {namespace: opentelemetry}
"""

RETURN = r"""
manifests: {description: All objects in order., returned: success, type: list, elements: dict}
has_secrets:
  description: >-
    Whether the objects hold secrets in clear text. Then Ansible hides this result from output and logs, and later tasks
    still read it.
  returned: success
  type: bool
namespaces: {description: The namespaces with their annotations., returned: success, type: list, elements: dict}
references:
  description: The Instrumentations as annotations name them.
  returned: success
  type: list
  elements: str
  sample: [opentelemetry/default]
adopt:
  description: The releases whose objects M(o11y.opentelemetry.bundle_apply) may take over from other owners.
  returned: success
  type: list
  elements: str
  sample: []
requirements:
  description: The prerequisites, as M(o11y.opentelemetry.instrumentation_check) takes them.
  returned: success
  type: dict
"""
