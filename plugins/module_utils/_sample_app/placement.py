# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector that the sample application sends to, and what follows from it for the pods. Private.

`manifests.py` calls this file. The placement says where the application runs and where it sends:

| the user names | it sends to | it runs in |
|---|---|---|
| an endpoint | the endpoint | its own namespace, or the one that the user names |
| a collector | `otlp_http_url` of the collector | the same |
| a sidecar | the sidecar, at localhost | the namespace of the sidecar, with the annotation that adds it |
| nothing | an agent; else another collector; else a sidecar | as above |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem, suggest_word
from .sample_app import SampleApp

# Modes of collectors.
AGENT_MODE = "daemonset"
SIDECAR_MODE = "sidecar"
# What is done, for messages.
_ACTION = "Choose the collector of the sample application"
# The annotation by which the operator adds the sidecar of that name to a pod.
_INJECT_ANNOTATION = "sidecar.opentelemetry.io/inject"
_WITHOUT_TOKEN = {"automountServiceAccountToken": False}

# A collector of the inventory, as otel_render returns it.
RenderedCollector = Mapping[str, Any]


@dataclass(frozen=True)
class Placement:
    """Where the application runs and sends, and what its pods have for that."""

    namespace: str
    endpoint: str
    """The URL that it sends to."""
    pod_annotations: Mapping[str, str]
    account_fields: Mapping[str, Any]
    """The fields of a pod that say which ServiceAccount it has, and whether it has the token of one."""


def choose_collector(app: SampleApp, collectors: Sequence[RenderedCollector]) -> RenderedCollector | None:
    """Return the collector that the application sends to; None if the user gives an endpoint instead.

    Raises Problem if the inventory has no such collector.
    """
    if app.endpoint:
        return None
    # A collector without OTLP/HTTP in clear text has an empty URL: the application has no CA to verify it with.
    usable_collectors = {collector["name"]: collector for collector in collectors if collector["otlp_http_url"]}
    if app.collector:
        _check_named_collector(app.collector, collectors, usable_collectors)
        return usable_collectors[app.collector]
    if not usable_collectors:
        raise Problem(
            "no collector of the inventory receives OTLP/HTTP without TLS",
            asked=_ACTION,
            fix=_describe_choices(usable_collectors),
        )
    return _choose_preferred_collector(list(usable_collectors.values()))


def _check_named_collector(
    name: str, collectors: Sequence[RenderedCollector], usable_collectors: Mapping[str, RenderedCollector]
) -> None:
    """Raise Problem for a collector that the application cannot send to."""
    if name in usable_collectors:
        return
    is_known = any(collector["name"] == name for collector in collectors)
    wrong = "receives no OTLP/HTTP without TLS" if is_known else "is not in the inventory"
    raise Problem(
        f"collector '{name}' {wrong}{suggest_word(name, usable_collectors)}",
        asked=_ACTION,
        fix=_describe_choices(usable_collectors),
    )


def _describe_choices(usable_collectors: Mapping[str, RenderedCollector]) -> str:
    """Return the fix for a wrong collector: the names of the right ones, or what else a user can do."""
    return (
        f"Collectors: {', '.join(usable_collectors)}."
        if usable_collectors
        else "Set `otel_sample_app_endpoint` to a URL of OTLP/HTTP."
    )


def _choose_preferred_collector(usable_collectors: Sequence[RenderedCollector]) -> RenderedCollector:
    """Return an agent, because it is on the node of the application; else the first that is no sidecar."""
    agents = [collector for collector in usable_collectors if collector["mode"] == AGENT_MODE]
    not_sidecars = [collector for collector in usable_collectors if collector["mode"] != SIDECAR_MODE]
    return (agents or not_sidecars or usable_collectors)[0]


def place_application(app: SampleApp, collector: RenderedCollector | None) -> Placement:
    """Return where the application runs and how it sends; None is no collector, but the endpoint of the user.

    Raises Problem for another namespace than that of a sidecar.
    """
    if collector is None:
        return Placement(app.namespace or app.name, app.endpoint, {}, _WITHOUT_TOKEN)
    if collector["mode"] == SIDECAR_MODE:
        return _place_beside_sidecar(collector, app)
    return Placement(app.namespace or app.name, collector["otlp_http_url"], {}, _WITHOUT_TOKEN)


def _place_beside_sidecar(sidecar: RenderedCollector, app: SampleApp) -> Placement:
    """Return the placement of an application into whose pods the operator puts a sidecar.

    The annotation names a sidecar of the same namespace. Raises Problem if the user names another namespace.
    """
    namespace = sidecar["namespace"]
    if app.namespace not in ("", namespace):
        wrong = f"the sidecar '{sidecar['name']}' is for pods of namespace {namespace}, not {app.namespace}"
        raise Problem(wrong, fix="Leave `otel_sample_app_namespace` out, or name another collector.")
    return Placement(
        namespace=namespace,
        endpoint=sidecar["otlp_http_url"],
        pod_annotations={_INJECT_ANNOTATION: sidecar["name"]},
        # A sidecar may ask the Kubernetes API, with the account and the token of the pod.
        account_fields={"serviceAccountName": sidecar["service_account"]},
    )
