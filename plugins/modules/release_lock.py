#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of release_lock; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lock
short_description: Write the sums of manifests, charts and images to the lock of an inventory
version_added: 1.0.0
description:
  - Called by the playbooks C(o11y.opentelemetry.lock) and C(o11y.opentelemetry.mirror).
  - Writes a YAML file with a SHA-256 for each manifest, chart, image, archive and program, sorted by name.
    The same sums give the same file. What keeps its sum keeps its origin.
  - The file has no user, password or query of an address.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  check_mode: {support: full}
  diff_mode: {support: full, details: Shows the lines of the file that change.}
options:
  path: {description: The file., type: path, required: true}
  state:
    description:
      - V(present) writes the file. V(verified) compares the archives in O(archives) with the file, and fails with both
        sums if one differs.
    type: str
    choices: [present, verified]
    default: present
  manifests:
    description: Release manifests, as M(o11y.opentelemetry.release_mirror) returns them.
    type: list
    elements: dict
    default: []
  charts: {description: "Helm charts, in the same form.", type: list, elements: dict, default: []}
  images:
    description: Images, as M(o11y.opentelemetry.release_mirror) returns them.
    type: list
    elements: dict
    default: []
  digests:
    description: The digest of each image in O(images), in the same order. Empty if the registry does not answer.
    type: list
    elements: str
    default: []
  pushed:
    description: Whether the digests are those of the registry that the images were copied to.
    type: bool
    default: false
  archives:
    description: Folder of a release mirror with archives of the images. Their sums are written or compared.
    type: path
    default: ""
  mirror:
    description: Folder of a release mirror. The lock in it has the digests of images whose registry does not answer.
    type: str
    default: ""
  programs:
    description:
      - Archives of programs for Linux hosts, as M(o11y.opentelemetry.release_mirror) returns them. With it, the lock
        gets these programs and keeps all else. Without it, the lock keeps its programs.
    type: list
    elements: dict
  exclude:
    description: Patterns of images that are used without a digest, with C(*) for any text.
    type: list
    elements: str
    default: []
seealso:
  - module: o11y.opentelemetry.release_mirror
"""

EXAMPLES = r"""
- name: Lock a manifest
  o11y.opentelemetry.release_lock:
    path: "{{ inventory_dir }}/otel.lock.yml"
    manifests: "{{ mirrored.manifests }}"
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
"""
