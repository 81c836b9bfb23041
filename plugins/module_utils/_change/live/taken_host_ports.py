# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse workloads whose ports of a node other pods hold: their pods would stay without a node. Private.

`apply.py` calls `refuse_taken_ports` before anything is written. For example:

    host ports are taken: 4317/TCP on node worker-1 by pod monitoring/other-agent-x2x
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_ALLOWED, ApiError
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..host_ports import PortClash, find_port_clashes, list_host_ports, list_template_ports
from ..replacement_order import replaces
from .session import Pairs, Session

# How many ports a message names.
_MOST_SHOWN = 5
# The status of HTTP for the next page of a list whose state the server no longer has, after some minutes.
_EXPIRED_STATUS = 410


def refuse_taken_ports(session: Session, pairs: Pairs, stale_objects: Iterable[Manifest]) -> None:
    """Refuse workloads whose host ports other pods have taken.

    This reads the cluster's pods only when a workload wants ports that its live object does not have. Pods of stale
    workloads that a workload of the bundle replaces do not count: they are deleted first.
    """
    new_ports = []
    for manifest, live in pairs:
        ports = list_template_ports(manifest) - list_template_ports(live)
        if ports:
            new_ports.append((manifest, ports))
    if not new_ports:
        return
    try:
        pods = _list_pods_with_ports(session)
    except _UnreadPodsError as reason:
        session.report.warnings.append(f"Not checked whether the host ports are free: {reason}")
        return
    for manifest, ports in new_ports:
        replaced_workloads = [stale_object for stale_object in stale_objects if replaces(manifest, stale_object)]
        clashes = list(find_port_clashes(manifest, ports, pods, replaced_workloads))
        if clashes:
            raise _build_taken_ports_problem(manifest, clashes)


class _UnreadPodsError(Exception):
    """The pods of the cluster cannot be listed; a run goes on without them."""


def _list_pods_with_ports(session: Session) -> list[Manifest]:
    """Return the pods of all namespaces that have host ports. Raises _UnreadPodsError, and Problem for other failures.

    They are read page by page, since a cluster may have tens of thousands of others. So the request names no
    resourceVersion: beside version 0, which a server answers from its cache, it ignores the limit of a page. Source:
    "The resourceVersion parameter" of the Kubernetes API concepts.
    """
    try:
        return [pod for pod in session.cluster.items("/api/v1/pods") if list_host_ports(pod["spec"])]
    except TooLargeError as error:
        raise _UnreadPodsError(error.wrong) from error
    except ApiError as error:
        if error.status in (NOT_ALLOWED, _EXPIRED_STATUS):
            raise _UnreadPodsError(error.message) from error
        raise explain(error, "List the pods of all namespaces") from error


def _build_taken_ports_problem(manifest: Manifest, clashes: list[PortClash]) -> Problem:
    """Return the problem of a workload whose host ports are taken, with the pods that have them."""
    taken_ports = [
        f"{clash.port.port}/{clash.port.protocol} on node {clash.node_name} by pod {clash.namespace}/{clash.pod_name}"
        for clash in clashes
    ]
    fix = "Choose other ports, do without host ports, or remove the other workload first."
    return Problem(
        f"host ports are taken: {join_at_most(_MOST_SHOWN, taken_ports, '; ')}", asked=f"Apply {ref(manifest)}", fix=fix
    )
