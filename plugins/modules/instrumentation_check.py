#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what auto-instrumentation needs before anything is applied."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instrumentation_check
short_description: Check what auto-instrumentation needs before anything is applied
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Looks for the operator, for its switches of the languages in use, and for namespaces and certificates.
  - Looks for the Services that applications will send to, and asks each of them with an export of nothing,
    through the Kubernetes API, whether it speaks the protocol that they will use. No telemetry is made by that.
  - Fails with everything that is wrong, and with what to do. Waits for what may mend itself, such as pods that come up.
  - What the user may not look at is not checked, with a warning that says so.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "What is missing may come with the tasks before, so it is told as a warning and does not fail."}
options:
  requirements:
    description: What must be so, as M(o11y.opentelemetry.instrumentation_render) returns it.
    type: dict
    required: true
    suboptions:
      languages: {description: The languages that the operator must instrument., type: list, elements: str, default: []}
      targets:
        description:
          - The Services, each with C(namespace), C(service), C(port), C(scheme), C(path), C(protocol),
            C(signals) and C(languages).
        type: list
        elements: dict
        default: []
      namespaces:
        description: The namespaces to annotate, which must exist and have no such annotation of somebody else.
        type: list
        elements: dict
        default: []
      coming: {description: Namespaces that need not exist yet., type: list, elements: str, default: []}
      references:
        description: Our Instrumentations, each as C(NAMESPACE/NAME). An annotation with one of these values is ours.
        type: list
        elements: str
        default: []
      files:
        description: The Secrets and ConfigMaps that must exist, each with C(kind), C(namespace) and C(name).
        type: list
        elements: dict
        default: []
      trials: {description: The objects to return in RV(trials)., type: list, elements: dict, default: []}
  wait_seconds: {description: For how long to wait for the operator and the Services., type: float, default: 60}
seealso:
  - module: o11y.opentelemetry.instrumentation_render
  - module: o11y.opentelemetry.otlp_probe
"""

EXAMPLES = r"""
- name: Python applications can be instrumented
  o11y.opentelemetry.instrumentation_check:
    requirements: "{{ rendered.requirements }}"
"""

RETURN = r"""
msg: {description: Whether all is there., returned: always, type: str, sample: all there}
missing: {description: "What is missing, in check mode.", returned: success, type: list, elements: str}
operator:
  description: Namespace and name of the operator's Deployment, as far as it was found.
  returned: success
  type: dict
  sample: {namespace: opentelemetry-operator-system, name: opentelemetry-operator-controller-manager}
webhooks:
  description: How the API server asks the operator about pods, as M(o11y.opentelemetry.admission_wait) takes it.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: MutatingWebhookConfiguration, name: opentelemetry-operator-mutating-webhook-configuration}
trials:
  description: >-
    Objects to try with M(o11y.opentelemetry.admission_wait), in C(default) where their own namespace is not there yet.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.instrumentation.check import run_check

LIST = {"type": "list", "default": []}
NAMES = LIST | {"elements": "str"}
MAPPINGS = LIST | {"elements": "dict"}
REQUIREMENTS = dict.fromkeys(("languages", "coming", "references"), NAMES)
REQUIREMENTS |= dict.fromkeys(("targets", "namespaces", "files", "trials"), MAPPINGS)


def main() -> None:
    """Check."""
    spec = {
        "requirements": {"type": "dict", "required": True, "options": REQUIREMENTS},
        "wait_seconds": {"type": "float", "default": 60},
    }
    run_check(AnsibleModule(CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
