#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of release_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_render
short_description: Decide how to change cert-manager or the OpenTelemetry operator, and render its objects
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Reads the release manifest of a product from a file, a release mirror or the project's downloads,
    and customizes namespaces, images, flags, resources and certificates.
  - Compares it with the cluster (O(installed)). Rejects downgrades, skipped minor versions, installations of other
    owners, and unsupported Kubernetes versions.
  - Reads files and downloads on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller, o11y.opentelemetry._controller.lock]
options:
  product: {description: The product., type: str, required: true, choices: [cert-manager, opentelemetry-operator]}
  state: {description: Whether the product is installed., type: str, choices: [present, absent], default: present}
  provider:
    description: The installer. V(existing) requires an installation and changes nothing.
    type: str
    choices: [manifest, helm, eks_addon, olm, existing]
    default: manifest
  version: {description: The version; empty means the tested one., type: str, default: ""}
  source: {description: "File or URL of the release manifest, instead of O(mirror).", type: str, default: ""}
  mirror:
    description: Folder or URL of a release mirror with C(PRODUCT/VERSION/MANIFEST); empty means GitHub.
    type: str
    default: ""
  sha256: {description: SHA-256 that the release manifest must have., type: str, default: ""}
  allow_privileges:
    description:
      - Privileges of the release to accept that no other release of the product has, as the error lists them.
    type: list
    elements: str
    default: []
  namespace: {description: Namespace instead of the release's own., type: str, default: ""}
  leader_election_namespace:
    description: Namespace for leader election of cert-manager, instead of C(kube-system).
    type: str
    default: ""
  image_registry: {description: Registry prefix of all images., type: str, default: ""}
  image_pull_secrets: {description: Names of registry Secrets., type: list, elements: str, default: []}
  images: {description: "Default images, by their names in C(_data/compatibility.yml).", type: dict, default: {}}
  feature_gates: {description: Feature gates of the operator., type: list, elements: str, default: []}
  watch_namespaces: {description: Namespaces of the operator; empty means all., type: list, elements: str, default: []}
  workloads:
    description:
      - By component (V(controller), V(webhook), V(cainjector); V(manager)), its C(replicas), C(resources), C(flags),
        C(env), C(node_selector), C(tolerations) and C(affinity).
    type: dict
    default: {}
  certificates:
    description: Source of the certificate of the operator's webhooks.
    type: str
    choices: [cert_manager, issuer, generated]
    default: cert_manager
  issuer: {description: "C(name), C(kind) and C(group), with O(certificates=issuer).", type: dict, default: {}}
  ca_bundle: {description: "CA bundle of the webhooks as PEM, with O(certificates=generated).", type: str, default: ""}
  installed: {description: "Result of M(o11y.opentelemetry.release_info), to compare with.", type: dict}
  foreign:
    description:
      - What to do if another owner, such as Helm or another team, has installed the product. With V(adopt) that
        installation is used unchanged, and with V(refuse) the task fails. With V(takeover) the objects become those of
        this collection if they were applied from a manifest, and the task fails for other installers.
    type: str
    choices: [adopt, refuse, takeover]
    default: refuse
  allow_skip: {description: Whether an upgrade of cert-manager may skip minor versions., type: bool, default: false}
  compatibility:
    description:
      - What to do if the version of the product does not support the cluster's Kubernetes version.
      - Newer versions of Kubernetes than those that it supports are always a warning.
    type: str
    choices: [refuse, warn]
    default: refuse
  helm_release: {description: "Name of the Helm release, with O(provider=helm).", type: str, default: ""}
  chart:
    description: Helm chart, with O(provider=helm). The version of a local chart must match O(version).
    type: str
    default: ""
  helm_values: {description: Chart values that override those from other options., type: dict, default: {}}
  eks_cluster:
    description: The EKS cluster of the connection. It excludes O(provider=helm), because helm needs a kubeconfig.
    type: dict
    default: {}
  others:
    description:
      - What to do about custom resources of other owners, with O(state=absent). With V(refuse) the task fails and lists
        them, with V(keep) they stay, and with V(remove) they are removed. Those of cert-manager are never removed.
    type: str
    choices: [refuse, keep, remove]
    default: refuse
  addon_name: {description: "Name of the EKS add-on, with O(provider=eks_addon).", type: str, default: adot}
  addon: {description: Result of M(o11y.opentelemetry.eks_addon) in check mode., type: dict, default: {}}
  addons: {description: The C(addons) of M(o11y.opentelemetry.eks_addon_info)., type: list, elements: dict, default: []}
  collectors:
    description:
      - The C(collector_images) of M(o11y.opentelemetry.otel_render), which the run deploys afterwards. A warning names
        those whose minor version differs from that of the operator, as it does for those in the cluster.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  cert_manager:
    description: Result of M(o11y.opentelemetry.release_info) for cert-manager, with O(provider=eks_addon).
    type: dict
    default: {}
  preserve: {description: "With O(state=absent), whether to keep the add-on's objects.", type: bool, default: false}
  olm:
    description:
      - With O(provider=olm), C(package), C(channel), C(source), C(source_namespace), C(csv), C(approval), C(namespace)
        and C(operator_group), like the inputs C(otel_operator_olm_*) of role otel_operator.
    type: dict
    default: {}
  olm_found: {description: "Result of M(o11y.opentelemetry.olm_info), with O(provider=olm).", type: dict}
  remove_definitions:
    description: With O(state=absent), whether to remove unused CustomResourceDefinitions of this collection.
    type: bool
    default: false
"""

EXAMPLES = r"""
# Roles cert_manager and otel_operator call this module.
- name: Decide how to install or upgrade the operator
  o11y.opentelemetry.release_render:
    product: opentelemetry-operator
    version: 0.158.0
    installed: "{{ found }}"
  register: release
"""

RETURN = r"""
action:
  description:
    - The decision. It is V(install), V(upgrade), V(unchanged), or V(adopt) if an installation of another owner is used
      as it is. With O(state=absent) it is V(remove), or V(nothing) if there is nothing to remove.
  returned: success
  type: str
  sample: install
msg: {description: The decision as text., returned: success, type: str, sample: cert-manager 1.21.2 is installed}
provider:
  description: The provider that does it. It is V(existing) if an installation of another owner is used as it is.
  returned: success
  type: str
  sample: manifest
version: {description: The version that the product has after it., returned: when O(state=present), type: str}
chart_version:
  description: The version of the Helm chart. It is empty if it is not known, and with other providers.
  returned: when O(state=present)
  type: str
namespace: {description: The namespace of the product., returned: when O(state=present), type: str}
manifests:
  description:
    - The objects to apply. With O(state=absent), the objects to remove after RV(resources). It is empty if another
      provider, such as Helm, applies the objects.
  returned: success
  type: list
  elements: dict
resources:
  description: The custom resources to remove first, while the product still runs and can finish them.
  returned: when O(state=absent)
  type: list
  elements: dict
leftovers:
  description: Objects to remove last, since the pods of the product make them anew as long as they run.
  returned: when O(state=absent)
  type: list
  elements: dict
adopt:
  description:
    - The releases whose objects M(o11y.opentelemetry.bundle_apply) may take over from other owners, for its option
      C(adopt).
  returned: always
  type: list
  elements: str
olm:
  description:
    - With O(provider=olm), the objects to apply, and what M(o11y.opentelemetry.olm_wait) waits for.
  returned: when O(state=present)
  type: dict
chart_values: {description: The values of the Helm chart., returned: when O(state=present), type: dict}
has_secrets: {description: Whether C(chart_values) holds secrets in clear text., returned: success, type: bool}
images:
  description: All images that the product needs, also those that the operator starts.
  returned: when O(state=present)
  type: list
  elements: str
workloads:
  description: The workloads that M(o11y.opentelemetry.rollout_wait) waits for.
  returned: when O(state=present)
  type: list
  elements: dict
webhooks:
  description: The webhooks that M(o11y.opentelemetry.admission_wait) waits for.
  returned: when O(state=present)
  type: list
  elements: dict
dry_run:
  description:
    - Objects that the webhooks of the product must accept, as M(o11y.opentelemetry.admission_wait) tries them. They are
      not created.
  returned: when O(state=present)
  type: list
  elements: dict
certificate_hosts:
  description: The host names for which M(o11y.opentelemetry.webhook_certificate) makes a certificate.
  returned: when O(state=present)
  type: list
  elements: str
certificate_secret:
  description: The name of the Secret for that certificate, with O(certificates=generated).
  returned: when O(state=present)
  type: str
prune_selector:
  description: The label selector of all objects of the product that this collection applies.
  returned: success
  type: str
  sample: o11y.opentelemetry/release=cert-manager
"""
