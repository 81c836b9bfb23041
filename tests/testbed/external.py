# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that somebody else runs, spoken to with the kubectl that is on PATH."""

from __future__ import annotations

from pathlib import Path

from tests.testbed import command
from tests.testbed.errors import ClusterError


def _kubectl(kubeconfig: str, *arguments: str) -> str:
    do = "repair the cluster or its kubeconfig, or unset KUBECONFIG to get a cluster of the testbed's own"
    argv = ["kubectl", f"--kubeconfig={kubeconfig}"] if ":" not in kubeconfig else ["kubectl"]
    return command.run([*argv, *arguments], do=do)


def context(kubeconfig: str) -> str:
    """The context that clients use without another choice."""
    return _kubectl(kubeconfig, "config", "current-context").strip()


def pinned(kubeconfig: str, context: str, copy: Path) -> str:
    """Copy one context, and return the copy's path: `kubectl config use-context` of the user does not change it."""
    text = _kubectl(kubeconfig, "config", "view", "--minify", "--flatten", f"--context={context}")
    copy.parent.mkdir(parents=True, exist_ok=True)
    draft = copy.with_name(f"{copy.name}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(copy)
    return str(copy)


def check(kubeconfig: str) -> None:
    """Fail unless the API server is ready."""
    _kubectl(kubeconfig, "get", "--request-timeout=10s", "--raw", "/readyz")


def not_ready(kubeconfig: str) -> str | None:
    """None while the API server is ready."""
    try:
        check(kubeconfig)
    except ClusterError as failure:
        return f"{failure.what}: {failure.why}"
    return None


def node_ips(kubeconfig: str) -> list[str]:
    """The nodes' internal addresses."""
    path = '{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{" "}{end}'
    return _kubectl(kubeconfig, "get", "--request-timeout=10s", "nodes", f"--output=jsonpath={path}").split()
