#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until admission webhooks answer, or tell which step hangs and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: admission_wait
short_description: Wait until admission webhooks answer, or tell which step hangs and why
version_added: 0.1.0
description:
  - A Deployment that is ready does not mean that its webhook answers.
    Its certificate must be issued, the CA be injected, and each API server must have learned of both.
  - Waits until O(webhooks) have a CA and a pod that is ready behind them, and until the server would take O(manifests).
    Nothing of these is kept, they are only tried.
  - The last try is made eight times at once over connections of their own, so that it reaches all API servers behind a
    load balancer.
  - Tries again only what may pass. That is a webhook that does not answer, a kind that is not served yet, and a server
    that is busy. A denial, an object that is not valid, a namespace that does not exist and a missing right end the
    task at once, with the server's words.
  - Fails seconds after a pod of the webhook, or one that injects the CA, cannot work.
  - When the time is over it tells which step hangs. That is the Certificate, the injection of the CA, the Service, its
    pods, TLS, or the way from the control plane to the pods.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait, since nothing was applied."}
options:
  manifests:
    description:
      - Objects that the server must take, such as one of each kind that a webhook looks after.
        Each has C(apiVersion), C(kind) and C(metadata.name), and the namespace of each must be there.
      - They are tried by server-side apply with C(dryRun=All) under the field manager C(o11y.opentelemetry).
    type: list
    elements: dict
    default: []
  webhooks:
    description:
      - What must have a CA bundle, and pods that are ready behind its Services.
      - A webhook with a URL, and a definition that is not converted by a webhook, need no CA bundle.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind. A CustomResourceDefinition is one for its conversion.
        type: str
        choices: [ValidatingWebhookConfiguration, MutatingWebhookConfiguration, CustomResourceDefinition]
        required: true
      name: {description: The name., type: str, required: true}
      api_version: {description: "The version of the API, if it is not C(v1).", type: str}
  timeout_seconds:
    description:
      - For how long to wait. The last try may take half a minute longer, as long as a server waits for a webhook.
    type: float
    default: 300
  remind_seconds:
    description:
      - After how long a configuration that is still without its CA gets an annotation, and again after as long,
        so that an injector that has missed an event looks at it once more.
      - With V(0) nothing is ever written.
    type: float
    default: 0
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.bundle_apply
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Certificates can be made
  o11y.opentelemetry.admission_wait:
    webhooks:
      - {kind: ValidatingWebhookConfiguration, name: cert-manager-webhook}
      - {kind: MutatingWebhookConfiguration, name: cert-manager-webhook}
    manifests:
      - apiVersion: cert-manager.io/v1
        kind: Issuer
        metadata: {name: admission-check, namespace: cert-manager}
        spec: {selfSigned: {}}
    timeout_seconds: 120

- name: Collectors of both versions can be made
  o11y.opentelemetry.admission_wait:
    webhooks:
      - {kind: CustomResourceDefinition, name: opentelemetrycollectors.opentelemetry.io}
    manifests: "{{ collectors }}"
"""

RETURN = r"""
msg: {description: What was waited for., returned: always, type: str, sample: "2 webhooks ready, 1 objects accepted"}
seconds: {description: How long that took., returned: when all is ready, type: float, sample: 3.1}
waited_for:
  description: When each webhook was ready and each object would be taken.
  returned: when all is ready
  type: list
  elements: dict
  contains:
    kind: {description: The kind., type: str}
    namespace: {description: "The namespace, empty for a kind of the cluster.", type: str}
    name: {description: The name., type: str}
    seconds: {description: How long after the start., type: float}
  sample:
    - {kind: ValidatingWebhookConfiguration, namespace: '', name: cert-manager-webhook, seconds: 2.4}
failures:
  description:
    - What hangs, and what is wrong with the pods behind it. The key C(id) is V(missing), V(ca), V(no_service),
      V(no_endpoints), V(certificate_name), V(certificate_time), V(untrusted), V(refused), V(unreachable), V(no_path),
      V(other), V(kind_missing) or V(server) for a step.
    - The other keys are those of M(o11y.opentelemetry.rollout_wait), whose ids a pod has, too.
  returned: when pods cannot work, and when the time is over
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.webhooks.wait import run_admission

KINDS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "CustomResourceDefinition"]
WEBHOOK = {"kind": {"required": True, "choices": KINDS}, "name": {"required": True}, "api_version": {}}


def main() -> None:
    """Wait."""
    spec = {
        "manifests": {"type": "list", "elements": "dict", "default": [], "no_log": True},
        "webhooks": {"type": "list", "elements": "dict", "default": [], "options": WEBHOOK},
        "timeout_seconds": {"type": "float", "default": 300},
        "remind_seconds": {"type": "float", "default": 0},
    }
    run_admission(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
