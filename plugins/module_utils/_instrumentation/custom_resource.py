# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation as a custom resource, and what the cluster must have before it is of use. Private.

Source of the fields: the CRD of opentelemetry-operator 0.158.0, which serves this version alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._collector.manifests.build import present
from .._collector.manifests.namespaces import shared_namespace
from .._collector.manifests.pod import env_source
from .._collector.options import from_registry
from .._otelcol.config.paths import items, section
from .._otelcol.kube import names
from .._otelcol.kube.names import OWNER, OWNER_LABEL
from .._otelcol.kube.objects import Manifest
from .exports import ENDPOINT_VARIABLE, PROTOCOL_VARIABLE, Export
from .instrumentation import Instrumentation
from .sdk_languages import GRPC, HTTP

API_VERSION, KIND = "opentelemetry.io/v1alpha1", "Instrumentation"
LABEL = "o11y.opentelemetry/instrumentation"

_TLS = {
    "secret_name": "secretName",
    "config_map_name": "configMapName",
    "ca_file": "ca_file",
    "cert_file": "cert_file",
    "key_file": "key_file",
}
# Options of some languages, and the field that each becomes.
_FIELDS = {
    "volume_claim_template": "volumeClaimTemplate",
    "security_context": "securityContext",
    "version": "version",
    "config_path": "configPath",
    "config_file": "configFile",
}


def manifests(wanted: Instrumentation) -> list[Manifest]:
    """Return the objects of one Instrumentation: its Namespace, unless that is of Kubernetes itself, and itself."""
    namespace = shared_namespace(wanted.namespace)
    metadata = {
        "name": wanted.name,
        "namespace": wanted.namespace,
        "labels": {
            **wanted.labels,
            OWNER_LABEL: OWNER,
            LABEL: wanted.name,
            names.RELEASE_LABEL: names.release_of_instrumentation(wanted.namespace, wanted.name),
        },
        **present(annotations=wanted.annotations),
    }
    resource = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": _spec(wanted)}
    return [namespace, resource] if namespace else [resource]


def _spec(wanted: Instrumentation) -> dict[str, Any]:
    """Return the specification of the resource, without what is not given."""
    common = common_endpoint(wanted.exports)
    tls = {_TLS[key]: value for key, value in wanted.tls.items()}
    resource = present(
        resourceAttributes=wanted.resource_attributes, addK8sUIDAttributes=wanted.kubernetes_uids or None
    )
    languages = {export.language.field: _language(export, wanted, common) for export in wanted.exports}
    return {
        "exporter": {"endpoint": common, **present(tls=tls)},
        **present(
            resource=resource,
            defaults=present(useLabelsForResourceAttributes=wanted.labels_as_attributes or None),
            sampler=wanted.sampler,
            propagators=wanted.propagators,
            env=_env(wanted.env),
            imagePullPolicy=wanted.image_pull_policy,
            initContainerSecurityContext=wanted.init_container_security_context,
        ),
        **languages,
    }


def common_endpoint(exports: list[Export]) -> str:
    """Return the endpoint of the resource itself: that of HTTP where there is one, which is what most SDKs speak."""
    for export in exports:
        if export.protocol == HTTP:
            return export.endpoint.url
    return exports[0].endpoint.url


def _language(export: Export, wanted: Instrumentation, common: str) -> dict[str, Any]:
    """Return the section of a language; it has an endpoint of its own if that is not the common one."""
    language = export.language
    options = wanted.languages[language.name]
    env, directives = dict(options["env"]), dict(section(options, "attributes"))
    own_endpoint = None if export.endpoint.url == common else export.endpoint.url
    if language.directive:
        directives |= present(**{language.directive: own_endpoint})
    else:
        # Said even where it is the default: an image of another version may have another one.
        env |= {PROTOCOL_VARIABLE: export.protocol} | present(**{ENDPOINT_VARIABLE: own_endpoint})
    extensions = []
    for extension in items(options, "extensions"):
        extensions.append({**extension, "image": _image(extension["image"], wanted)})
    return present(
        image=_image(options["image"], wanted),
        env=_env(env),
        attrs=_env(directives),
        extensions=extensions,
        **{language.resources: options["resources"]},
        **{field: options.get(name) for name, field in _FIELDS.items()},
    )


def _image(image: str, wanted: Instrumentation) -> str:
    return from_registry(image, wanted.image_registry) if image else ""


def _env(env: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **env_source(name, env[name])} for name in sorted(env)]


# The API server's answers when it cannot pass a request on, and their meaning. A server of HTTP/2 greets who speaks
# HTTP/1 with a SETTINGS frame (RFC 9113, 3.4), whose first bytes are quoted here. The words are those of Go's net/http.
_SIGNS = (
    ("certificate required", "mutual"),
    ("bad certificate", "mutual"),
    ("server gave HTTP response to HTTPS client", "plain"),
    ("first record does not look like a TLS handshake", "plain"),
    ("HTTP request to an HTTPS server", "secure"),
    ("malformed HTTP response", "grpc"),
    ("error trying to reach service: EOF", "closed"),
)
# An endpoint that asks for credentials speaks OTLP. With TLS a gRPC server takes the request, since both agree
# on HTTP/2 then; its own word for success or failure comes after the status, and gets lost on the way.
_STATUS = {
    HTTP: {200: "otlp", 401: "otlp", 404: "strange", 415: "type"},
    GRPC: {200: "grpc", 401: "otlp", 404: "strange", 405: "strange", 415: "strange"},
}
# The API server could not pass the request on; the receiver may be coming up.
_UNREACHED = (500, 502, 503, 504)
_TLS_VERDICTS = {
    "mutual": "",  # TLS is spoken; only a client with a certificate gets further
    "plain": "speaks no TLS, but the endpoint is https://",
    "secure": "wants TLS, but the endpoint is http://",
    "closed": "closes the connection, as one does that wants TLS",
}
_VERDICTS = {
    GRPC: {
        **_TLS_VERDICTS,
        "grpc": "",
        "otlp": "speaks HTTP, but {languages} will send gRPC",
        "strange": "speaks HTTP, but {languages} will send gRPC",
        "": "does not speak gRPC ({said})",
    },
    HTTP: {
        **_TLS_VERDICTS,
        "grpc": "speaks gRPC, but {languages} will send http/protobuf",
        "otlp": "",
        "strange": "takes no {signal} over HTTP",
        "type": "takes no OTLP over HTTP (415), like a server of gRPC",
        "": "does not answer as OTLP over HTTP does ({said})",
    },
}


def targets(instrumentations: Iterable[Instrumentation]) -> list[dict[str, Any]]:
    """Return the Services that applications will send to, each once, with what they will send there."""
    by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
    for instrumentation in instrumentations:
        annotated = sorted(set(_annotated_namespaces(instrumentation)))
        namespaces = tuple(annotated) or (instrumentation.namespace,)
        for export in instrumentation.exports:
            endpoint = export.endpoint
            for namespace, name in endpoint.services(namespaces):
                key = (namespace, name, endpoint.port, endpoint.scheme, endpoint.path, export.protocol)
                target = by_key.setdefault(key, _target(*key))
                signals = {*target["signals"], *export.signals}
                target["signals"] = [signal for signal in ("traces", "metrics", "logs") if signal in signals]
                target["languages"] = sorted({*target["languages"], export.language.name})
    return list(by_key.values())


def _annotated_namespaces(instrumentation: Instrumentation) -> list[str]:
    """Return the names of the namespaces whose pods are instrumented; an entry is a name, or has one."""
    return [entry if isinstance(entry, str) else entry["name"] for entry in instrumentation.namespaces]


def _target(*key: Any) -> dict[str, Any]:
    names = ("namespace", "service", "port", "scheme", "path", "protocol")
    return {**dict(zip(names, key, strict=True)), "signals": [], "languages": []}


def files(instrumentations: Iterable[Instrumentation]) -> list[dict[str, str]]:
    """Return the Secrets and ConfigMaps that each annotated namespace must have, or the operator lets its pods be."""
    kinds = {"secret_name": "Secret", "config_map_name": "ConfigMap"}
    needed: list[dict[str, str]] = []
    for instrumentation in instrumentations:
        for namespace in _annotated_namespaces(instrumentation):
            for key, kind in kinds.items():
                if key in instrumentation.tls:
                    file = {"kind": kind, "namespace": namespace, "name": instrumentation.tls[key]}
                    if file not in needed:
                        needed.append(file)
    return needed


def missing_port(service: Manifest, target: Mapping[str, Any]) -> str:
    """Return what is wrong with the ports of a Service, or nothing."""
    texts = []
    for port in items(service["spec"], "ports"):
        if port["port"] == target["port"]:
            return ""
        name = f" {port['name']}" if port.get("name") else ""
        texts.append(f"{port['port']}{name}")
    return f"has no port {target['port']} (it has {', '.join(texts) or 'none'})"


def is_ready(slices: Iterable[Manifest], service: Manifest, target: Mapping[str, Any]) -> bool:
    """Return whether a ready endpoint stands behind a port of a Service; one without a say counts as ready."""
    service_ports = [port for port in service["spec"]["ports"] if port["port"] == target["port"]]
    port_names = _port_names(service_ports)
    for endpoint_slice in slices:
        slice_names = _port_names(items(endpoint_slice, "ports"))
        if port_names & slice_names and _has_ready_endpoint(endpoint_slice):
            return True
    return False


def _port_names(ports: Iterable[Mapping[str, Any]]) -> set[str]:
    return {port.get("name") or "" for port in ports}


def _has_ready_endpoint(endpoint_slice: Manifest) -> bool:
    for endpoint in items(endpoint_slice, "endpoints"):
        conditions = section(endpoint, "conditions")
        if conditions.get("ready") is not False:
            return True
    return False


def question(target: Mapping[str, Any], signal: str) -> tuple[str, str, bytes]:
    """Return path, content type and body of an export of nothing, as OTLP writes it for HTTP and for gRPC."""
    if target["protocol"] == HTTP:
        return f"{target['path'] or ''}/v1/{signal}", "application/x-protobuf", b""
    return "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", bytes(5)


def verdict(status: int, message: str, target: Mapping[str, Any], signal: str) -> tuple[str, bool]:
    """Return what is wrong with how a receiver answers an export of nothing, if anything, and whether it may pass.

    Without TLS a gRPC server cannot be asked through the API server, but it greets who connects as HTTP/2 demands.
    """
    by_status = _STATUS[target["protocol"]].get(status, "")
    sign = next((sign for words, sign in _SIGNS if words in message), by_status)
    text = _VERDICTS[target["protocol"]][sign]
    wrong = text.format(languages=", ".join(target["languages"]), signal=signal, said=f"{status} {message[:200]}")
    return wrong, not sign and status in _UNREACHED
