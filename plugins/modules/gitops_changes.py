#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of gitops_changes; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gitops_changes
short_description: Write what changes in the files of clusters as Markdown
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.render) with the variable C(otel_gitops_changes_path).
  - The page says which pipelines, components, destinations, rights, ports, images and settings change. Clusters with
    the same changes are one section. Secrets are masked.
  - If the playbook has made forecasts by captures, they stand at the end.
  - It names the clusters of the inventory that are not rendered, as they failed or C(--limit) left them out.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
attributes:
  check_mode:
    support: partial
    details: Writes the page in check mode too, since a pull request asks only what would change.
options:
  path: {description: The file to write. It is also written in check mode., type: str, required: true}
  clusters:
    description: The C(report) of M(o11y.opentelemetry.gitops_render) for each cluster, in the order of the page.
    type: list
    elements: dict
    required: true
    suboptions:
      host: {description: The host of the inventory., type: str, required: true}
      changes: {description: How the meaning of its files changes., type: list, elements: dict, required: true}
      moved: {description: How its folder moves., type: list, elements: str, default: []}
seealso:
  - module: o11y.opentelemetry.gitops_render
"""

EXAMPLES = r"""
- name: Write what changes
  o11y.opentelemetry.gitops_changes:
    path: changes.md
    clusters:
      - "{{ written.report }}"
"""

RETURN = r"""
markdown: {description: The page., returned: success, type: str}
not_rendered: {description: Clusters of which the page says nothing., returned: success, type: list, elements: str}
"""
