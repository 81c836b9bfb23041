# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods and containers of a collector may do on their node: user, SELinux type and capabilities. Private.

All of it is the restricted Pod Security Standard, unless a collector must be root. Source: kubernetes.io, "Pod Security
Standards".
"""

from __future__ import annotations

from typing import Any

from .build import CollectorBuild, omit_empty
from .pod_volumes import keeps_state_on_node

# The SELinux level of a pod that is not confined, such as one with type spc_t: a level without categories.
SELINUX_LEVEL = "s0"
# The security context of each container.
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def render_pod_security(build: CollectorBuild) -> dict[str, Any]:
    """Return the security context of the pod: root only to read the node's logs, or to keep state in a root folder."""
    context: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    if build.collector.selinux_type:
        context["seLinuxOptions"] = {"type": build.collector.selinux_type, "level": SELINUX_LEVEL}
    if build.needs.needs_root or _has_state_of_root(build):
        return {"runAsUser": 0, **context}
    # The user is None where the cluster chooses it. Then there are no fields of it.
    user = build.run_as_user
    return {"runAsNonRoot": True, **context, **omit_empty(runAsUser=user, runAsGroup=user, fsGroup=user)}


def _has_state_of_root(build: CollectorBuild) -> bool:
    """Return whether the collector keeps state in a folder of the node, which belongs to root."""
    return bool(build.needs.state_directories) and keeps_state_on_node(build.collector, build.platform)
