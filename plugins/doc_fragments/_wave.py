# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that watch a member of a wave, and note that it passed. Private.

A wave is a group of hosts that change together, and a member one of them: a Linux host, or one that stands for a
cluster. To watch a member is to read for some time what its collectors count.
"""

from __future__ import annotations


class ModuleDocFragment:
    """The seconds of a watch, and the wave that was passed."""

    DOCUMENTATION = r"""
options:
  seconds:
    description:
      - How long to read. 0 reads once. In a wave, a member whose collectors did not change, and passed a wave before,
        is read once too, as is one to which the run has applied nothing.
    type: float
    default: 0
  passed:
    description: The wave that the collectors have passed. With it nothing is read.
    type: dict
    suboptions:
      wave: {description: Its name., type: str, required: true}
      by: {description: Who ran the playbook., type: str, required: true}
      collectors:
        description: The collectors that were watched and judged, as the gate returns them.
        type: list
        elements: dict
        required: true
        suboptions:
          name: {description: Its name., type: str, required: true}
          release: {description: The release that was in use., type: str, required: true}
          written:
            description: When the release was written, as the reading of a host returns it. Empty for a cluster.
            type: str
            default: ""
          sum: {description: The sum of what makes this release., type: str, required: true}
"""
