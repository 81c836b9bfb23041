#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of release_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_render
short_description: Decide what becomes of cert-manager or the OpenTelemetry operator, and build its objects
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Reads the release manifest of a product from a file, a release mirror or the project's downloads,
    and changes namespaces, images, flags, sizes and certificates as asked.
  - Compares with what is in the cluster (O(installed)) and refuses what would break it. Such are downgrades, minor
    versions that are skipped, installations of somebody else, and a Kubernetes that a release is not made for.
  - Reads files and downloads on the controller and touches no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._attributes.controller]
options:
  product: {description: The product., type: str, required: true, choices: [cert-manager, opentelemetry-operator]}
  state: {description: Whether the product shall be there., type: str, choices: [present, absent], default: present}
  provider:
    description: How it is installed; with V(existing) it only has to be there.
    type: str
    choices: [manifest, helm, eks_addon, olm, existing]
    default: manifest
  version: {description: The version; empty means the one that this collection is tested with., type: str, default: ""}
  source: {description: "File or URL of the release manifest, in place of O(mirror).", type: str, default: ""}
  mirror:
    description:
      - Folder or URL of a release mirror, which has C(PRODUCT/VERSION/MANIFEST).
      - Empty means the project's downloads on GitHub.
    type: str
    default: ""
  sha256: {description: SHA-256 that the release manifest must have., type: str, default: ""}
  namespace: {description: "Namespace in place of the release's own.", type: str, default: ""}
  leader_election_namespace:
    description: Namespace for leader election, in place of C(kube-system); only cert-manager uses that.
    type: str
    default: ""
  image_registry: {description: "Registry prefix for every image, in place of its own.", type: str, default: ""}
  image_pull_secrets:
    description: Names of Secrets with registry credentials in the product's namespace.
    type: list
    elements: str
    default: []
  images:
    description: Images that the operator starts by default, by their names in C(data/compatibility.yml).
    type: dict
    default: {}
  feature_gates:
    description: Feature gates of the operator, with a minus before those to turn off.
    type: list
    elements: str
    default: []
  watch_namespaces:
    description: Namespaces that the operator looks after; none means all.
    type: list
    elements: str
    default: []
  workloads:
    description:
      - For a component (V(controller), V(webhook), V(cainjector); V(manager)) its C(replicas), C(resources), C(flags),
        C(env), C(node_selector), C(tolerations) and C(affinity).
    type: dict
    default: {}
  certificates:
    description: Where the certificate of the operator's webhooks comes from.
    type: str
    choices: [cert_manager, issuer, generated]
    default: cert_manager
  issuer:
    description:
      - Issuer of the certificate, with O(certificates=issuer), by its C(name), C(kind), V(Issuer) or V(ClusterIssuer),
        and its C(group).
    type: dict
    default: {}
  ca_bundle: {description: "CA bundle of the webhooks as PEM, with O(certificates=generated).", type: str, default: ""}
  installed:
    description: The result of M(o11y.opentelemetry.release_info). Without it nothing is compared.
    type: dict
  foreign:
    description:
      - What to do when somebody else installed the product.
      - With V(adopt) it is used as it is, with V(refuse) the task fails.
        With V(takeover) what was applied from a manifest becomes ours; what Helm or another installer keeps is refused.
    type: str
    choices: [adopt, refuse, takeover]
    default: refuse
  allow_skip: {description: Whether an upgrade of cert-manager may skip minor versions., type: bool, default: false}
  compatibility:
    description: What to do when a version is not made for the cluster's version of Kubernetes.
    type: str
    choices: [refuse, warn]
    default: refuse
  helm_release: {description: "Name of the Helm release, with O(provider=helm).", type: str, default: ""}
  chart:
    description:
      - Helm chart, with O(provider=helm). Of a folder or an archive the version is read, and compared with O(version).
    type: str
    default: ""
  helm_values:
    description: Values of the chart, over those that follow from the other options.
    type: dict
    default: {}
  eks_cluster:
    description:
      - The EKS cluster, as the modules that connect take it.
      - O(provider=helm) is refused with it, since helm connects by a kubeconfig.
        So it is if O(installed) says that the module connected by C(eks_cluster).
    type: dict
    default: {}
  others:
    description:
      - With O(state=absent), what becomes of custom resources that this collection did not make.
      - With V(refuse) the task fails and names them. Those of cert-manager are never removed.
    type: str
    choices: [refuse, keep, remove]
    default: refuse
  addon_name: {description: "Name of the EKS add-on, with O(provider=eks_addon).", type: str, default: adot}
  addon:
    description: What M(o11y.opentelemetry.eks_addon) returned in check mode; its C(version) counts.
    type: dict
    default: {}
  addons: {description: The C(addons) of M(o11y.opentelemetry.eks_addon_info)., type: list, elements: dict, default: []}
  cert_manager:
    description: What M(o11y.opentelemetry.release_info) says of cert-manager, for O(provider=eks_addon).
    type: dict
    default: {}
  preserve: {description: "With O(state=absent), whether EKS only forgets the add-on.", type: bool, default: false}
  olm:
    description:
      - What is wanted with O(provider=olm), as C(package), C(channel), C(source), C(source_namespace), C(csv),
        C(approval), C(namespace) and C(operator_group), like the inputs C(otel_operator_olm_*) of role otel_operator.
    type: dict
    default: {}
  olm_found: {description: "What M(o11y.opentelemetry.olm_info) returned, with O(provider=olm).", type: dict}
  remove_definitions:
    description: With O(state=absent), whether unused CustomResourceDefinitions of this collection go as well.
    type: bool
    default: false
seealso:
  - module: o11y.opentelemetry.release_info
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: See what is there
  o11y.opentelemetry.release_info:
    product: cert-manager
  register: found

- name: Decide, and build the objects
  o11y.opentelemetry.release_render:
    product: cert-manager
    version: v1.21.2
    mirror: /srv/releases
    image_registry: registry.example.com
    installed: "{{ found }}"
  register: release

- name: Apply them
  o11y.opentelemetry.bundle_apply:
    manifests: "{{ release.manifests }}"
    prune_selector: "{{ release.prune_selector }}"
"""

RETURN = r"""
action:
  description: One of V(install), V(upgrade), V(unchanged) and V(adopt), or V(remove) and V(nothing).
  returned: success
  type: str
msg: {description: The same in words., returned: success, type: str}
provider:
  description: The provider to go on with; V(existing) when something of somebody else's is used as it is.
  returned: success
  type: str
version: {description: The version., returned: when O(state=present), type: str}
chart_version:
  description: The version of the Helm chart to ask for; empty for a chart on disk, and when that is not known.
  returned: when O(state=present)
  type: str
namespace: {description: The namespace., returned: when O(state=present), type: str}
manifests: {description: "The objects to apply, or to remove.", returned: success, type: list, elements: dict}
resources:
  description: Custom resources to remove before that.
  returned: when O(state=absent)
  type: list
  elements: dict
adopt:
  description: Releases whose objects M(o11y.opentelemetry.bundle_apply) takes over or removes though others made them.
  returned: always
  type: list
  elements: str
  sample: []
leftovers:
  description: What the product kept making for itself, to remove after that.
  returned: when O(state=absent)
  type: list
  elements: dict
olm:
  description:
    - The C(manifests) to apply, and C(namespace), C(subscription), C(csv) and C(approval) as
      M(o11y.opentelemetry.olm_wait) takes them.
  returned: when O(state=present) and O(provider=olm)
  type: dict
chart_values: {description: Values of the Helm chart., returned: when O(state=present), type: dict}
images:
  description: Every image that is needed, those that the product starts later included.
  returned: when O(state=present)
  type: list
  elements: str
workloads: {description: What rollout_wait waits for., returned: when O(state=present), type: list, elements: dict}
webhooks:
  description: What must have a CA bundle, as M(o11y.opentelemetry.admission_wait) takes it.
  returned: when O(state=present)
  type: list
  elements: dict
dry_run:
  description: Objects that the webhooks must let pass, as M(o11y.opentelemetry.admission_wait) takes them.
  returned: when O(state=present)
  type: list
  elements: dict
certificate_hosts:
  description: Host names of the webhooks.
  returned: when O(state=present)
  type: list
  elements: str
certificate_secret: {description: The Secret for a generated certificate., returned: when O(state=present), type: str}
prune_selector:
  description: Label selector of all objects of the product.
  returned: success
  type: str
  sample: o11y.opentelemetry/release=cert-manager
"""
