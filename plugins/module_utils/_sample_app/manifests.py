# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application: two services with the OpenTelemetry SDK, and where their trace can be seen. Private.

The SDK comes from the operator's image for Python: an init container copies it, with the command of the operator.
Source: internal/instrumentation/python.go and autoinstrumentation/python/Dockerfile of opentelemetry-operator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

from .._collector.manifests.build import Manifest, present, shared_namespace
from .._collector.manifests.pod import CONTAINER_SECURITY, env_source
from .._collector.options import from_registry
from .._otelcol.errors import Problem, near, shown
from .._otelcol.kube import names

PORT = 8080
# The first service asks the second.
PARTS = ("frontend", "datastore")
# The images run as root by default, which the restricted Pod Security Standard rejects.
_USER = 65532
_SDK, _SDK_FOLDER = "opentelemetry", "/opentelemetry"
_COPY = ["cp", "-r", "/autoinstrumentation/.", _SDK_FOLDER]
_RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
_SIDECAR = "sidecar"
# Requests per second and percent. More would fill the pods' 128 MiB with spans that wait.
_MOST = 100


@dataclass(frozen=True)
class SampleApp:
    """The options of the sample application, as its role documents them."""

    name: str
    namespace: str
    collector: str
    endpoint: str
    image: str
    sdk_image: str
    image_registry: str
    image_pull_secrets: list[str]
    resource_attributes: dict[str, Any]
    env: dict[str, Any]
    load: dict[str, Any]
    ingress: dict[str, Any]
    openshift_route: dict[str, Any]

    def part(self, part: str) -> str:
        """Return the name of a service and of its Deployment."""
        return f"{self.name}-{part}"


def option_names() -> list[str]:
    return [item.name for item in fields(SampleApp)]


def chosen(app: SampleApp, collectors: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the collector that the application sends to; nothing where the user names an endpoint.

    An agent takes precedence, because it is on the node of the application; then the first that is no sidecar.
    """
    if app.endpoint:
        return {}
    able = {item["name"]: item for item in collectors if item["otlp_http_url"]}
    asked = "Choose the collector of the sample application"
    fix = f"Collectors: {', '.join(able)}." if able else "Set `otel_sample_app_endpoint` to a URL of OTLP/HTTP."
    if app.collector and app.collector not in able:
        known = [item["name"] for item in collectors]
        wrong = "receives no OTLP/HTTP without TLS" if app.collector in known else "is not in the inventory"
        raise Problem(f"collector '{app.collector}' {wrong}{near(app.collector, able)}", asked=asked, fix=fix)
    if not able:
        raise Problem("no collector of the inventory receives OTLP/HTTP without TLS", asked=asked, fix=fix)
    modes = ("daemonset", "deployment", "statefulset", _SIDECAR)
    first = min(able.values(), key=lambda item: modes.index(item["mode"]))
    outside = next((item for item in able.values() if item["mode"] != _SIDECAR), first)
    return able[app.collector] if app.collector else first if first["mode"] == "daemonset" else outside


def settled(app: SampleApp, to: Mapping[str, Any]) -> dict[str, Any]:
    """Return the namespace and the pod settings that follow from the collector."""
    sidecar = to.get("mode") == _SIDECAR
    if sidecar and app.namespace not in ("", to["namespace"]):
        wrong = f"the sidecar '{to['name']}' is for pods of namespace {to['namespace']}, not {app.namespace}"
        raise Problem(wrong, fix="Leave `otel_sample_app_namespace` out, or name another collector.")
    injected = {"sidecar.opentelemetry.io/inject": to["name"]} if sidecar else {}
    return {
        "namespace": app.namespace or (to["namespace"] if sidecar else app.name),
        "endpoint": app.endpoint or to["otlp_http_url"],
        "annotations": injected,
        # A sidecar may ask the Kubernetes API, with the account and the token of the pod.
        "account": {"serviceAccountName": to["service_account"]}
        if sidecar
        else {"automountServiceAccountToken": False},
    }


def bundle(app: SampleApp, collectors: Sequence[Mapping[str, Any]], source: str, assigns_user: bool) -> dict[str, Any]:
    """Return the objects, and how to call the application and to find its trace.

    `assigns_user` says that the platform chooses the user of each pod.
    """
    names.check_name("name of the sample application", app.name)
    to = chosen(app, collectors)
    settings = settled(app, to)
    namespace = names.check_name("namespace of the sample application", settings["namespace"])
    made = None if namespace in {item["namespace"] for item in collectors} else shared_namespace(namespace)
    parts = [item for part in PARTS for item in _part(app, part, settings, source, assigns_user)]
    objects = [_frame(app, namespace, "v1", "ConfigMap", data={"app.py": source}), *parts, *_outside(app, namespace)]
    release = names.release_of_sample_app(namespace, app.name)
    return {
        "manifests": [*([made] if made else []), *objects],
        "workloads": [{"kind": "Deployment", "namespace": namespace, "name": app.part(part)} for part in PARTS],
        "prune_selector": f"{names.RELEASE_LABEL}={release},{names.OWNER_LABEL}={names.OWNER}",
        "endpoint": shown(settings["endpoint"]),
        "via": {"namespace": namespace, "service": app.part(PARTS[0]), "port": PORT},
        "services": [app.part(part) for part in PARTS],
        "pods": [
            {"namespace": namespace, "selector": f"app.kubernetes.io/instance={app.name}"},
            *(
                {"namespace": item["namespace"], "selector": item["selector"]}
                for item in ([] if app.endpoint else collectors)
                if item["mode"] != _SIDECAR
            ),
        ],
        "collector": to.get("name", ""),
    }


def check_length(name: str) -> None:
    """Raise Problem for a name that is too long for Services of the application.

    Kubernetes before 1.36 takes no name of a Service that begins with a digit, and says so.
    """
    ending = f"-{max(PARTS, key=len)}"
    longest = names.LONGEST_LABEL - len(ending)
    if len(name) > longest:
        wrong = f"'{name}' is too long for the name of the sample application"
        raise Problem(wrong, fix=f"Use at most {longest} characters: a Service is named `NAME{ending}`.")


def _frame(app: SampleApp, namespace: str, api: str, kind: str, part: str = "", **body: Any) -> Manifest:
    labels = {
        **_labels(app, part),
        names.OWNER_LABEL: names.OWNER,
        names.RELEASE_LABEL: names.release_of_sample_app(namespace, app.name),
    }
    metadata = {"name": app.part(part) if part else app.name, "namespace": namespace, "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def _labels(app: SampleApp, part: str) -> dict[str, str]:
    named = {"app.kubernetes.io/name": app.part(part)} if part else {}
    return {**named, "app.kubernetes.io/instance": app.name}


def _part(app: SampleApp, part: str, settings: Mapping[str, Any], source: str, assigns_user: bool) -> list[Manifest]:
    """Return the Deployment and the Service of one part."""
    labels, namespace = _labels(app, part), settings["namespace"]
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT)}
    digest = {"checksum/app": hashlib.sha256(source.encode()).hexdigest()}
    user = {} if assigns_user else {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    pod = {
        **settings["account"],
        "nodeSelector": dict(names.LINUX_NODES),
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
        "initContainers": [_container(app, _SDK, app.sdk_image, _COPY, [_mount(_SDK, _SDK_FOLDER, writable=True)])],
        "containers": [
            _container(
                app, part, app.image, ["python3", "/app/app.py"], [_mount("app", "/app"), _mount(_SDK, _SDK_FOLDER)]
            )
            | {
                "env": _environment(app, part, settings),
                "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
                "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 2},
            }
        ],
        "volumes": [{"name": "app", "configMap": {"name": app.name}}, {"name": _SDK, "emptyDir": {}}],
        **present(imagePullSecrets=[{"name": name} for name in app.image_pull_secrets]),
    }
    metadata = {"labels": labels, "annotations": {**scraped, **settings["annotations"], **digest}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": metadata, "spec": pod}}
    port = {"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}
    return [
        _frame(app, namespace, "apps/v1", "Deployment", part, spec=spec),
        _frame(app, namespace, "v1", "Service", part, spec={"selector": labels, "ports": [port]}),
    ]


def _container(
    app: SampleApp, name: str, image: str, command: list[str], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": from_registry(image, app.image_registry),
        "command": command,
        "resources": _RESOURCES,
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": mounts,
    }


def _mount(name: str, path: str, *, writable: bool = False) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **({} if writable else {"readOnly": True})}


def _environment(app: SampleApp, part: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the variables; those that others refer to with $(NAME) come first."""
    attributes = {"service.namespace": app.name, **app.resource_attributes}
    # W3C Baggage: values are percent-encoded. `$(…)` is filled in by Kubernetes.
    written = [f"{key}={quote(names.text(value), safe='/:@ ')}" for key, value in attributes.items()]
    following = {"NEXT_URL": f"http://{app.part(PARTS[1])}:{PORT}/"} if part == PARTS[0] else {}
    node = {"HOST_IP": {"field": "status.hostIP"}} if "$(HOST_IP)" in settings["endpoint"] else {}
    values: dict[str, Any] = {
        **node,
        "POD_NAME": {"field": "metadata.name"},
        "PYTHONPATH": _SDK_FOLDER,
        "OTEL_SERVICE_NAME": app.part(part),
        "OTEL_RESOURCE_ATTRIBUTES": ",".join([*written, "k8s.pod.name=$(POD_NAME)"]),
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings["endpoint"],
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        **following,
        **(_load(app) if part == PARTS[0] else {}),
        **app.env,
    }
    return [{"name": name, **env_source(name, value)} for name, value in values.items()]


def _load(app: SampleApp) -> dict[str, str]:
    """Return the variables of the load that the first service puts on itself. Raises Problem."""
    for option, value in app.load.items():
        if value > _MOST:
            where = f"otel_sample_app_load.{option}"
            raise Problem(f"{option} is {value}, and at most {_MOST}", where=where, fix="Use a smaller number.")
    return {option.upper(): str(value) for option, value in app.load.items() if app.load["requests_per_second"]}


def _outside(app: SampleApp, namespace: str) -> list[Manifest]:
    """Return what leads to the first service from outside of the cluster."""
    found, service, way = [], app.part(PARTS[0]), app.ingress
    if way.get("host"):
        backend = {"service": {"name": service, "port": {"name": "http"}}}
        rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        tls = [{"hosts": [way["host"]], "secretName": way["tls_secret"]}] if way.get("tls_secret") else None
        spec = present(ingressClassName=way.get("class"), rules=[{"host": way["host"], **rule}], tls=tls)
        found.append(_frame(app, namespace, "networking.k8s.io/v1", "Ingress", PARTS[0], spec=spec))
    if app.openshift_route.get("enabled"):
        spec = {"to": {"kind": "Service", "name": service, "weight": 100}, "port": {"targetPort": "http"}}
        spec |= {"wildcardPolicy": "None", **present(host=app.openshift_route.get("host"))}
        found.append(_frame(app, namespace, "route.openshift.io/v1", "Route", PARTS[0], spec=spec))
    return found
