# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that renders the roles for who deploys a bundle. The module rights_render has its options. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.connect import run
from ..rbac_roles import roles, subject_of
from .purpose_rights import grants


def run_rights(module: AnsibleModule) -> None:
    """Return the roles that give the rights to a bundle, bound to an account if the task names one.

    This asks no cluster.
    """
    params = module.params

    def work() -> dict[str, Any]:
        needed = grants(params["manifests"], params["probes"], changes=params["changes"])
        subject = subject_of(params["account"]) if params["account"] else None
        manifests = roles(needed, params["name"], subject)
        return {"changed": False, "roles": manifests, "msg": f"{len(needed)} rights"}

    run(module, work)
