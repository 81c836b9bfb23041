# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of modules. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The usual attributes; a module states its exceptions."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Changes nothing in check mode, and predicts the changes.", support: full}
  diff_mode: {description: "Returns the difference, also in check mode.", support: none}
  platform: {description: Supported operating systems., support: full, platforms: all}
"""
