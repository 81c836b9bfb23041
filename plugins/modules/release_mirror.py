#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of release_mirror; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_mirror
short_description: List the images and write the manifests that clusters without the internet need
version_added: 0.1.0
description:
  - Finds every image in rendered objects, in the release manifests of cert-manager and the operator,
    and of those that the operator starts by itself the ones that are asked for.
  - Writes the manifests where the roles look for them in a release mirror.
  - Reads files and downloads manifests on the controller; no cluster and no registry is touched.
    Copying images is for a tool such as skopeo, as the playbook C(o11y.opentelemetry.mirror) lets it.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._attributes.controller]
attributes:
  diff_mode: {details: Manifests of releases are not for reading line by line.}
options:
  clusters:
    description: What each cluster gets.
    type: list
    elements: dict
    required: true
    suboptions:
      manifests:
        description:
          - Its objects with the images that are published, as M(o11y.opentelemetry.otel_render) and
            M(o11y.opentelemetry.instrumentation_render) return them without C(image_registry).
        type: list
        elements: dict
        default: []
      releases:
        description: The products that are installed there.
        type: list
        elements: dict
        default: []
        suboptions:
          product:
            description: The product.
            type: str
            required: true
            choices: [cert-manager, opentelemetry-operator]
          provider:
            description: How it is installed, as the roles have it; empty means that it is not.
            type: str
            default: ""
          version:
            description: The version; empty means the one that this release of the collection was tested with.
            type: str
            default: ""
          source:
            description: File or URL of the release manifest, in place of O(clusters[].releases[].mirror).
            type: str
            default: ""
          mirror:
            description: Folder or URL of another release mirror; empty means the project's downloads.
            type: str
            default: ""
          sha256: {description: SHA-256 that the manifest must have., type: str, default: ""}
          images:
            description: Images of the user's own in place of those that the operator starts, by their names.
            type: dict
            default: {}
  path: {description: The folder of the release mirror; empty writes nothing., type: path, default: ""}
  registry:
    description: The registry, with a path if wanted, that the images are for; empty means none.
    type: str
    default: ""
  scope:
    description:
      - Which of the images that the operator starts by itself are needed.
      - With V(used) those for target allocators and languages of auto-instrumentation that are asked for, and those
        that are given; with V(all) every one that it knows.
    type: str
    choices: [used, all]
    default: used
  exclude:
    description: Patterns of images that nobody wants, with C(*) for any text.
    type: list
    elements: str
    default: []
  images: {description: "More images, such as those of applications.", type: list, elements: str, default: []}
seealso:
  - module: o11y.opentelemetry.release_render
"""

EXAMPLES = r"""
- name: What is needed of images for cert-manager and these collectors
  o11y.opentelemetry.release_mirror:
    clusters:
      - manifests: "{{ rendered.manifests }}"
        releases:
          - {product: cert-manager, provider: manifest}
    path: /srv/releases
    registry: registry.example.com/mirror
  register: needed
"""

RETURN = r"""
images:
  description: Every image once, by name.
  returned: success
  type: list
  elements: dict
  contains:
    image:
      description: The image as it is named where it is published.
      type: str
      sample: quay.io/jetstack/cert-manager-controller:v1.21.2
    source: {description: "The same, without the tag when it has a digest too.", type: str}
    archive: {description: The place of its archive in the mirror., type: str}
    label: {description: The name of the image in its archive; empty for one that is named by digest., type: str}
    target:
      description: Its name in the registry; empty without O(registry).
      type: str
      sample: registry.example.com/mirror/jetstack/cert-manager-controller:v1.21.2
    used_by: {description: Who needs it., type: list, elements: str}
manifests:
  description: The manifests of releases, each with product, version, path in the mirror and sha256.
  returned: success
  type: list
  elements: dict
left_out:
  description: What is installed in another way than from a release, and so is for others to mirror.
  returned: success
  type: list
  elements: str
"""
