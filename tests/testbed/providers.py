# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster can come from, in order of preference: one that the user asks for, one of kind's, one of our own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import cleanup, command, embedded, external, health, kind, loading
from tests.testbed.cluster import Cluster
from tests.testbed.eks import launch
from tests.testbed.errors import ClusterError, Reason, UnavailableError
from tests.testbed.home import Home, is_below
from tests.testbed.loading import Installed
from tests.testbed.netns import NAMESPACES
from tests.testbed.progress import say

Environment = Mapping[str, str]
PROVIDER, CONTEXT = "O11Y_TESTBED_PROVIDER", "O11Y_TESTBED_CONTEXT"


@dataclass(frozen=True)
class Provider:
    """One way to a cluster."""

    name: str
    lacks: Callable[[Home, Environment], Reason | None]
    up: Callable[[Cluster], None]
    down: Callable[[Cluster], None]
    missing: Callable[[Cluster], str | None]
    variables: Callable[[Cluster], dict[str, str]]
    """What `env` exports for it."""
    load: Callable[[Cluster, Sequence[Path], Installed], None] | None = None
    """How archives of images get into its nodes, where they can."""


def foreign_kubeconfig(home: Home, environment: Environment) -> str | None:
    """$KUBECONFIG, unless it is one of ours: an earlier `env` may have exported it."""
    value = environment.get("KUBECONFIG", "")
    return value if any(not is_below(path, home.clusters) for path in value.split(os.pathsep) if path) else None


def _external_lacks(home: Home, environment: Environment) -> Reason | None:
    """A cluster of the user is used only if its context is named, since tests change what its other users share."""
    kubeconfig = foreign_kubeconfig(home, environment)
    do = f"set KUBECONFIG and {PROVIDER}=external {CONTEXT}=%s to use a cluster of yours"
    if not kubeconfig:
        return Reason("KUBECONFIG names no cluster of yours", do % "<context>")
    try:
        context = external.context(kubeconfig)
    except ClusterError as failure:
        return Reason(f"the context of KUBECONFIG cannot be read: {failure.why}", do % "<context>")
    named = environment.get(CONTEXT)
    wrong = f"its context is {context}, and {CONTEXT} is {named or 'not set'}" if named != context else ""
    if environment.get(PROVIDER) != "external":
        wrong = f"{PROVIDER} does not ask for it"
    return Reason(f"KUBECONFIG names a cluster that is not the testbed's: {wrong}", do % context) if wrong else None


def _kind_lacks(_: Home, environment: Environment) -> Reason | None:
    path = environment.get("PATH")
    if not (shutil.which("kind", path=path) and shutil.which("kubectl", path=path)):
        return Reason("kind or kubectl is not on PATH", "install kind (https://kind.sigs.k8s.io) and kubectl")
    if not command.succeeds(["docker", "info"]):
        return Reason("no Docker engine answers", "start Docker, and make sure that `docker info` works")
    return None


def _makes_namespaces() -> bool:
    return command.succeeds(["unshare", "--net", "--mount", "true"])


def _filters_bridges() -> bool:
    """Services need it where client and pod are on the same bridge."""
    return Path("/proc/sys/net/bridge").exists() or command.succeeds(["modprobe", "br_netfilter"])


EMBEDDED_NEEDS: tuple[tuple[Callable[[], object], Reason], ...] = (
    (lambda: sys.platform == "linux", Reason("this is not Linux", "use a Linux machine, or kind")),
    (lambda: os.geteuid() == 0, Reason("it needs root", "run as root (sudo --preserve-env), or use kind")),
    (lambda: shutil.which("go"), Reason("there is no Go on PATH", "install Go 1.26 or later (https://go.dev/dl)")),
    (_makes_namespaces, Reason("this machine allows no network namespaces", "make `unshare --net --mount true` work")),
    (_filters_bridges, Reason("the kernel lacks br_netfilter", "load that module: modprobe br_netfilter")),
)
"""What the embedded cluster needs of the machine, and what to say where it is not there."""


def _embedded_lacks(_: Home, __: Environment) -> Reason | None:
    return next((reason for check, reason in EMBEDDED_NEEDS if not check()), None)


def _external_copy(cluster: Cluster) -> Path:
    return cluster.home.external / cluster.name


def _external_kubeconfig(cluster: Cluster) -> str:
    return external.pinned(os.environ["KUBECONFIG"], os.environ[CONTEXT], _external_copy(cluster))


def _external_variables(cluster: Cluster) -> dict[str, str]:
    kubeconfig = _external_kubeconfig(cluster)
    return {"KUBECONFIG": kubeconfig, "O11Y_TESTBED_NODE_IPS": " ".join(external.node_ips(kubeconfig))}


def _kind_variables(cluster: Cluster) -> dict[str, str]:
    kubeconfig = str(cluster.kubeconfig)
    return {"KUBECONFIG": kubeconfig, "O11Y_TESTBED_NODE_IPS": " ".join(external.node_ips(kubeconfig))}


def _embedded_variables(cluster: Cluster) -> dict[str, str]:
    return {
        "KUBECONFIG": str(cluster.kubeconfig),
        "O11Y_TESTBED_NODE_IPS": " ".join(node.ip for node in cluster.nodes),
        # For tests that run servers of their own beside the nodes.
        "O11Y_TESTBED_NODE_NAMESPACES": " ".join(str(NAMESPACES / node.namespace) for node in cluster.nodes),
        "O11Y_TESTBED_STATE": str(cluster.dir),
        **launch.variables(cluster),
    }


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            "external",
            lacks=_external_lacks,
            up=lambda cluster: external.check(_external_kubeconfig(cluster)),
            down=lambda cluster: _external_copy(cluster).unlink(missing_ok=True),
            missing=lambda cluster: external.not_ready(_external_kubeconfig(cluster)),
            variables=_external_variables,
        ),
        Provider("kind", _kind_lacks, kind.up, kind.down, kind.missing, _kind_variables, kind.load),
        Provider(
            "embedded",
            _embedded_lacks,
            embedded.up,
            cleanup.remove,
            health.missing,
            _embedded_variables,
            loading.into_embedded,
        ),
    )
}


def choose(cluster: Cluster, environment: Environment, providers: Mapping[str, Provider]) -> Provider:
    """The first provider that lacks nothing; a cluster that exists stays with the provider that made it."""
    record = cluster.read()
    names = [name for name in providers if record is None or name in {"external", record.provider}]
    reasons: dict[str, Reason] = {}
    for name in names:
        reason = providers[name].lacks(cluster.home, environment)
        if reason is None:
            if "external" in reasons and (environment.get(PROVIDER) or foreign_kubeconfig(cluster.home, environment)):
                say(f"the cluster is of {name}. {reasons['external'].why}; {reasons['external'].do}")
            return providers[name]
        reasons[name] = reason
    why = "".join(f"\n    {name}: {reason.why}" for name, reason in reasons.items())
    do = "one of" + "".join(f"\n    {name}: {reason.do}" for name, reason in reasons.items())
    raise UnavailableError("no cluster can be had on this machine", why, do)
