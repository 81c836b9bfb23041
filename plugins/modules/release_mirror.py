#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of release_mirror; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_mirror
short_description: List the images and write the manifests and programs that are needed without internet access
version_added: 1.0.0
description:
  - Finds the images in rendered objects, in the release manifests of cert-manager and the operator,
    and the requested ones of those that the operator starts.
  - Writes the manifests where the roles look for them in a release mirror.
  - Reads files and downloads manifests on the controller; it touches no cluster and no registry.
    A tool such as skopeo copies the images, see the playbook C(o11y.opentelemetry.mirror).
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  diff_mode: {details: A difference of release manifests is too long to read.}
options:
  clusters:
    description: The objects and products of each cluster.
    type: list
    elements: dict
    default: []
    suboptions:
      lock_file:
        description: Lock of its inventory. Manifests must have its sums. Empty or V(none) means that there is no lock.
        type: str
        default: ""
      manifests:
        description:
          - Its objects with published images, as M(o11y.opentelemetry.otel_render) and
            M(o11y.opentelemetry.instrumentation_render) return them without C(image_registry).
        type: list
        elements: dict
        default: []
      releases:
        description: The products of the cluster.
        type: list
        elements: dict
        default: []
        suboptions:
          product:
            description: The product.
            type: str
            required: true
            choices: [cert-manager, opentelemetry-operator]
          provider: {description: The provider as in the roles; empty means not installed., type: str, default: ""}
          version: {description: The version; empty means the tested one., type: str, default: ""}
          source:
            description: File or URL of the release manifest, instead of O(clusters[].releases[].mirror).
            type: str
            default: ""
          mirror: {description: Folder or URL of another release mirror; empty means GitHub., type: str, default: ""}
          sha256: {description: SHA-256 that the manifest must have., type: str, default: ""}
          allow_privileges:
            description: Privileges to accept, as M(o11y.opentelemetry.release_render) takes them.
            type: list
            elements: str
            default: []
          chart: {description: "Helm chart on disk, with provider C(helm).", type: str, default: ""}
          images: {description: "Images instead of the operator's defaults, by name.", type: dict, default: {}}
  programs:
    description:
      - The archives of programs for Linux hosts, as M(o11y.opentelemetry.host_render) returns them. They are copied
        into O(path), or only read without it.
    type: list
    elements: dict
    default: []
  path: {description: The folder of the release mirror; empty writes nothing., type: path, default: ""}
  registry: {description: The target registry with an optional path; empty means none., type: str, default: ""}
  scope:
    description:
      - Which of the images that the operator starts to include. With V(used) those of requested target allocators and
        languages of auto-instrumentation, and those that are given; with V(all) all known ones.
    type: str
    choices: [used, all]
    default: used
  compare: {description: Whether the locks count., type: bool, default: true}
  exclude: {description: Patterns of images to leave out., type: list, elements: str, default: []}
  images: {description: "More images, such as those of applications.", type: list, elements: str, default: []}
seealso:
  - module: o11y.opentelemetry.release_render
"""

EXAMPLES = r"""
- name: List the images of cert-manager and these collectors, and write the manifests
  o11y.opentelemetry.release_mirror:
    clusters:
      - manifests: "{{ rendered.manifests }}"
        releases:
          - {product: cert-manager, provider: manifest}
    path: /srv/releases
    registry: registry.example.com/mirror
"""

RETURN = r"""
images:
  description: All images, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    image:
      description: The published name of the image.
      type: str
      sample: quay.io/jetstack/cert-manager-controller:v1.21.2
    source: {description: "The same, or with the digest of the name or of the lock instead of the tag.", type: str}
    repository: {description: The image without tag and digest., type: str}
    digest: {description: The digest of the lock or of the name; empty if neither has one., type: str}
    archive: {description: The path of its archive in the mirror., type: str}
    label: {description: The name of the image in its archive; empty for an image with a digest., type: str}
    target:
      description: Its name in the registry; empty without O(registry).
      type: str
      sample: registry.example.com/mirror/jetstack/cert-manager-controller:v1.21.2
    used_by: {description: The users of the image., type: list, elements: str}
manifests:
  description: The release manifests, each with product, version, path in the mirror and sha256.
  returned: success
  type: list
  elements: dict
charts:
  description: The charts, each with name, sum and origin. A chart that is not on disk has no sum.
  returned: success
  type: list
  elements: dict
programs:
  description: The archives of programs, each with name, path in the mirror, sum and origin.
  returned: success
  type: list
  elements: dict
left_out:
  description: Products without a release manifest, which you mirror with other tools.
  returned: success
  type: list
  elements: str
"""
