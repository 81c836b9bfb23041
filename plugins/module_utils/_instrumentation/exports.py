# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each language of an Instrumentation exports: by which protocol, to which endpoint, which signals. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .._otelcol.errors import Problem, suggest_word
from .._otelcol.kube.service_names import resolve_service
from .sdk_languages import GRPC, HTTP, PROTOCOLS_BY_PORT, Language

PROTOCOL_VARIABLE, ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_ENDPOINT"
# Variables that have an option of their own here, where they are checked.
OPTIONS_BY_VARIABLE = {PROTOCOL_VARIABLE: "protocol", ENDPOINT_VARIABLE: "endpoint"}


@dataclass(frozen=True)
class Export:
    """How the SDK of one language sends its telemetry."""

    language: Language
    protocol: str
    """`grpc` or `http/protobuf`, as OTEL_EXPORTER_OTLP_PROTOCOL has it."""
    endpoint: Endpoint
    signals: tuple[str, ...]
    """The signals that go out by OTLP."""


def build_export(language: Language, options: Mapping[str, Any], common_options: Mapping[str, Any]) -> Export:
    """Return what a language exports; `common_options` has what the Instrumentation says for all languages.

    Raises Problem for a protocol that the language or the port does not speak.
    """
    protocol = _choose_protocol(language, options)
    endpoint = _choose_endpoint(options, common_options, protocol)
    _check_port(language, options, protocol, endpoint)
    if common_options["tls"] and endpoint.scheme != "https":
        wrong = f"it has `tls`, but {language.title} sends to {endpoint.url}"
        raise Problem(wrong, fix="Write https://, or remove `tls`.")
    env = {**common_options["env"], **options["env"]}
    signals = tuple(signal for signal in language.signals if _is_exported(signal, env))
    return Export(language, protocol, endpoint, signals)


def _choose_protocol(language: Language, options: Mapping[str, Any]) -> str:
    """Return the protocol of a language. Raises Problem for one that is not OTLP's, or that its image lacks."""
    protocol = options["protocol"] or language.default_protocol
    known_protocols = (GRPC, HTTP)
    if protocol not in known_protocols:
        wrong = f"{language.title} has the protocol '{protocol}'{suggest_word(protocol, known_protocols)}"
        raise Problem(wrong, fix=f"Use {HTTP} or {GRPC}.")
    if protocol in language.protocols:
        return str(protocol)
    wrong = f"{language.title} cannot export by {protocol}: its image has no exporter for that"
    # The web server modules speak one protocol with every image.
    if language.directive:
        raise Problem(wrong, fix=f"Use {language.default_protocol}.")
    # A custom image may speak another protocol.
    if not options["image"]:
        raise Problem(wrong, fix=f"Use {language.default_protocol}, or an `image` of your own.")
    return str(protocol)


def _choose_endpoint(options: Mapping[str, Any], common_options: Mapping[str, Any], protocol: str) -> Endpoint:
    """Return where a language sends to: its own address, the common one, or that of the collector."""
    url = options["endpoint"] or common_options["endpoint"]
    if url:
        return parse_endpoint(url)
    if not common_options["collector"]:
        raise Problem("it does not say where to send to", fix="Give `collector: {name: NAME}`, or `endpoint`.")
    return collector_endpoint(
        common_options["collector"], common_options["namespace"], protocol, secure=bool(common_options["tls"])
    )


def _check_port(language: Language, options: Mapping[str, Any], protocol: str, endpoint: Endpoint) -> None:
    """Refuse a port that OTLP has given to the other protocol; of other ports the cluster check finds out."""
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
    """Return whether a signal goes out by OTLP; a value from a Secret may say so."""
    exporters = env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp")
    return isinstance(exporters, dict) or "otlp" in str(exporters)


_SCHEME_PORTS = {"https": 443}
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)
_SIGNAL_PATH = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
# `[$(OTEL_NODE_IP)]`: the address of a node in an IPv6 cluster, which Kubernetes fills in and Python refuses.
_BRACKETED_VARIABLE, _ANY_IPV6 = re.compile(r"\[\$\([A-Za-z_]\w*\)\]"), "[::]"
_EXAMPLE = "http://gateway.opentelemetry.svc:4318"


@dataclass(frozen=True)
class Endpoint:
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
        """The protocol that the port says, or nothing; the two ports are OTLP's own."""
        return PROTOCOLS_BY_PORT.get(self.port, "")

    def list_meant_services(self, namespaces: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return namespace and name of the Services that it means; of a bare name, one in each of these namespaces."""
        services: dict[tuple[str, str], None] = {}
        for namespace in namespaces or ("",):
            service = resolve_service(self.host, namespace)
            if service.namespace and service.is_certain:
                services[service.namespace, service.name] = None
        return list(services)


def parse_endpoint(url: str) -> Endpoint:
    """Return an endpoint. Raises Problem for what no exporter could use, or for a password in it.

    Any `@` counts as a sign of a password: one with `/`, `?` or `#` in it leaves the `@` in another part of the URL.
    Messages do not show what follows `?` or `#`, which may be a token.
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
    return Endpoint(url, parts.scheme, host, port, parts.path.rstrip("/"))


def collector_endpoint(options: Mapping[str, Any], namespace: str, protocol: str, *, secure: bool) -> Endpoint:
    """Return the address of a collector's Service, at its port of a protocol."""
    scheme = "https" if secure else "http"
    port = {HTTP: options["http_port"], GRPC: options["grpc_port"]}[protocol]
    host = f"{options['name']}.{options.get('namespace') or namespace}.svc"
    return parse_endpoint(f"{scheme}://{host}:{port}")
