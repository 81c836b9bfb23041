# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that describe collectors, for otel_render and pipeline_validate. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, said once."""

    DOCUMENTATION = r"""
options:
  collectors:
    description:
      - The collectors, each a mapping of the options of role P(o11y.opentelemetry.otel_collector#role)
        without their prefix C(otel_collector_).
    type: list
    elements: dict
    default: []
  defaults:
    description:
      - The same options, for all collectors that do not set them.
      - With no O(collectors) they describe the only collector.
    type: dict
    default: {}
  recipe_paths:
    description: Folders with recipes of your own, searched before those of the role.
    type: list
    elements: path
    default: []
  platform_paths:
    description: Folders with platform files of your own, searched before those of the role.
    type: list
    elements: path
    default: []
  identity_annotations:
    description:
      - What service accounts carry so that their pods have rights at AWS, by C(NAMESPACE/NAME), as role
        P(o11y.opentelemetry.otel_identity#role) hands it over. Pods are replaced when it changes.
    type: dict
    default: {}
"""
