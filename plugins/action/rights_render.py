# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module rights_render: tells Ansible the secrets of its options."""

from __future__ import annotations

from ..plugin_utils._worker import ModuleAction


class ActionModule(ModuleAction):
    pass
