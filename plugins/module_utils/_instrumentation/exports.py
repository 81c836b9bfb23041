# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the SDK of each language exports telemetry: by which protocol, to which endpoint, which signals. Private.

`instrumentation.py` calls `build_export` for every language of an Instrumentation. `custom_resource.py` writes the
result into the custom resource. Example: Python with `collector: {name: gateway}` exports traces, metrics and logs by
`http/protobuf` to `http://gateway.telemetry.svc:4318`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from .._otelcol.errors import Problem, suggest_word
from .export_endpoints import CollectorOptions, ExportEndpoint, build_collector_endpoint, parse_endpoint
from .sdk_languages import GRPC, HTTP, PROTOCOL_BY_PORT, SdkLanguage

# Variables of the SDKs.
PROTOCOL_VARIABLE = "OTEL_EXPORTER_OTLP_PROTOCOL"
ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
# Variables for which there is an option, so that the value is checked.
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
    return build_collector_endpoint(
        common_options.collector, common_options.namespace, protocol, secure=bool(common_options.tls)
    )


def _check_port(language: SdkLanguage, options: LanguageOptions, protocol: str, endpoint: ExportEndpoint) -> None:
    """Raise Problem for a port that OTLP has given to the other protocol.

    Whether a receiver at any other port speaks the protocol, module instrumentation_check finds out in the cluster.
    """
    expected = endpoint.expected_protocol
    if not expected or expected == protocol:
        return
    right_port = next(port for port, port_protocol in PROTOCOL_BY_PORT.items() if port_protocol == protocol)
    has_own_image = options["image"] and not language.directive
    protocol_advice = ""
    if expected in language.protocols or has_own_image:
        protocol_advice = f", or give it `protocol: {expected}`"
    wrong = f"{language.title} exports by {protocol}, but port {endpoint.port} of {endpoint.url} is that of {expected}"
    fix = f"Send it to port {right_port}{protocol_advice}; `endpoint` of a language overrides the common one."
    raise Problem(wrong, fix=fix)


def _is_exported(signal: str, env: Mapping[str, Any]) -> bool:
    """Return whether a signal goes out by OTLP, by its variable such as OTEL_TRACES_EXPORTER.

    The value of a variable from a Secret is not known, so it counts as `otlp`.
    """
    exporters = env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp")
    return isinstance(exporters, dict) or "otlp" in str(exporters)
