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

from .._otelcol.errors import Problem, near
from .._otelcol.kube.service_names import service_of
from .sdk_languages import GRPC, HTTP, PORTS, Language

PROTOCOL_VARIABLE, ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_ENDPOINT"
# Variables that have an option of their own here, where they are checked.
OPTIONS = {PROTOCOL_VARIABLE: "protocol", ENDPOINT_VARIABLE: "endpoint"}


@dataclass(frozen=True)
class Export:
    language: Language
    protocol: str
    endpoint: Endpoint
    signals: tuple[str, ...]


def export(language: Language, options: Mapping[str, Any], common: Mapping[str, Any]) -> Export:
    """Return what a language exports; `common` has what the Instrumentation says for all languages.

    Raises Problem for a protocol that the language or the port does not speak.
    """
    protocol = _protocol(language, options)
    found = _endpoint(options, common, protocol)
    _check_port(language, options, protocol, found)
    if common["tls"] and found.scheme != "https":
        wrong = f"it has `tls`, but {language.title} sends to {found.url}"
        raise Problem(wrong, fix="Write https://, or remove `tls`.")
    env = {**common["env"], **options["env"]}
    return Export(language, protocol, found, tuple(signal for signal in language.signals if _sends(signal, env)))


def _protocol(language: Language, options: Mapping[str, Any]) -> str:
    protocol = options["protocol"] or language.default
    known = (GRPC, HTTP)
    if protocol not in known:
        wrong = f"{language.title} has the protocol '{protocol}'{near(protocol, known)}"
        raise Problem(wrong, fix=f"Use {HTTP} or {GRPC}.")
    # A custom image may speak another protocol; the web server modules speak one protocol with every image.
    if protocol not in language.protocols and (language.directive or not options["image"]):
        raise Problem(
            f"{language.title} cannot export by {protocol}: its image has no exporter for that",
            fix=f"Use {language.default}, or an `image` of your own."
            if not language.directive
            else f"Use {language.default}.",
        )
    return protocol


def _endpoint(options: Mapping[str, Any], common: Mapping[str, Any], protocol: str) -> Endpoint:
    written = options["endpoint"] or common["endpoint"]
    if written:
        return parse(written)
    if not common["collector"]:
        raise Problem("it does not say where to send to", fix="Give `collector: {name: NAME}`, or `endpoint`.")
    return of_collector(common["collector"], common["namespace"], protocol, secure=bool(common["tls"]))


def _check_port(language: Language, options: Mapping[str, Any], protocol: str, found: Endpoint) -> None:
    """Refuse a port that OTLP has given to the other protocol; of other ports the cluster check finds out."""
    if not found.expected or found.expected == protocol:
        return
    right = next(port for port, speaks in PORTS.items() if speaks == protocol)
    other = found.expected in language.protocols or (options["image"] and not language.directive)
    also = f", or give it `protocol: {found.expected}`" if other else ""
    wrong = f"{language.title} exports by {protocol}, but port {found.port} of {found.url} is that of {found.expected}"
    raise Problem(wrong, fix=f"Send it to port {right}{also}; `endpoint` of a language overrides the common one.")


def _sends(signal: str, env: Mapping[str, Any]) -> bool:
    given = env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp")
    return isinstance(given, dict) or "otlp" in str(given)


_SCHEME_PORTS = {"https": 443}
_SIGNAL_PATH = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
# `[$(OTEL_NODE_IP)]`: the address of a node in an IPv6 cluster, which Kubernetes fills in and Python refuses.
_BRACKETED_VARIABLE, _ANY_IPV6 = re.compile(r"\[\$\([A-Za-z_]\w*\)\]"), "[::]"
_EXAMPLE = "http://gateway.opentelemetry.svc:4318"


@dataclass(frozen=True)
class Endpoint:
    """An address that applications send OTLP to."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def expected(self) -> str:
        """The protocol that the port says, or nothing; the two ports are OTLP's own."""
        return PORTS.get(self.port, "")

    def services(self, namespaces: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return namespace and name of the Services that it means; of a bare name, one in each of these namespaces."""
        meant = [service_of(self.host, namespace) for namespace in namespaces or ("",)]
        return list(dict.fromkeys((one.namespace, one.name) for one in meant if one.namespace and one.certain))


def parse(url: str) -> Endpoint:
    """Return an endpoint. Raises Problem for what no exporter could use, or for a password in it."""
    try:
        parts = urlsplit(_BRACKETED_VARIABLE.sub(_ANY_IPV6, url))
        port = parts.port or _SCHEME_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Problem(f"the endpoint '{url}' is not a URL ({error})", fix=f"Write it like {_EXAMPLE}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Problem(
            f"the endpoint '{url}' is not an http:// or https:// URL", fix=f"Write it like {_EXAMPLE}, for gRPC too."
        )
    if "@" in parts.netloc:
        fix = "Give them as headers, from a Secret in `env`."
        raise Problem("the endpoint has a user or a password in it", fix=fix)
    if not port:
        raise Problem(f"'{url}' has no port", fix="Write it: 4318 is OTLP over HTTP, 4317 OTLP over gRPC.")
    if parts.query or parts.fragment or _SIGNAL_PATH.search(parts.path):
        wrong = f"'{url}' is not a base address"
        raise Problem(wrong, fix="Leave out /v1/traces and all after it; exporters append the signal's path.")
    netloc = url.partition("://")[2].partition("/")[0]
    host = netloc.rpartition(":")[0] if parts.port else netloc
    return Endpoint(url, parts.scheme, host, port, parts.path.rstrip("/"))


def of_collector(options: Mapping[str, Any], namespace: str, protocol: str, *, secure: bool) -> Endpoint:
    port = {HTTP: options["http_port"], GRPC: options["grpc_port"]}[protocol]
    host = f"{options['name']}.{options.get('namespace') or namespace}.svc"
    return parse(f"{'https' if secure else 'http'}://{host}:{port}")
