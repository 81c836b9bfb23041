# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that has the kinds of OpenShift, and says what it runs on.

python -m tests.support.openshift start     definitions, and the Infrastructure that the collector's detector reads
python -m tests.support.openshift stop      takes them away, with all objects of these kinds
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.cluster import wait_until
from tests.testbed import openshift

KINDS = (
    "routes.route.openshift.io",
    "securitycontextconstraints.security.openshift.io",
    "infrastructures.config.openshift.io",
)
INFRASTRUCTURE_NAME, REGION = "testbed-x7k2p", "eu-west-1"
INFRASTRUCTURE: dict[str, Any] = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Infrastructure",
    "metadata": {"name": "cluster"},
    "spec": {"platformSpec": {"type": "AWS"}},
}
STATUS: dict[str, Any] = {
    "infrastructureName": INFRASTRUCTURE_NAME,
    "controlPlaneTopology": "SingleReplica",
    "infrastructureTopology": "SingleReplica",
    "platform": "AWS",
    "platformStatus": {"type": "AWS", "aws": {"region": REGION}},
    "apiServerURL": "https://api.testbed.example.com:6443",
}


def install_kinds() -> None:
    """Make the kinds, and the object."""
    for file in openshift.list_definitions():
        run_kubectl("apply", "--server-side", "-f", str(file))
    for kind in KINDS:
        wait_until(f"{kind} is served", lambda kind=kind: run_kubectl("get", kind, "-A", check=False))
    run_kubectl("apply", "--server-side", "-f", "-", manifest=INFRASTRUCTURE)
    run_kubectl(
        "patch", "infrastructure", "cluster", "--subresource=status", "--type=merge", f"--patch={_status_patch(STATUS)}"
    )


def remove_kinds() -> None:
    """Take all of it away."""
    run_kubectl("delete", "crd", *KINDS, "--ignore-not-found", "--timeout=60s")


def run_kubectl(*arguments: str, manifest: Any = None, check: bool = True) -> bool:
    """Run it, and return whether all went well."""
    manifest_text = None if manifest is None else json.dumps(manifest)
    completed = subprocess.run(
        ["kubectl", *arguments], input=manifest_text, capture_output=True, text=True, check=False, timeout=90
    )
    assert not check or completed.returncode == 0, completed.stderr
    return completed.returncode == 0


def _status_patch(status: dict[str, Any]) -> str:
    return json.dumps({"status": status})


if __name__ == "__main__":
    {"start": install_kinds, "stop": remove_kinds}[sys.argv[1]]()
