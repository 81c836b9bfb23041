# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation as a custom resource, and what the cluster must have before it is of use. Private.

Source of the fields: the CRD of opentelemetry-operator 0.158.0, which serves this version alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._collector.manifests.build import omit_empty
from .._collector.manifests.namespaces import render_shared_namespace
from .._collector.manifests.pod import variable_source
from .._collector.options import replace_registry
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube import names
from .._otelcol.kube.names import OWNER, OWNER_LABEL
from .._otelcol.kube.objects import Manifest
from .exports import ENDPOINT_VARIABLE, PROTOCOL_VARIABLE, Export
from .instrumentation import Instrumentation
from .sdk_languages import GRPC, HTTP

API_VERSION, KIND = "opentelemetry.io/v1alpha1", "Instrumentation"
INSTRUMENTATION_LABEL = "o11y.opentelemetry/instrumentation"

_TLS_FIELDS = {
    "secret_name": "secretName",
    "config_map_name": "configMapName",
    "ca_file": "ca_file",
    "cert_file": "cert_file",
    "key_file": "key_file",
}
# Options of some languages, and the field that each becomes.
_LANGUAGE_FIELDS = {
    "volume_claim_template": "volumeClaimTemplate",
    "security_context": "securityContext",
    "version": "version",
    "config_path": "configPath",
    "config_file": "configFile",
}


def build_manifests(instrumentation: Instrumentation) -> list[Manifest]:
    """Return the objects of one Instrumentation: its Namespace, unless that is of Kubernetes itself, and itself."""
    namespace = render_shared_namespace(instrumentation.namespace)
    metadata = {
        "name": instrumentation.name,
        "namespace": instrumentation.namespace,
        "labels": {
            **instrumentation.labels,
            OWNER_LABEL: OWNER,
            INSTRUMENTATION_LABEL: instrumentation.name,
            names.RELEASE_LABEL: names.instrumentation_release(instrumentation.namespace, instrumentation.name),
        },
        **omit_empty(annotations=instrumentation.annotations),
    }
    resource = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": _build_spec(instrumentation)}
    return [namespace, resource] if namespace else [resource]


def _build_spec(instrumentation: Instrumentation) -> dict[str, Any]:
    """Return the specification of the resource, without what is not given."""
    common_url = common_endpoint(instrumentation.exports)
    tls = {_TLS_FIELDS[key]: value for key, value in instrumentation.tls.items()}
    resource = omit_empty(
        resourceAttributes=instrumentation.resource_attributes,
        addK8sUIDAttributes=instrumentation.kubernetes_uids or None,
    )
    languages = {
        export.language.field: _build_language(export, instrumentation, common_url)
        for export in instrumentation.exports
    }
    return {
        "exporter": {"endpoint": common_url, **omit_empty(tls=tls)},
        **omit_empty(
            resource=resource,
            defaults=omit_empty(useLabelsForResourceAttributes=instrumentation.labels_as_attributes or None),
            sampler=instrumentation.sampler,
            propagators=instrumentation.propagators,
            env=_list_variables(instrumentation.env),
            imagePullPolicy=instrumentation.image_pull_policy,
            initContainerSecurityContext=instrumentation.init_container_security_context,
        ),
        **languages,
    }


def common_endpoint(exports: list[Export]) -> str:
    """Return the endpoint of the resource itself: that of HTTP where there is one, which is what most SDKs speak."""
    for export in exports:
        if export.protocol == HTTP:
            return export.endpoint.url
    return exports[0].endpoint.url


def _build_language(export: Export, instrumentation: Instrumentation, common_url: str) -> dict[str, Any]:
    """Return the section of a language; it has an endpoint of its own if that is not the common one."""
    language = export.language
    options = instrumentation.languages[language.name]
    env, directives = dict(options["env"]), dict(mapping_at(options, "attributes"))
    own_endpoint = None if export.endpoint.url == common_url else export.endpoint.url
    if language.directive:
        directives |= omit_empty(**{language.directive: own_endpoint})
    else:
        # Said even where it is the default: an image of another version may have another one.
        env |= {PROTOCOL_VARIABLE: export.protocol} | omit_empty(**{ENDPOINT_VARIABLE: own_endpoint})
    extensions = []
    for extension in list_at(options, "extensions"):
        extensions.append({**extension, "image": _move_to_registry(extension["image"], instrumentation)})
    return omit_empty(
        image=_move_to_registry(options["image"], instrumentation),
        env=_list_variables(env),
        attrs=_list_variables(directives),
        extensions=extensions,
        **{language.resources_field: options["resources"]},
        **{field: options.get(name) for name, field in _LANGUAGE_FIELDS.items()},
    )


def _move_to_registry(image: str, instrumentation: Instrumentation) -> str:
    return replace_registry(image, instrumentation.image_registry) if image else ""


def _list_variables(env: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **variable_source(name, env[name])} for name in sorted(env)]


# The API server's answers when it cannot pass a request on, and their meaning. A server of HTTP/2 greets who speaks
# HTTP/1 with a SETTINGS frame (RFC 9113, 3.4), whose first bytes are quoted here. The words are those of Go's net/http.
_ANSWER_SIGNS = (
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
_STATUS_SIGNS = {
    HTTP: {200: "otlp", 401: "otlp", 404: "strange", 415: "type"},
    GRPC: {200: "grpc", 401: "otlp", 404: "strange", 405: "strange", 415: "strange"},
}
# The API server could not pass the request on; the receiver may be coming up.
_UNREACHED_STATUSES = (500, 502, 503, 504)
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


def list_targets(instrumentations: Iterable[Instrumentation]) -> list[dict[str, Any]]:
    """Return the Services that applications will send to, each once, with what they will send there."""
    targets_by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
    for instrumentation in instrumentations:
        annotated_namespaces = sorted(set(_list_annotated_namespaces(instrumentation)))
        namespaces = tuple(annotated_namespaces) or (instrumentation.namespace,)
        for export in instrumentation.exports:
            endpoint = export.endpoint
            for namespace, name in endpoint.list_meant_services(namespaces):
                key = (namespace, name, endpoint.port, endpoint.scheme, endpoint.path, export.protocol)
                target = targets_by_key.setdefault(key, _new_target(*key))
                signals = {*target["signals"], *export.signals}
                target["signals"] = [signal for signal in ("traces", "metrics", "logs") if signal in signals]
                target["languages"] = sorted({*target["languages"], export.language.name})
    return list(targets_by_key.values())


def _list_annotated_namespaces(instrumentation: Instrumentation) -> list[str]:
    """Return the names of the namespaces whose pods are instrumented; an entry is a name, or has one."""
    return [entry if isinstance(entry, str) else entry["name"] for entry in instrumentation.namespaces]


def _new_target(*key_values: Any) -> dict[str, Any]:
    key_names = ("namespace", "service", "port", "scheme", "path", "protocol")
    return {**dict(zip(key_names, key_values, strict=True)), "signals": [], "languages": []}


def list_needed_files(instrumentations: Iterable[Instrumentation]) -> list[dict[str, str]]:
    """Return the Secrets and ConfigMaps that each annotated namespace must have, or the operator lets its pods be."""
    kinds = {"secret_name": "Secret", "config_map_name": "ConfigMap"}
    needed_files: list[dict[str, str]] = []
    for instrumentation in instrumentations:
        for namespace in _list_annotated_namespaces(instrumentation):
            for key, kind in kinds.items():
                if key in instrumentation.tls:
                    file = {"kind": kind, "namespace": namespace, "name": instrumentation.tls[key]}
                    if file not in needed_files:
                        needed_files.append(file)
    return needed_files


def explain_missing_port(service: Manifest, target: Mapping[str, Any]) -> str:
    """Return what is wrong with the ports of a Service, or nothing."""
    port_texts = []
    for port in list_at(service["spec"], "ports"):
        if port["port"] == target["port"]:
            return ""
        name = f" {port['name']}" if port.get("name") else ""
        port_texts.append(f"{port['port']}{name}")
    return f"has no port {target['port']} (it has {', '.join(port_texts) or 'none'})"


def has_ready_endpoint(slices: Iterable[Manifest], service: Manifest, target: Mapping[str, Any]) -> bool:
    """Return whether a ready endpoint stands behind a port of a Service; one without a say counts as ready."""
    service_ports = [port for port in service["spec"]["ports"] if port["port"] == target["port"]]
    port_names = _port_names(service_ports)
    for endpoint_slice in slices:
        slice_names = _port_names(list_at(endpoint_slice, "ports"))
        if port_names & slice_names and _has_ready_endpoint(endpoint_slice):
            return True
    return False


def _port_names(ports: Iterable[Mapping[str, Any]]) -> set[str]:
    return {port.get("name") or "" for port in ports}


def _has_ready_endpoint(endpoint_slice: Manifest) -> bool:
    for endpoint in list_at(endpoint_slice, "endpoints"):
        conditions = mapping_at(endpoint, "conditions")
        if conditions.get("ready") is not False:
            return True
    return False


def build_empty_export(target: Mapping[str, Any], signal: str) -> tuple[str, str, bytes]:
    """Return path, content type and body of an export of nothing, as OTLP writes it for HTTP and for gRPC."""
    if target["protocol"] == HTTP:
        return f"{target['path'] or ''}/v1/{signal}", "application/x-protobuf", b""
    return "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", bytes(5)


def judge_answer(status: int, message: str, target: Mapping[str, Any], signal: str) -> tuple[str, bool]:
    """Return what is wrong with how a receiver answers an export of nothing, if anything, and whether it may pass.

    Without TLS a gRPC server cannot be asked through the API server, but it greets who connects as HTTP/2 demands.
    """
    status_sign = _STATUS_SIGNS[target["protocol"]].get(status, "")
    sign = next((sign for phrase, sign in _ANSWER_SIGNS if phrase in message), status_sign)
    template = _VERDICTS[target["protocol"]][sign]
    wrong = template.format(languages=", ".join(target["languages"]), signal=signal, said=f"{status} {message[:200]}")
    return wrong, not sign and status in _UNREACHED_STATUSES
