#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a certificate for admission webhooks in a Secret, without cert-manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: webhook_certificate
short_description: Keep a certificate for admission webhooks in a Secret, without cert-manager
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Creates a CA and a server certificate, and keeps the certificate, its key and the CA's certificate in a Secret.
    The key of the CA is not kept.
  - Replaces a certificate that ends soon or misses a host name. The old CA stays in the bundle while it is valid,
    so that the replacement interrupts nothing.
  - Keys are written only to the Secret. No result and no log shows them.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  diff_mode: {details: The change is a secret.}
options:
  name: {description: Name of the Secret., type: str, required: true}
  namespace: {description: "Namespace of the Secret; it must exist, except in check mode.", type: str, required: true}
  hosts: {description: Host names of the certificate., type: list, elements: str, required: true}
  labels: {description: Labels of the Secret., type: dict, default: {}}
  days:
    description: Validity of a certificate in days. It must be more than O(renew_days).
    type: int
    default: 365
  renew_days:
    description: How many days before its end a certificate is replaced, 0 or more.
    type: int
    default: 90
requirements:
  - cryptography
"""

EXAMPLES = r"""
# Role otel_operator calls this module.
- name: Create or renew the certificate of the operator's webhooks
  o11y.opentelemetry.webhook_certificate:
    name: "{{ release.certificate_secret }}"
    namespace: "{{ release.namespace }}"
    hosts: "{{ release.certificate_hosts }}"
  register: certificate
"""

RETURN = r"""
ca_bundle: {description: The trusted CAs as PEM., returned: success, type: str}
not_after: {description: The end of the certificate., returned: success, type: str, sample: "2027-11-20T12:00:00+00:00"}
days_left: {description: The remaining days., returned: success, type: int}
msg: {description: The action and its reason., returned: always, type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.webhook_certificate import (
    run_webhook_certificate,
)


def main() -> None:
    argument_spec = {
        "name": {"required": True},
        "namespace": {"required": True},
        "hosts": {"type": "list", "elements": "str", "required": True},
        "labels": {"type": "dict", "default": {}},
        "days": {"type": "int", "default": 365},
        "renew_days": {"type": "int", "default": 90},
    }
    run_webhook_certificate(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | argument_spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
