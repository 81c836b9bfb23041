# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that renders the roles for who deploys a bundle. The module rights_render has its options. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.task_end import run
from ..rbac_roles import build_roles, build_subject
from .purpose_rights import list_grants


def run_rights(module: AnsibleModule) -> None:
    """End the task with the roles that give the rights to a bundle, bound to an account if the task names one.

    This asks no cluster.
    """
    params = module.params

    def render_roles() -> dict[str, Any]:
        needed_grants = list_grants(params["manifests"], params["probes"], changes=params["changes"])
        subject = build_subject(params["account"]) if params["account"] else None
        manifests = build_roles(needed_grants, params["name"], subject)
        return {"changed": False, "roles": manifests, "msg": f"{len(needed_grants)} rights"}

    run(module, render_roles)
