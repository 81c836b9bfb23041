# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that describe collectors. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The collectors and the folders of recipes and platforms."""

    DOCUMENTATION = r"""
options:
  collectors:
    description: The collectors, with options of role P(o11y.opentelemetry.otel_collector#role) without prefix.
    type: list
    elements: dict
    default: []
  defaults:
    description: Default options of all O(collectors); without these, the options of the only one.
    type: dict
    default: {}
  recipe_paths: {description: Your recipe folders that take precedence., type: list, elements: path, default: []}
  platform_paths: {description: Your platform folders that take precedence., type: list, elements: path, default: []}
  identity_annotations:
    description:
      - Annotations of service accounts for permissions at AWS, by C(NAMESPACE/NAME), as role
        P(o11y.opentelemetry.otel_identity#role) returns them. A change replaces the pods.
    type: dict
    default: {}
"""
