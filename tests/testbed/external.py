# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that somebody else runs, spoken to with the kubectl that is on PATH."""

from __future__ import annotations

from pathlib import Path

from tests.testbed import command
from tests.testbed.errors import ClusterError


def _run_kubectl(kubeconfig: str, *arguments: str) -> str:
    advice = "repair the cluster or its kubeconfig, or unset KUBECONFIG to get a cluster of the testbed's own"
    command_prefix = ["kubectl", f"--kubeconfig={kubeconfig}"] if ":" not in kubeconfig else ["kubectl"]
    return command.run([*command_prefix, *arguments], do=advice)


def current_context(kubeconfig: str) -> str:
    """The context that clients use without another choice."""
    return _run_kubectl(kubeconfig, "config", "current-context").strip()


def pin_context(kubeconfig: str, context: str, copied_file: Path) -> str:
    """Copy one context, and return the copy's path: `kubectl config use-context` of the user does not change it."""
    kubeconfig_text = _run_kubectl(kubeconfig, "config", "view", "--minify", "--flatten", f"--context={context}")
    copied_file.parent.mkdir(parents=True, exist_ok=True)
    draft = copied_file.with_name(f"{copied_file.name}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(kubeconfig_text)
    draft.rename(copied_file)
    return str(copied_file)


def check_ready(kubeconfig: str) -> None:
    """Fail unless the API server is ready."""
    _run_kubectl(kubeconfig, "get", "--request-timeout=10s", "--raw", "/readyz")


def find_unreadiness(kubeconfig: str) -> str | None:
    """None while the API server is ready."""
    try:
        check_ready(kubeconfig)
    except ClusterError as error:
        return f"{error.what}: {error.why}"
    return None


def list_node_ips(kubeconfig: str) -> list[str]:
    """The nodes' internal addresses."""
    path = '{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{" "}{end}'
    return _run_kubectl(kubeconfig, "get", "--request-timeout=10s", "nodes", f"--output=jsonpath={path}").split()
