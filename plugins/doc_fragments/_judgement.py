# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of rules. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """How rules judge configs."""

    DOCUMENTATION = r"""
options:
  profile:
    description: The strictness of the rules.
    choices: [default, development, production]
    type: str
    default: default
  severities:
    description: Severities by rule, V(error), V(warning), V(info) or V(off), that override O(profile).
    type: dict
    default: {}
  suppressions:
    description: Findings to suppress, each with C(rule), C(reason) and an optional C(path) with C(*) for any text.
    type: list
    elements: dict
    default: []
"""
