# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource of an Instrumentation, and what the cluster must have before it is of use. Private.

Action instrumentation_render builds the custom resource and lists the requirements. Module instrumentation_check looks
for these in the cluster (`live/prerequisites.py`), and the functions of the second part judge what it reads there.
Source of the fields: the CRD of opentelemetry-operator 0.158.0, which serves this version alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

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

_SIGNALS = ("traces", "metrics", "logs")
# The kinds of objects with certificates, by the option of `tls` that names one.
_FILE_KINDS = {"secret_name": "Secret", "config_map_name": "ConfigMap"}
# So many characters of a message are shown.
_MOST_MESSAGE_CHARACTERS = 200
API_VERSION, KIND = "opentelemetry.io/v1alpha1", "Instrumentation"
INSTRUMENTATION_LABEL = "o11y.opentelemetry/instrumentation"

# Options of `tls`, and the field that each becomes.
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
    """Return the objects of one Instrumentation: its Namespace and the custom resource.

    A Namespace of Kubernetes itself, such as `default`, is left out.
    """
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
    """Return the spec of the custom resource, without fields for options that are not given."""
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
    """Return the endpoint at the top of the spec: that of the first language with OTLP over HTTP, else the first one.

    A language with another endpoint gets it in a section of its own. Most SDKs speak HTTP.
    """
    for export in exports:
        if export.protocol == HTTP:
            return export.endpoint.url
    return exports[0].endpoint.url


def _build_language(export: Export, instrumentation: Instrumentation, common_url: str) -> dict[str, Any]:
    """Return the section of a language in the spec. It names the endpoint only if that is not the common one."""
    language = export.language
    options = instrumentation.languages[language.name]
    env = dict(options["env"])
    directives = dict(mapping_at(options, "attributes"))
    own_endpoint = None if export.endpoint.url == common_url else export.endpoint.url
    if language.directive:
        directives |= omit_empty(**{language.directive: own_endpoint})
    else:
        # The protocol stands there even if it is the default: an image of another version may have another default.
        env[PROTOCOL_VARIABLE] = export.protocol
        env |= omit_empty(**{ENDPOINT_VARIABLE: own_endpoint})
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
    """Return variables as a container has them, in order of their names."""
    return [{"name": name, **variable_source(name, env[name])} for name in sorted(env)]


# ── Requirements ──


class ExportTarget(TypedDict):
    """A port of a Service that applications will send to, and what they will send there."""

    namespace: str
    service: str
    port: int
    scheme: str
    """`http` or `https`."""
    path: str
    protocol: str
    """GRPC or HTTP."""
    signals: list[str]
    languages: list[str]


class NeededFile(TypedDict):
    """A Secret or ConfigMap with certificates."""

    kind: str
    namespace: str
    name: str


class Requirements(TypedDict):
    """What the Instrumentations of an inventory need. It goes from instrumentation_render to instrumentation_check."""

    languages: list[str]
    """The languages that the operator must instrument."""
    targets: list[ExportTarget]
    namespaces: list[Manifest]
    """The namespaces to annotate, each with its new annotations alone."""
    coming: list[str]
    """The namespaces that are created together with the Instrumentations."""
    references: list[str]
    """The Instrumentations as NAMESPACE/NAME."""
    files: list[NeededFile]
    trials: list[Manifest]
    """The custom resources, to try the webhooks of the operator with."""


def list_targets(instrumentations: Iterable[Instrumentation]) -> list[ExportTarget]:
    """Return the ports of Services that applications will send to, each once, with what they will send there."""
    targets_by_key: dict[_TargetKey, ExportTarget] = {}
    for instrumentation in instrumentations:
        annotated_namespaces = sorted(set(_list_annotated_namespaces(instrumentation)))
        namespaces = tuple(annotated_namespaces) or (instrumentation.namespace,)
        for export in instrumentation.exports:
            for key in _list_target_keys(export, namespaces):
                target = targets_by_key.setdefault(key, _new_target(key))
                _add_export(target, export)
    return list(targets_by_key.values())


class _TargetKey(NamedTuple):
    """The fields that tell a target from all others."""

    namespace: str
    service: str
    port: int
    scheme: str
    path: str
    protocol: str


def _list_target_keys(export: Export, namespaces: tuple[str, ...]) -> list[_TargetKey]:
    """Return the targets of an export: one for each Service that its endpoint means."""
    endpoint = export.endpoint
    keys = []
    for service in endpoint.list_meant_services(namespaces):
        keys.append(
            _TargetKey(service.namespace, service.name, endpoint.port, endpoint.scheme, endpoint.path, export.protocol)
        )
    return keys


def _new_target(key: _TargetKey) -> ExportTarget:
    """Return a target to which nothing is sent yet."""
    return {
        "namespace": key.namespace,
        "service": key.service,
        "port": key.port,
        "scheme": key.scheme,
        "path": key.path,
        "protocol": key.protocol,
        "signals": [],
        "languages": [],
    }


def _add_export(target: ExportTarget, export: Export) -> None:
    """Add the signals and the language of an export to what a target gets."""
    sent_signals = {*target["signals"], *export.signals}
    target["signals"] = [signal for signal in _SIGNALS if signal in sent_signals]
    target["languages"] = sorted({*target["languages"], export.language.name})


def _list_annotated_namespaces(instrumentation: Instrumentation) -> list[str]:
    """Return the names of the namespaces whose pods are instrumented. An entry is a name, or a mapping with one."""
    return [entry if isinstance(entry, str) else entry["name"] for entry in instrumentation.namespaces]


def list_needed_files(instrumentations: Iterable[Instrumentation]) -> list[NeededFile]:
    """Return the Secrets and ConfigMaps with certificates that each annotated namespace must have, each once.

    The operator does not instrument a pod whose namespace lacks them.
    """
    needed_files: list[NeededFile] = []
    for instrumentation in instrumentations:
        for namespace in _list_annotated_namespaces(instrumentation):
            for option, kind in _FILE_KINDS.items():
                if option in instrumentation.tls:
                    file: NeededFile = {"kind": kind, "namespace": namespace, "name": instrumentation.tls[option]}
                    if file not in needed_files:
                        needed_files.append(file)
    return needed_files


# ── What the cluster has ──


def explain_missing_port(service: Manifest, target: ExportTarget) -> str:
    """Return that a Service lacks the port of a target, and which ports it has; an empty text if it has the port."""
    port_texts = []
    for port in list_at(service["spec"], "ports"):
        if port["port"] == target["port"]:
            return ""
        name = f" {port['name']}" if port.get("name") else ""
        port_texts.append(f"{port['port']}{name}")
    return f"has no port {target['port']} (it has {', '.join(port_texts) or 'none'})"


def has_ready_endpoint(slices: Iterable[Manifest], service: Manifest, target: ExportTarget) -> bool:
    """Return whether an endpoint of a Service is ready at the port of a target. `slices` are its EndpointSlices."""
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
    """Return whether an endpoint of a slice is ready. One without that condition counts as ready, as in Kubernetes."""
    for endpoint in list_at(endpoint_slice, "endpoints"):
        conditions = mapping_at(endpoint, "conditions")
        if conditions.get("ready") is not False:
            return True
    return False


# ── What a receiver answers ──

# A receiver is tried with an export that has no data. The request goes through the API server to a pod of the Service.
# A sign is a key of _VERDICTS below; the empty one stands for any other answer.
# The messages of the API server when it cannot pass a request on, each with the sign that it is. The words are those of
# Go's net/http. `malformed HTTP response` quotes the SETTINGS frame with which a server of HTTP/2 greets a client of
# HTTP/1 (RFC 9113, 3.4), so a gRPC server is there.
_ANSWER_SIGNS = (
    ("certificate required", "mutual"),
    ("bad certificate", "mutual"),
    ("server gave HTTP response to HTTPS client", "plain"),
    ("first record does not look like a TLS handshake", "plain"),
    ("HTTP request to an HTTPS server", "secure"),
    ("malformed HTTP response", "grpc"),
    ("error trying to reach service: EOF", "closed"),
)
# The status of a receiver's own answer, by the protocol of the target. A receiver that wants credentials (401) speaks
# OTLP. With TLS, a gRPC server answers 200 to any request, because both sides then agree on HTTP/2. Its own result
# comes after the status, and the API server does not pass that on.
_STATUS_SIGNS = {
    HTTP: {200: "otlp", 401: "otlp", 404: "strange", 415: "type"},
    GRPC: {200: "grpc", 401: "otlp", 404: "strange", 405: "strange", 415: "strange"},
}
# The API server could not pass the request on: the receiver may be starting.
_UNREACHED_STATUSES = (500, 502, 503, 504)
# What is wrong, by the sign.
_TLS_VERDICTS = {
    "mutual": "",  # the receiver speaks TLS, and wants a certificate of the client
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


class EmptyExport(NamedTuple):
    """A request of OTLP without data."""

    path: str
    content_type: str
    body: bytes


class AnswerVerdict(NamedTuple):
    """What is wrong with the answer of a receiver; empty if nothing is."""

    wrong: str
    may_pass: bool
    """Whether the receiver may only be starting."""


def build_empty_export(target: ExportTarget, signal: str) -> EmptyExport:
    """Return the export of a signal without data to a target."""
    if target["protocol"] == HTTP:
        return EmptyExport(f"{target['path'] or ''}/v1/{signal}", "application/x-protobuf", b"")
    # The body is an empty message: a byte that says it is not compressed, and four of its length (gRPC over HTTP2).
    return EmptyExport("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", bytes(5))


def judge_answer(status: int, message: str, target: ExportTarget, signal: str) -> AnswerVerdict:
    """Return what the answer to an export without data says about a receiver.

    `status` and `message` come from the API server. It cannot pass a request without TLS on to a gRPC server, but then
    its message has the greeting of that server.
    """
    protocol = target["protocol"]
    sign = _find_sign(status, message, protocol)
    wrong = _VERDICTS[protocol][sign].format(
        languages=", ".join(target["languages"]),
        signal=signal,
        said=f"{status} {message[:_MOST_MESSAGE_CHARACTERS]}",
    )
    return AnswerVerdict(wrong, may_pass=not sign and status in _UNREACHED_STATUSES)


def _find_sign(status: int, message: str, protocol: str) -> str:
    """Return the key of `_VERDICTS` that fits an answer. The message counts before the status."""
    for phrase, sign in _ANSWER_SIGNS:
        if phrase in message:
            return sign
    return _STATUS_SIGNS[protocol].get(status, "")
