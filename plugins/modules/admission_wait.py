#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until admission webhooks answer, or report the step that hangs and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: admission_wait
short_description: Wait until admission webhooks answer, or report the step that hangs and why
version_added: 1.0.0
description:
  - A ready Deployment does not prove that its webhook answers.
    Its certificate must be issued, the CA be injected, and each API server must know both.
  - Waits until O(webhooks) have a CA and a ready pod, and until the server accepts O(manifests) in a dry run.
  - The last dry run is sent eight times at once over separate connections, to reach all API servers behind a
    load balancer.
  - Retries only errors that can pass, such as a webhook that does not answer, a kind that is not served yet, and a busy
    server. Other errors, such as a denial, an invalid object, a missing namespace or a missing permission, end the
    task at once, with the server's message.
  - Fails seconds after a pod of the webhook, or one that injects the CA, cannot run.
  - After the timeout it reports the step that hangs, which is the Certificate, the injection of the CA, the Service,
    its pods, TLS, or the connection from the control plane to the pods.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait, because nothing was applied."}
options:
  manifests:
    description:
      - Objects that the server must accept, such as one of each kind that a webhook checks.
        Each has C(apiVersion), C(kind) and C(metadata.name), and an existing namespace.
      - The dry run is a server-side apply with C(dryRun=All) and the field manager C(o11y.opentelemetry).
    type: list
    elements: dict
    default: []
  webhooks:
    description:
      - Objects that must have a CA bundle, and ready pods behind their Services.
      - A webhook with a URL, and a definition without a conversion webhook, need no CA bundle.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind. A CustomResourceDefinition is checked for its conversion webhook.
        type: str
        choices: [ValidatingWebhookConfiguration, MutatingWebhookConfiguration, CustomResourceDefinition]
        required: true
      name: {description: The name., type: str, required: true}
      api_version: {description: "The version of the API, if not C(v1).", type: str}
  timeout_seconds: {description: "How long to wait, except for the last dry run.", type: float, default: 300}
  remind_seconds:
    description:
      - After how long a configuration without its CA gets an annotation, again and again, so that an injector that
        missed an event reads the object. With V(0) nothing is written.
    type: float
    default: 0
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.bundle_apply
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: Wait until the API server accepts Issuers
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

- name: Wait until the API server accepts collectors of both versions
  o11y.opentelemetry.admission_wait:
    webhooks:
      - {kind: CustomResourceDefinition, name: opentelemetrycollectors.opentelemetry.io}
    manifests: "{{ collectors }}"
"""

RETURN = r"""
msg: {description: The result., returned: always, type: str, sample: "ready webhooks: 2, accepted objects: 1"}
seconds: {description: The duration., returned: when all is ready, type: float, sample: 3.1}
waited_for:
  description:
    - The webhooks and objects, each with C(kind), C(namespace), C(name), and the C(seconds) until it was ready.
  returned: when all is ready
  type: list
  elements: dict
  sample: [{kind: ValidatingWebhookConfiguration, namespace: '', name: cert-manager-webhook, seconds: 2.4}]
failures:
  description:
    - The steps that hang, and failures of the pods behind them. The C(id) of a step is V(missing), V(ca),
      V(no_service), V(no_endpoints), V(certificate_name), V(certificate_time), V(untrusted), V(refused),
      V(unreachable), V(no_path), V(other), V(kind_missing) or V(server).
    - The other keys, and the ids of pods, are those of M(o11y.opentelemetry.rollout_wait).
  returned: when pods cannot run, and after the timeout
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.webhook_wait import (
    ARGUMENTS,
    run_admission_wait,
)


def main() -> None:
    run_admission_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
