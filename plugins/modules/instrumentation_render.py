#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of instrumentation_render; the work is done on the controller, by the action plugin of that name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instrumentation_render
short_description: Check and render Instrumentation resources of the OpenTelemetry operator
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Checks samplers, propagators, endpoints and the protocol of each language, and renders the resources,
    the annotations of namespaces, and what the cluster must have before they are of use.
  - Reads files on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._attributes.controller]
options:
  instrumentations:
    description:
      - The Instrumentations, each a mapping of the options of role P(o11y.opentelemetry.otel_instrumentation#role)
        without their prefix C(otel_instrumentation_).
    type: list
    elements: dict
    default: []
  defaults:
    description:
      - The same options, for all Instrumentations that do not set them.
      - With no O(instrumentations) they describe the only one.
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
      - name: default
        collector: {name: gateway}
        languages: {python: {}}
        namespaces: [shop]
    defaults:
      namespace: opentelemetry
  register: rendered
"""

RETURN = r"""
manifests:
  description: All objects, each once, in the order in which they are applied.
  returned: success
  type: list
  elements: dict
namespaces:
  description: The namespaces to annotate, as M(o11y.opentelemetry.instrumentation_namespaces) takes them.
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Namespace
      metadata:
        name: shop
        annotations: {instrumentation.opentelemetry.io/inject-python: opentelemetry/default}
references:
  description: How annotations name each Instrumentation.
  returned: success
  type: list
  elements: str
  sample: [opentelemetry/default]
requirements:
  description: What must be so first, as M(o11y.opentelemetry.instrumentation_check) takes it.
  returned: success
  type: dict
  contains:
    languages: {description: The languages in use., type: list, elements: str}
    targets:
      description: The Services that applications will send to, and what they will send there.
      type: list
      elements: dict
    namespaces: {description: The namespaces to annotate., type: list, elements: dict}
    coming: {description: The namespaces that come with the manifests., type: list, elements: str}
    references: {description: How annotations name each Instrumentation., type: list, elements: str}
    files:
      description: The Secrets and ConfigMaps with certificates that the annotated namespaces must have.
      type: list
      elements: dict
    trials: {description: The Instrumentations., type: list, elements: dict}
"""
