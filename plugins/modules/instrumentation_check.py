#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what auto-instrumentation needs before anything is applied."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instrumentation_check
short_description: Check the prerequisites of auto-instrumentation before anything is applied
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Checks the operator, its feature gates for the languages in use, namespaces and certificates.
  - Checks the Services that applications will send to. An empty export to each, through the Kubernetes API, shows
    whether it speaks the protocol that they will use.
  - Fails with all problems and their fixes. Waits for problems that can pass, such as pods that start.
  - Warns about objects that the user may not read.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Missing objects are warnings, because earlier tasks may create them."}
options:
  requirements:
    description: The prerequisites, as M(o11y.opentelemetry.instrumentation_render) returns them.
    type: dict
    required: true
    suboptions:
      languages: {description: The languages in use., type: list, elements: str, default: []}
      targets:
        description:
          - The Services, each with C(namespace), C(service), C(port), C(scheme), C(path), C(protocol),
            C(signals) and C(languages).
        type: list
        elements: dict
        default: []
      namespaces: {description: The namespaces with their annotations., type: list, elements: dict, default: []}
      coming: {description: Namespaces that the manifests create., type: list, elements: str, default: []}
      references: {description: The Instrumentations of the caller., type: list, elements: str, default: []}
      files: {description: The required Secrets and ConfigMaps., type: list, elements: dict, default: []}
      trials: {description: The objects to return in RV(trials)., type: list, elements: dict, default: []}
  wait_seconds: {description: How long to wait for the operator and the Services., type: float, default: 60}
"""

EXAMPLES = r"""
# Role otel_instrumentation calls this module.
- name: Check what the rendered Instrumentations need
  o11y.opentelemetry.instrumentation_check:
    requirements: "{{ rendered.requirements }}"
    wait_seconds: 120
"""

RETURN = r"""
msg: {description: The result., returned: always, type: str}
missing:
  description:
    - In check mode, what Instrumentations need and the cluster does not have. Without check mode, the task fails for
      it, so that this is empty.
  returned: success
  type: list
  elements: str
  sample: [there is no namespace shop to annotate]
operator:
  description: C(namespace) and C(name) of the operator's Deployment; empty if there is none.
  returned: success
  type: dict
webhooks:
  description: The operator's webhooks for pods, as M(o11y.opentelemetry.admission_wait) takes them.
  returned: success
  type: list
  elements: dict
trials:
  description: Objects that the API server must accept in a dry run, as M(o11y.opentelemetry.admission_wait) takes them.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.live.prerequisites import (
    ARGUMENTS,
    run_check,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_check(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
