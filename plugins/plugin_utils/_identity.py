# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requested identities of a task. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.aws.assignment import POLICIES, IdentityRequest, assigned
from ..module_utils._core.aws.identity import ANNOTATIONS

ARGUMENTS: dict[str, dict[str, Any]] = {
    "service_accounts": {"type": "list", "elements": "dict", "required": True},
    "provider": {"choices": sorted(ANNOTATIONS), "required": True},
    "policies": {"choices": list(POLICIES), "default": "derived"},
    "managed_policies": {"type": "list", "elements": "str", "default": []},
    "statements": {"type": "list", "elements": "dict", "default": []},
    "cluster_name": {"type": "str", "default": ""},
    "role_name": {"type": "str", "default": ""},
    "role_arns": {"type": "dict", "default": {}},
    "only": {"type": "list", "elements": "str", "default": []},
}


def decide(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the role of each identity."""
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
    return assigned(arguments["service_accounts"], request)
