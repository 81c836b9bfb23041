#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotate namespaces for auto-instrumentation, and list workloads that run without it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instrumentation_namespaces
short_description: Annotate namespaces for auto-instrumentation, and list workloads that run without it
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Sets the annotations with which the OpenTelemetry operator instruments the pods of a namespace.
  - Namespaces may have other owners. The module changes only these annotations.
  - Changes and removes an annotation only if C(managedFields) of the namespace shows that no other field manager than
    C(o11y.opentelemetry) wrote it. Annotations of others stay, with a warning if they name one of O(references).
  - Removes its own annotations from namespaces that no longer want them.
  - The operator instruments pods at creation. The module lists workloads with older pods, and does not restart them.
    It warns of newer pods that the operator has not instrumented, because a restart alone would not help them.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  diff_mode: {support: full}
options:
  namespaces:
    description: The namespaces to annotate, each with C(metadata.name) and C(metadata.annotations).
    type: list
    elements: dict
    default: []
  references:
    description: The Instrumentations of the caller, each as C(NAMESPACE/NAME). Annotations with other values stay.
    type: list
    elements: str
    required: true
  state:
    description: With V(absent) the module removes its annotations from all namespaces.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
# Role otel_instrumentation calls this module.
- name: Annotate the namespaces of the rendered Instrumentations
  o11y.opentelemetry.instrumentation_namespaces:
    namespaces: "{{ rendered.namespaces }}"
    references: "{{ rendered.references }}"
"""

RETURN = r"""
msg: {description: The count of each action., returned: always, type: str, sample: "1 changed"}
objects:
  description: The namespaces, each with C(kind), C(name) and the C(action) of the task, such as V(changed).
  returned: success
  type: list
  elements: dict
uninstrumented:
  description:
    - The workloads whose pods are older than the annotation of their namespace, so that a restart instruments them.
      Module M(o11y.opentelemetry.workload_restart) takes them as
      O(o11y.opentelemetry.workload_restart#module:workloads).
  returned: success
  type: list
  elements: dict
  sample: [{kind: Deployment, namespace: shop, name: cart, language: python}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.live.annotate import (
    ARGUMENTS,
    run_annotate,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_annotate(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
