# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector that the sample application sends to, and what follows from it for the pods. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem, near
from .sample_app import SampleApp

AGENT, SIDECAR = "daemonset", "sidecar"
_ASKED = "Choose the collector of the sample application"
# The operator adds the sidecar of this name to a pod.
_INJECT = "sidecar.opentelemetry.io/inject"
_NO_TOKEN = {"automountServiceAccountToken": False}

# A collector of the inventory, as otel_render returns it.
RenderedCollector = Mapping[str, Any]


@dataclass(frozen=True)
class Placement:
    """The namespace of the application, the URL that it sends to, and what its pods have for that."""

    namespace: str
    endpoint: str
    pod_annotations: Mapping[str, str]
    # The fields of a pod that say which ServiceAccount it has, and whether it has the token of one.
    account_fields: Mapping[str, Any]


def chosen_collector(app: SampleApp, collectors: Sequence[RenderedCollector]) -> RenderedCollector | None:
    """Return the collector that the application sends to; None if the user gives an endpoint instead.

    Raises Problem if the inventory has no such collector.
    """
    if app.endpoint:
        return None
    able = {collector["name"]: collector for collector in collectors if collector["otlp_http_url"]}
    if app.collector:
        _check_named_collector(app.collector, collectors, able)
        return able[app.collector]
    if not able:
        raise Problem("no collector of the inventory receives OTLP/HTTP without TLS", asked=_ASKED, fix=_choices(able))
    return _preferred_collector(list(able.values()))


def _check_named_collector(
    name: str, collectors: Sequence[RenderedCollector], able: Mapping[str, RenderedCollector]
) -> None:
    """Raise Problem for a collector that the application cannot send to."""
    if name in able:
        return
    is_known = any(collector["name"] == name for collector in collectors)
    wrong = "receives no OTLP/HTTP without TLS" if is_known else "is not in the inventory"
    raise Problem(f"collector '{name}' {wrong}{near(name, able)}", asked=_ASKED, fix=_choices(able))


def _choices(able: Mapping[str, RenderedCollector]) -> str:
    """Return the fix for a wrong collector: the names of the right ones, or what else a user can do."""
    return f"Collectors: {', '.join(able)}." if able else "Set `otel_sample_app_endpoint` to a URL of OTLP/HTTP."


def _preferred_collector(able: Sequence[RenderedCollector]) -> RenderedCollector:
    """Return an agent, because it is on the node of the application; else the first that is no sidecar."""
    agents = [collector for collector in able if collector["mode"] == AGENT]
    beside_no_pod = [collector for collector in able if collector["mode"] != SIDECAR]
    return (agents or beside_no_pod or able)[0]


def placement(app: SampleApp, collector: RenderedCollector | None) -> Placement:
    """Return where the application runs and how it sends; None is no collector, but the endpoint of the user.

    Raises Problem for another namespace than that of a sidecar.
    """
    if collector is None:
        return Placement(app.namespace or app.name, app.endpoint, {}, _NO_TOKEN)
    if collector["mode"] == SIDECAR:
        return _placement_beside(collector, app)
    return Placement(app.namespace or app.name, collector["otlp_http_url"], {}, _NO_TOKEN)


def _placement_beside(sidecar: RenderedCollector, app: SampleApp) -> Placement:
    namespace = sidecar["namespace"]
    if app.namespace not in ("", namespace):
        wrong = f"the sidecar '{sidecar['name']}' is for pods of namespace {namespace}, not {app.namespace}"
        raise Problem(wrong, fix="Leave `otel_sample_app_namespace` out, or name another collector.")
    return Placement(
        namespace=namespace,
        endpoint=sidecar["otlp_http_url"],
        pod_annotations={_INJECT: sidecar["name"]},
        # A sidecar may ask the Kubernetes API, with the account and the token of the pod.
        account_fields={"serviceAccountName": sidecar["service_account"]},
    )
