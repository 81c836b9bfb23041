# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the SDK of each language exports telemetry: by which protocol, to which endpoint, which signals. Private.

`instrumentation.py` calls `build_export` for every language of an Instrumentation. `custom_resource.py` writes the
answer into the custom resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

from .._otelcol.errors import Problem, suggest_word
from .._otelcol.kube.service_names import resolve_service
from .sdk_languages import GRPC, HTTP, PROTOCOLS_BY_PORT, SdkLanguage

PROTOCOL_VARIABLE, ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_ENDPOINT"
# Variables that have an option of their own here, where they are checked.
OPTIONS_BY_VARIABLE = {PROTOCOL_VARIABLE: "protocol", ENDPOINT_VARIABLE: "endpoint"}


class _OptionsOfAllLanguages(TypedDict):
    image: str
    protocol: str
    endpoint: str
    env: dict[str, Any]
    resources: dict[str, Any]
    volume_claim_template: dict[str, Any]


class LanguageOptions(_OptionsOfAllLanguages, total=False):
    """The options of one language, as role otel_instrumentation documents them. An empty value is not given.

    Only some languages have those that follow.
    """

    extensions: list[dict[str, str]]
    """For Java: the `image` of each extension, and its `dir` there."""
    security_context: dict[str, Any]
    """For Go."""
    attributes: dict[str, Any]
    """For web servers, like the options below."""
    version: str
    config_path: str
    config_file: str


class CollectorOptions(TypedDict, total=False):
    """The collector that receives the telemetry. It is empty if the user gives an endpoint instead."""

    name: str
    namespace: str
    http_port: int
    grpc_port: int


class CommonOptions(NamedTuple):
    """What an Instrumentation says for all its languages. An empty value is not given."""

    namespace: str
    endpoint: str
    collector: CollectorOptions
    tls: Mapping[str, str]
    env: Mapping[str, Any]


@dataclass(frozen=True)
class Export:
    """How the SDK of one language sends its telemetry."""

    language: SdkLanguage
    protocol: str
    """`grpc` or `http/protobuf`, as OTEL_EXPORTER_OTLP_PROTOCOL has it."""
    endpoint: ExportEndpoint
    signals: tuple[str, ...]
    """The signals that go out by OTLP."""


def build_export(language: SdkLanguage, options: LanguageOptions, common_options: CommonOptions) -> Export:
    """Return how the SDK of a language exports. Options of the language override those for all languages.

    Raises Problem for a protocol that the language or the port does not speak.
    """
    protocol = _choose_protocol(language, options)
    endpoint = _choose_endpoint(options, common_options, protocol)
    _check_port(language, options, protocol, endpoint)
    if common_options.tls and endpoint.scheme != "https":
        wrong = f"it has `tls`, but {language.title} sends to {endpoint.url}"
        raise Problem(wrong, fix="Write https://, or remove `tls`.")
    env = {**common_options.env, **options["env"]}
    signals = tuple(signal for signal in language.signals if _is_exported(signal, env))
    return Export(language, protocol, endpoint, signals)


def _choose_protocol(language: SdkLanguage, options: LanguageOptions) -> str:
    """Return the protocol of a language. Raises Problem for a protocol that OTLP or the image of the language lacks."""
    protocol = options["protocol"] or language.default_protocol
    known_protocols = (GRPC, HTTP)
    if protocol not in known_protocols:
        wrong = f"{language.title} has the protocol '{protocol}'{suggest_word(protocol, known_protocols)}"
        raise Problem(wrong, fix=f"Use {HTTP} or {GRPC}.")
    if protocol in language.protocols:
        return protocol
    wrong = f"{language.title} cannot export by {protocol}: its image has no exporter for that"
    # The web server modules speak one protocol with every image.
    if language.directive:
        raise Problem(wrong, fix=f"Use {language.default_protocol}.")
    # A custom image may speak another protocol.
    if not options["image"]:
        raise Problem(wrong, fix=f"Use {language.default_protocol}, or an `image` of your own.")
    return protocol


def _choose_endpoint(options: LanguageOptions, common_options: CommonOptions, protocol: str) -> ExportEndpoint:
    """Return the endpoint of a language, or else the common one, or else that of the collector.

    Raises Problem if none is given.
    """
    url = options["endpoint"] or common_options.endpoint
    if url:
        return parse_endpoint(url)
    if not common_options.collector:
        raise Problem("it does not say where to send to", fix="Give `collector: {name: NAME}`, or `endpoint`.")
    return collector_endpoint(
        common_options.collector, common_options.namespace, protocol, secure=bool(common_options.tls)
    )


def _check_port(language: SdkLanguage, options: LanguageOptions, protocol: str, endpoint: ExportEndpoint) -> None:
    """Raise Problem for a port that OTLP has given to the other protocol.

    Whether a receiver at any other port speaks the protocol, module instrumentation_check finds out in the cluster.
    """
    expected = endpoint.expected_protocol
    if not expected or expected == protocol:
        return
    right_port = next(port for port, port_protocol in PROTOCOLS_BY_PORT.items() if port_protocol == protocol)
    has_own_image = options["image"] and not language.directive
    other_way = ""
    if expected in language.protocols or has_own_image:
        other_way = f", or give it `protocol: {expected}`"
    wrong = f"{language.title} exports by {protocol}, but port {endpoint.port} of {endpoint.url} is that of {expected}"
    fix = f"Send it to port {right_port}{other_way}; `endpoint` of a language overrides the common one."
    raise Problem(wrong, fix=fix)


def _is_exported(signal: str, env: Mapping[str, Any]) -> bool:
    """Return whether a signal goes out by OTLP, by its variable such as OTEL_TRACES_EXPORTER.

    The value of a variable from a Secret is not known, so it counts as `otlp`.
    """
    exporters = env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp")
    return isinstance(exporters, dict) or "otlp" in str(exporters)


# ── Endpoints ──

# The port that a URL without a port has; exporters of OTLP need one with http.
_SCHEME_PORTS = {"https": 443}
# The end of a URL behind its path, such as `?tenant=a#x`.
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)
# The end of a URL that is for one signal alone, such as `/v1/traces`.
_SIGNAL_PATH = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
# A host such as `[$(OTEL_NODE_IP)]` is the address of a node in an IPv6 cluster. Kubernetes fills it in. Python takes
# only addresses in brackets, so it is parsed with any address in its place.
_BRACKETED_VARIABLE, _ANY_IPV6 = re.compile(r"\[\$\([A-Za-z_]\w*\)\]"), "[::]"
_EXAMPLE = "http://gateway.opentelemetry.svc:4318"


class MeantService(NamedTuple):
    """The namespace and the name of a Service."""

    namespace: str
    name: str


@dataclass(frozen=True)
class ExportEndpoint:
    """An address that applications send OTLP to."""

    url: str
    """The address as the user wrote it."""
    scheme: str
    """`http` or `https`."""
    host: str
    """The host as it stands in the address, with the brackets of an IPv6 address."""
    port: int
    path: str
    """The path without a slash at its end."""

    @property
    def expected_protocol(self) -> str:
        """The protocol to which OTLP has given the port; an empty text for any other port."""
        return PROTOCOLS_BY_PORT.get(self.port, "")

    def list_meant_services(self, namespaces: tuple[str, ...]) -> list[MeantService]:
        """Return the Services that the host means, each once; none if it is not the name of a Service.

        A name without a namespace, such as `agent`, means a Service in each of these namespaces.
        """
        services: dict[MeantService, None] = {}
        for namespace in namespaces or ("",):
            service = resolve_service(self.host, namespace)
            if service.namespace and service.is_certain:
                services[MeantService(service.namespace, service.name)] = None
        return list(services)


def parse_endpoint(url: str) -> ExportEndpoint:
    """Return the endpoint of a URL. Raises Problem for a URL that no exporter could use, or that has a password.

    An `@` in any part of the URL counts as a sign of a password, because a password may have `/`, `?` or `#`. Messages
    do not show the part after `?` or `#`, which may be a token.
    """
    if "@" in url:
        fix = "Leave out all up to the @, and give user and password as headers, from a Secret in `env`."
        raise Problem("the endpoint has an @, so a user or a password in it", fix=fix)
    address = _QUERY_OR_FRAGMENT.sub("", url)
    try:
        parts = urlsplit(_BRACKETED_VARIABLE.sub(_ANY_IPV6, url))
        port = _SCHEME_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError as error:
        raise Problem(f"the endpoint '{address}' is not a URL ({error})", fix=f"Write it like {_EXAMPLE}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        wrong = f"the endpoint '{address}' is not an http:// or https:// URL"
        raise Problem(wrong, fix=f"Write it like {_EXAMPLE}, for gRPC too.")
    if not port:
        raise Problem(f"'{address}' has no port", fix="Write it: 4318 is OTLP over HTTP, 4317 OTLP over gRPC.")
    if parts.query or parts.fragment or _SIGNAL_PATH.search(parts.path):
        wrong = f"'{address}' is not a base address"
        raise Problem(wrong, fix="Leave out /v1/traces and all after it; exporters append the signal's path.")
    netloc = url.partition("://")[2].partition("/")[0]
    host = netloc.rpartition(":")[0] if parts.port else netloc
    return ExportEndpoint(url, parts.scheme, host, port, parts.path.rstrip("/"))


def collector_endpoint(options: CollectorOptions, namespace: str, protocol: str, *, secure: bool) -> ExportEndpoint:
    """Return the address of a collector's Service, at its port for a protocol.

    `namespace` is that of the Instrumentation, which counts if the options name none.
    """
    scheme = "https" if secure else "http"
    port = {HTTP: options["http_port"], GRPC: options["grpc_port"]}[protocol]
    host = f"{options['name']}.{options.get('namespace') or namespace}.svc"
    return parse_endpoint(f"{scheme}://{host}:{port}")
