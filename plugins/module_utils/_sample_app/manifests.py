# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the objects of the sample application: two services with the OpenTelemetry SDK. Private.

`_sample_app.py` of plugin_utils calls `build_bundle` for module sample_app_render. Of an application `shop`, the
frontend calls the datastore, and both send telemetry to a collector. Its objects are a ConfigMap with the program, and
for each service a Deployment and a Service, such as `shop-frontend`; an Ingress or a Route if the user wants one.

The SDK comes from the operator's image for Python: an init container copies it, with the command of the operator.
Source: internal/instrumentation/python.go and autoinstrumentation/python/Dockerfile of opentelemetry-operator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import quote

from .._collector.manifests.build import Manifest, omit_empty
from .._collector.manifests.namespaces import render_shared_namespace
from .._collector.manifests.pod_security import CONTAINER_SECURITY
from .._collector.manifests.variable_sources import render_variable_source
from .._collector.options import replace_registry
from .._kube import object_names
from .._kube.release_names import sample_app_release
from .._otelcol.errors import Problem, strip_credentials
from .._otelcol.kube import names
from .._otelcol.kube.text_values import text_value
from .placement import SIDECAR_MODE, Placement, RenderedCollector, choose_collector, place_application
from .sample_app import DATASTORE, FRONTEND, PORT, SERVICES, SampleApp

# The images run as root by default, which the restricted Pod Security Standard rejects.
_USER_ID = 65532
# The volume with the program of the services, where containers see it, and the name of its file.
_APP = "app"
_APP_FOLDER = "/app"
_APP_FILE = "app.py"
# The volume with the SDK, and where containers see it.
_SDK = "opentelemetry"
_SDK_FOLDER = "/opentelemetry"
_COPY_SDK = ["cp", "-r", "/autoinstrumentation/.", _SDK_FOLDER]
_RUN_APP = ["python3", f"{_APP_FOLDER}/{_APP_FILE}"]
_RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
# The name of the port of each service.
_PORT_NAME = "http"
# The option that says how many requests the frontend makes to itself.
_RATE_OPTION = "requests_per_second"
# Requests per second and percent. More would fill the pods' 128 MiB with spans that wait.
_MOST_LOAD = 100
# After so many milliseconds, the SDK sends spans. By default it waits for five seconds, and so would who looks for
# them.
_SPAN_DELAY_MILLISECONDS = "500"


class SampleAppBundle(TypedDict):
    """The result of module sample_app_render, as far as it follows from the options and the collectors."""

    manifests: list[Manifest]
    workloads: list[dict[str, str]]
    """The `kind`, `namespace` and `name` of each Deployment, for the wait until they run."""
    prune_selector: str
    """The labels by which a later run finds objects that the application no longer has."""
    endpoint: str
    """The URL that the application sends to, without a user and a password in it."""
    via: dict[str, Any]
    """The `namespace`, `service` and `port` of the frontend, which module sample_app_call calls."""
    services: list[str]
    """The names that the services have in the trace."""
    pods: list[dict[str, str]]
    """The `namespace` and `selector` of the pods that a trace passes, whose logs may show it."""
    collector: str
    """The name of the collector that the application sends to; empty for an endpoint of the user."""


def build_bundle(
    app: SampleApp, collectors: Sequence[RenderedCollector], source: str, assigns_user: bool
) -> SampleAppBundle:
    """Return the objects, and how to call the application and to find its trace.

    `source` is the Python program of the services. `assigns_user` says that the platform chooses the user of each pod.
    Raises Problem for options that do not fit each other, the collectors or Kubernetes.
    """
    object_names.check_name("name of the sample application", app.name)
    collector = choose_collector(app, collectors)
    app_placement = place_application(app, collector)
    namespace = object_names.check_name("namespace of the sample application", app_placement.namespace)
    release = sample_app_release(namespace, app.name)
    service_names = [app.service_name(service) for service in SERVICES]
    return {
        "manifests": _list_objects(app, app_placement, collectors, source, assigns_user),
        "workloads": [{"kind": "Deployment", "namespace": namespace, "name": name} for name in service_names],
        "prune_selector": f"{names.RELEASE_LABEL}={release},{names.OWNER_LABEL}={names.OWNER}",
        "endpoint": strip_credentials(app_placement.endpoint),
        "via": {"namespace": namespace, "service": app.service_name(FRONTEND), "port": PORT},
        "services": service_names,
        "pods": [
            {"namespace": namespace, "selector": f"app.kubernetes.io/instance={app.name}"},
            *_list_collector_pods(app, collectors),
        ],
        "collector": collector["name"] if collector else "",
    }


def _list_objects(
    app: SampleApp, placement: Placement, collectors: Sequence[RenderedCollector], source: str, assigns_user: bool
) -> list[Manifest]:
    """Return all objects in the order in which they are applied."""
    objects = _build_namespace(placement.namespace, collectors)
    objects.append(_build_object(app, placement.namespace, "v1", "ConfigMap", data={_APP_FILE: source}))
    for service in SERVICES:
        objects.append(_build_deployment(app, service, placement, source, assigns_user))
        objects.append(_build_service(app, service, placement.namespace))
    if app.ingress.get("host"):
        objects.append(_build_ingress(app, placement.namespace))
    if app.openshift_route.get("enabled"):
        objects.append(_build_route(app, placement.namespace))
    return objects


def _build_namespace(namespace: str, collectors: Sequence[RenderedCollector]) -> list[Manifest]:
    """Return the Namespace; nothing if it is that of a collector, or one of Kubernetes itself."""
    if any(collector["namespace"] == namespace for collector in collectors):
        return []
    namespace_object = render_shared_namespace(namespace)
    return [namespace_object] if namespace_object else []


def _list_collector_pods(app: SampleApp, collectors: Sequence[RenderedCollector]) -> list[dict[str, str]]:
    """Return which pods a trace may pass. A sidecar is in a pod of the application."""
    if app.endpoint:
        return []
    return [
        {"namespace": collector["namespace"], "selector": collector["selector"]}
        for collector in collectors
        if collector["mode"] != SIDECAR_MODE
    ]


def _build_object(
    app: SampleApp, namespace: str, api_version: str, kind: str, service: str = "", **body: Any
) -> Manifest:
    """Return an object of the application, or of one of its services."""
    labels = {
        **_pod_labels(app, service),
        names.OWNER_LABEL: names.OWNER,
        names.RELEASE_LABEL: sample_app_release(namespace, app.name),
    }
    name = app.service_name(service) if service else app.name
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _pod_labels(app: SampleApp, service: str) -> dict[str, str]:
    """Return the labels of the pods of a service; without one, those of objects of the whole application."""
    labels = {"app.kubernetes.io/instance": app.name}
    if not service:
        return labels
    return {"app.kubernetes.io/name": app.service_name(service), **labels}


def _build_deployment(app: SampleApp, service: str, placement: Placement, source: str, assigns_user: bool) -> Manifest:
    """Return the Deployment of a service."""
    labels = _pod_labels(app, service)
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(PORT),
        **placement.pod_annotations,
        # Pods read the program once, so another program needs other pods.
        "checksum/app": hashlib.sha256(source.encode()).hexdigest(),
    }
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": _build_pod_spec(app, service, placement, assigns_user),
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return _build_object(app, placement.namespace, "apps/v1", "Deployment", service, spec=spec)


def _build_service(app: SampleApp, service: str, namespace: str) -> Manifest:
    port = {"name": _PORT_NAME, "port": PORT, "targetPort": PORT, "protocol": "TCP"}
    spec = {"selector": _pod_labels(app, service), "ports": [port]}
    return _build_object(app, namespace, "v1", "Service", service, spec=spec)


def _build_pod_spec(app: SampleApp, service: str, placement: Placement, assigns_user: bool) -> dict[str, Any]:
    user_fields = {} if assigns_user else {"runAsUser": _USER_ID, "runAsGroup": _USER_ID, "fsGroup": _USER_ID}
    return {
        **placement.account_fields,
        "nodeSelector": dict(object_names.LINUX_NODES),
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user_fields},
        "initContainers": [_build_sdk_container(app)],
        "containers": [_build_app_container(app, service, placement)],
        "volumes": [{"name": _APP, "configMap": {"name": app.name}}, {"name": _SDK, "emptyDir": {}}],
        **omit_empty(imagePullSecrets=[{"name": name} for name in app.image_pull_secrets]),
    }


def _build_sdk_container(app: SampleApp) -> dict[str, Any]:
    """Return the init container that copies the SDK to where the program finds it."""
    writable_mount = {"name": _SDK, "mountPath": _SDK_FOLDER}
    return _build_container(app, _SDK, app.sdk_image, _COPY_SDK, [writable_mount])


def _build_app_container(app: SampleApp, service: str, placement: Placement) -> dict[str, Any]:
    mounts = [
        {"name": _APP, "mountPath": _APP_FOLDER, "readOnly": True},
        {"name": _SDK, "mountPath": _SDK_FOLDER, "readOnly": True},
    ]
    return {
        **_build_container(app, service, app.image, _RUN_APP, mounts),
        "env": _list_environment(app, service, placement.endpoint),
        "ports": [{"name": _PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 2},
    }


def _build_container(
    app: SampleApp, name: str, image: str, command: list[str], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": replace_registry(image, app.image_registry),
        "command": command,
        "resources": _RESOURCES,
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": mounts,
    }


def _list_environment(app: SampleApp, service: str, endpoint: str) -> list[dict[str, Any]]:
    """Return the variables of a service; those that others refer to with $(NAME) come first.

    Kubernetes fills in only the variables that stand before: `$(HOST_IP)` in an endpoint, `$(POD_NAME)` in attributes.
    The user's come last, and replace ours.
    """
    variables: dict[str, Any] = {}
    if "$(HOST_IP)" in endpoint:
        variables["HOST_IP"] = {"field": "status.hostIP"}
    variables["POD_NAME"] = {"field": "metadata.name"}
    variables["PYTHONPATH"] = _SDK_FOLDER
    variables["OTEL_SERVICE_NAME"] = app.service_name(service)
    variables["OTEL_RESOURCE_ATTRIBUTES"] = _join_resource_attributes(app)
    variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    variables["OTEL_BSP_SCHEDULE_DELAY"] = _SPAN_DELAY_MILLISECONDS
    if service == FRONTEND:
        variables["NEXT_URL"] = f"http://{app.service_name(DATASTORE)}:{PORT}/"
        variables |= _list_load_variables(app.load)
    variables |= app.env
    return [{"name": name, **render_variable_source(name, variable)} for name, variable in variables.items()]


def _join_resource_attributes(app: SampleApp) -> str:
    """Return the attributes in the form of W3C Baggage: values are percent-encoded. Kubernetes fills in `$(…)`."""
    attributes = {"service.namespace": app.name, **app.resource_attributes}
    # Commas, equals signs and percent signs must be encoded, since they have a meaning in the list. These need not be.
    readable_characters = "/:@ "
    encoded_attributes = []
    for key, value in attributes.items():
        encoded_attributes.append(f"{key}={quote(text_value(value), safe=readable_characters)}")
    return ",".join([*encoded_attributes, "k8s.pod.name=$(POD_NAME)"])


def _list_load_variables(load: Mapping[str, int]) -> dict[str, str]:
    """Return the variables of the load that the frontend puts on itself. Raises Problem for a number above 100."""
    for option, number in load.items():
        if number > _MOST_LOAD:
            option_path = f"otel_sample_app_load.{option}"
            raise Problem(
                f"{option} is {number}, and at most {_MOST_LOAD}", where=option_path, fix="Use a smaller number."
            )
    if not load or not load[_RATE_OPTION]:  # without requests, a share of failing ones has no effect
        return {}
    return {option.upper(): str(number) for option, number in load.items()}


def _build_ingress(app: SampleApp, namespace: str) -> Manifest:
    """Return the Ingress that leads from outside of the cluster to the frontend."""
    host, secret = app.ingress["host"], app.ingress.get("tls_secret")
    backend = {"service": {"name": app.service_name(FRONTEND), "port": {"name": _PORT_NAME}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec = omit_empty(
        ingressClassName=app.ingress.get("class"),
        rules=[{"host": host, "http": {"paths": paths}}],
        tls=[{"hosts": [host], "secretName": secret}] if secret else None,
    )
    return _build_object(app, namespace, "networking.k8s.io/v1", "Ingress", FRONTEND, spec=spec)


def _build_route(app: SampleApp, namespace: str) -> Manifest:
    """Return the Route that leads from outside of an OpenShift cluster to the frontend."""
    spec = {
        "to": {"kind": "Service", "name": app.service_name(FRONTEND), "weight": 100},
        "port": {"targetPort": _PORT_NAME},
        "wildcardPolicy": "None",
        **omit_empty(host=app.openshift_route.get("host")),
    }
    return _build_object(app, namespace, "route.openshift.io/v1", "Route", FRONTEND, spec=spec)
