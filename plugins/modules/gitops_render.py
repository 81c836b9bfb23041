#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of gitops_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gitops_render
short_description: Write the objects of a cluster as files that a GitOps tool applies
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.render) with the variable C(otel_gitops_path).
  - Writes what the roles rendered to a folder of the cluster, with a C(kustomization.yaml) for each part.
  - A file C(.o11y-render) in that folder lists the files. The next run replaces and removes these alone. The task
    fails if another file has the name of one that is needed.
  - The task fails if a secret would stand in clear text in a file.
  - The task fails if nothing was rendered for a cluster that has files, and removes none of them.
  - Warns of parts of the inventory that are in no file, of a folder that moves to another wave, and of folders whose
    clusters the inventory does not have.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
options:
  path: {description: The folder of all clusters., type: str, required: true}
  host: {description: "The host of the inventory, whose name the folder of the cluster has.", type: str, required: true}
  wave:
    description:
      - The wave of the host, which M(o11y.opentelemetry.wave_plan) returns. The folders of clusters are below a folder
        of their wave. If it is empty, there is no such folder.
    type: str
    default: ""
  compare:
    description: Whether to return what changes in the meaning of the files.
    type: bool
    default: false
  collectors:
    description: What M(o11y.opentelemetry.otel_render) returned.
    type: dict
    default: {}
  instrumentation:
    description: What M(o11y.opentelemetry.instrumentation_render) returned.
    type: dict
    default: {}
  products:
    description: The products that the inventory installs.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The part of the inventory.
        type: str
        choices: [cert-manager, operator]
        required: true
      provider: {description: How it is installed., type: str, required: true}
      certificates: {description: Where the certificates of its webhooks come from., type: str, default: ""}
      release: {description: What M(o11y.opentelemetry.release_render) returned., type: dict, default: {}}
      namespace_object: {description: The Namespace of a Helm release., type: dict, default: {}}
seealso:
  - module: o11y.opentelemetry.gitops_changes
  - module: o11y.opentelemetry.otel_render
"""

EXAMPLES = r"""
- name: Write the files of a cluster
  o11y.opentelemetry.gitops_render:
    path: clusters
    host: "{{ inventory_hostname }}"
    collectors: "{{ otel_collector_rendered }}"
"""

RETURN = r"""
folder: {description: The folder of the cluster., returned: success, type: str}
files: {description: All files in this folder that are rendered., returned: success, type: list, elements: str}
written:
  description: Those of RV(files) that are new or changed.
  returned: success
  type: list
  elements: str
removed:
  description: The files that were removed, and the folder of the cluster below an earlier wave.
  returned: success
  type: list
  elements: str
report:
  description: What M(o11y.opentelemetry.gitops_changes) takes.
  returned: success
  type: dict
  contains:
    host: {description: The host of the inventory., type: str}
    moved: {description: "How the folder of the cluster moves, as Markdown.", type: list, elements: str}
    changes:
      description: What changes in the meaning of the files, with O(compare=true).
      type: list
      elements: dict
      contains:
        subject: {description: "Whom the change is about, such as a collector.", type: str}
        aspect: {description: "What changes, such as V(pipeline), V(right) or V(port).", type: str}
        change: {description: "The change, as Markdown.", type: str}
left_out:
  description: Which parts of the inventory are in no file, and why.
  returned: success
  type: list
  elements: str
unknown:
  description: Folders whose hosts the inventory does not have.
  returned: success
  type: list
  elements: str
"""
