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
from tests.testbed.netns import NAMESPACES_FOLDER
from tests.testbed.progress import say

Environment = Mapping[str, str]
PROVIDER_VARIABLE, CONTEXT_VARIABLE = "O11Y_TESTBED_PROVIDER", "O11Y_TESTBED_CONTEXT"


@dataclass(frozen=True)
class Provider:
    """One way to a cluster."""

    name: str
    lacks: Callable[[Home, Environment], Reason | None]
    """Why this machine cannot have such a cluster; None if it can."""
    up: Callable[[Cluster], None]
    down: Callable[[Cluster], None]
    missing: Callable[[Cluster], str | None]
    """What the cluster lacks to be up; None if it is up."""
    variables: Callable[[Cluster], dict[str, str]]
    """The environment variables that `env` exports."""
    load: Callable[[Cluster, Sequence[Path], Installed], None] | None = None
    """Loads archives of images into the nodes; None for a provider that cannot."""


def find_foreign_kubeconfig(home: Home, environment: Environment) -> str | None:
    """Return $KUBECONFIG if it has a file that is not of the testbed.

    An earlier `env` may have exported a kubeconfig of the testbed: then the answer is None.
    """
    kubeconfig = environment.get("KUBECONFIG", "")
    for path in kubeconfig.split(os.pathsep):
        if path and not is_below(path, home.clusters):
            return kubeconfig
    return None


def _find_external_obstacle(home: Home, environment: Environment) -> Reason | None:
    """A cluster of the user is used only if its context is named, since tests change what its other users share."""
    kubeconfig = find_foreign_kubeconfig(home, environment)
    if not kubeconfig:
        return Reason("KUBECONFIG names no cluster of yours", _advise_external("<context>"))
    try:
        context_name = external.current_context(kubeconfig)
    except ClusterError as error:
        reason = f"the context of KUBECONFIG cannot be read: {error.why}"
        return Reason(reason, _advise_external("<context>"))
    if environment.get(PROVIDER_VARIABLE) != "external":
        mismatch = f"{PROVIDER_VARIABLE} does not ask for it"
    elif environment.get(CONTEXT_VARIABLE) != context_name:
        mismatch = (
            f"its context is {context_name}, and {CONTEXT_VARIABLE} is {environment.get(CONTEXT_VARIABLE) or 'not set'}"
        )
    else:
        return None
    return Reason(f"KUBECONFIG names a cluster that is not the testbed's: {mismatch}", _advise_external(context_name))


def _advise_external(context: str) -> str:
    return f"set KUBECONFIG and {PROVIDER_VARIABLE}=external {CONTEXT_VARIABLE}={context} to use a cluster of yours"


def _find_kind_obstacle(_: Home, environment: Environment) -> Reason | None:
    path = environment.get("PATH")
    if not (shutil.which("kind", path=path) and shutil.which("kubectl", path=path)):
        return Reason("kind or kubectl is not on PATH", "install kind (https://kind.sigs.k8s.io) and kubectl")
    if not command.can_run(["docker", "info"]):
        return Reason("no Docker engine answers", "start Docker, and make sure that `docker info` works")
    return None


def _is_linux() -> bool:
    return sys.platform == "linux"


def _is_root() -> bool:
    return os.geteuid() == 0


def _has_go() -> bool:
    return shutil.which("go") is not None


def _can_make_namespaces() -> bool:
    return command.can_run(["unshare", "--net", "--mount", "true"])


def _can_filter_bridges() -> bool:
    """Whether iptables sees packets of bridges. Services need that if client and pod are on the same bridge."""
    return Path("/proc/sys/net/bridge").exists() or command.can_run(["modprobe", "br_netfilter"])


EMBEDDED_CHECKS: tuple[tuple[Callable[[], bool], Reason], ...] = (
    (_is_linux, Reason("this is not Linux", "use a Linux machine, or kind")),
    (_is_root, Reason("it needs root", "run as root (sudo --preserve-env), or use kind")),
    (_has_go, Reason("there is no Go on PATH", "install Go 1.26 or later (https://go.dev/dl)")),
    (
        _can_make_namespaces,
        Reason("this machine allows no network namespaces", "make `unshare --net --mount true` work"),
    ),
    (_can_filter_bridges, Reason("the kernel lacks br_netfilter", "load that module: modprobe br_netfilter")),
)
"""What the embedded cluster needs of the machine: a check, and the reason to give if the check fails."""


def _find_embedded_obstacle(_: Home, __: Environment) -> Reason | None:
    for is_met, reason in EMBEDDED_CHECKS:
        if not is_met():
            return reason
    return None


def _external_copy_path(cluster: Cluster) -> Path:
    """Return where the copy of the user's kubeconfig is, which has the checked context alone."""
    return cluster.home.external / cluster.name


def _copy_external_kubeconfig(cluster: Cluster) -> str:
    """Make the copy of the user's kubeconfig, and return its path."""
    return external.pin_context(os.environ["KUBECONFIG"], os.environ[CONTEXT_VARIABLE], _external_copy_path(cluster))


def _check_external(cluster: Cluster) -> None:
    external.check_ready(_copy_external_kubeconfig(cluster))


def _forget_external(cluster: Cluster) -> None:
    """Forget the copy of the kubeconfig; the cluster is the user's, and stays."""
    _external_copy_path(cluster).unlink(missing_ok=True)


def _find_external_fault(cluster: Cluster) -> str | None:
    return external.find_unreadiness(_copy_external_kubeconfig(cluster))


def _external_variables(cluster: Cluster) -> dict[str, str]:
    return _kubeconfig_variables(_copy_external_kubeconfig(cluster))


def _kind_variables(cluster: Cluster) -> dict[str, str]:
    return _kubeconfig_variables(str(cluster.kubeconfig))


def _kubeconfig_variables(kubeconfig: str) -> dict[str, str]:
    return {"KUBECONFIG": kubeconfig, "O11Y_TESTBED_NODE_IPS": " ".join(external.list_node_ips(kubeconfig))}


def _embedded_variables(cluster: Cluster) -> dict[str, str]:
    return {
        "KUBECONFIG": str(cluster.kubeconfig),
        "O11Y_TESTBED_NODE_IPS": " ".join(node.ip for node in cluster.nodes),
        # For tests that run servers of their own beside the nodes.
        "O11Y_TESTBED_NODE_NAMESPACES": " ".join(str(NAMESPACES_FOLDER / node.namespace) for node in cluster.nodes),
        "O11Y_TESTBED_STATE": str(cluster.dir),
        **launch.list_variables(cluster),
    }


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            "external",
            lacks=_find_external_obstacle,
            up=_check_external,
            down=_forget_external,
            missing=_find_external_fault,
            variables=_external_variables,
        ),
        Provider(
            "kind",
            lacks=_find_kind_obstacle,
            up=kind.start_cluster,
            down=kind.remove_cluster,
            missing=kind.find_fault,
            variables=_kind_variables,
            load=kind.load_archives,
        ),
        Provider(
            "embedded",
            lacks=_find_embedded_obstacle,
            up=embedded.start_cluster,
            down=cleanup.remove_cluster,
            missing=health.find_current_fault,
            variables=_embedded_variables,
            load=loading.load_into_embedded,
        ),
    )
}


def choose_provider(cluster: Cluster, environment: Environment, providers: Mapping[str, Provider]) -> Provider:
    """Return the first provider that lacks nothing. A cluster that exists stays with the provider that made it.

    A cluster of the user takes precedence over both. Raises UnavailableError with all reasons if no provider is left.
    """
    record = cluster.read_record()
    reasons: dict[str, Reason] = {}
    for name, provider in providers.items():
        if record is not None and name not in {"external", record.provider}:
            continue
        reason = provider.lacks(cluster.home, environment)
        if reason is None:
            _explain_choice(name, reasons, cluster.home, environment)
            return provider
        reasons[name] = reason
    reasons_text = "".join(f"\n    {name}: {reason.why}" for name, reason in reasons.items())
    advice_text = "one of" + "".join(f"\n    {name}: {reason.do}" for name, reason in reasons.items())
    raise UnavailableError("no cluster can be had on this machine", reasons_text, advice_text)


def _explain_choice(name: str, reasons: Mapping[str, Reason], home: Home, environment: Environment) -> None:
    """Tell users who may expect their own cluster why another provider was chosen."""
    reason = reasons.get("external")
    if reason and (environment.get(PROVIDER_VARIABLE) or find_foreign_kubeconfig(home, environment)):
        say(f"the cluster is of {name}. {reason.why}; {reason.do}")
