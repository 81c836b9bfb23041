# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module identity_render."""

from __future__ import annotations

from typing import Any

from ..module_utils._identity.assignment import IdentityRequest, assign_roles
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        request = IdentityRequest(
            provider=arguments["provider"],
            policies=arguments["policies"],
            managed_policies=tuple(arguments["managed_policies"]),
            statements=tuple(arguments["statements"]),
            cluster_name=arguments["cluster_name"],
            role_name=arguments["role_name"],
            role_arns=arguments["role_arns"],
            service_accounts=tuple(arguments["only"]),
        )
        return dict(assign_roles(arguments["service_accounts"], request))
