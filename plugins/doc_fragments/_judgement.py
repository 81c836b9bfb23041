# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which findings count, for otel_render and pipeline_validate. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, said once."""

    DOCUMENTATION = r"""
options:
  profile:
    description: How strict the rules are.
    choices: [default, development, production]
    type: str
    default: default
  severities:
    description: Severity by rule, V(error), V(warning), V(info) or V(off), in place of what O(profile) says.
    type: dict
    default: {}
  suppressions:
    description:
      - Findings to accept, each a mapping of C(rule), C(reason) and, to narrow it, C(path) with C(*) for any text.
    type: list
    elements: dict
    default: []
"""
