# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of modules. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that most modules have; a module says where it differs."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Can run without changing anything, and predicts what would change.", support: full}
  diff_mode: {description: "Returns what changes, or would change in check mode.", support: none}
  platform: {description: Operating systems that the module runs on., support: full, platforms: all}
"""

    CONTROLLER = r"""
attributes:
  action: {description: Has an action plugin that does the work on the controller., support: full}
  async: {description: Can be run with C(async)., support: none}
  bypass_host_loop: {description: "Runs once for all hosts, whatever C(run_once) says.", support: none}
"""
