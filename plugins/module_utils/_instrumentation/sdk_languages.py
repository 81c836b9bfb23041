# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The languages that the operator instruments, as a table. Private.

A row says where the language stands in the custom resource, what its SDK sends, and what turns it off in the operator.
Example: the annotation `instrumentation.opentelemetry.io/inject-python` asks for Python, whose SDK speaks
`http/protobuf`, and for which the operator adds the container `opentelemetry-auto-instrumentation-python`.

Sources: opentelemetry-operator 0.158.0, apis/v1alpha1 (fields), internal/config (switches: variables, then options),
internal/instrumentation (containers, variables); its RFC "Instrumentation v1beta1" (the protocol of each image).
"""

from __future__ import annotations

from dataclasses import dataclass

from .._otelcol.otlp_requests import OTLP_SIGNALS

# The protocols of OTLP, as variable OTEL_EXPORTER_OTLP_PROTOCOL names them.
GRPC = "grpc"
HTTP = "http/protobuf"
# The ports that OTLP has given to its protocols.
PROTOCOL_BY_PORT = {4317: GRPC, 4318: HTTP}
DOMAIN = "instrumentation.opentelemetry.io"
# Names of the containers that the operator adds begin so.
_ADDED_CONTAINER = "opentelemetry-auto-instrumentation"


@dataclass(frozen=True)
class SdkLanguage:
    """One language: where it is in the resource, what it sends by itself, and what switches it off in the operator."""

    name: str
    """Its name in options, such as `apache_httpd`."""
    title: str
    """Its name for people."""
    field: str
    """Its field in the custom resource."""
    container_name: str
    """The container that the operator adds to pods."""
    default_protocol: str = HTTP
    protocols: tuple[str, ...] = (HTTP, GRPC)
    """The protocols that its exporter knows."""
    signals: tuple[str, ...] = OTLP_SIGNALS
    """What it sends."""
    resources_field: str = "resourceRequirements"
    """The field for the requests and limits of its container."""
    is_enabled: bool = True
    """Whether the operator has it on by default."""
    directive: str = ""
    """For a web server: the directive with the endpoint. Its module reads a file that the operator writes, not the
    environment. Empty for an SDK, which reads the environment.
    """

    @property
    def annotation(self) -> str:
        """The annotation that asks for it, on a pod or a namespace."""
        return f"{DOMAIN}/inject-{self.name.replace('_', '-')}"

    @property
    def switch_flag(self) -> str:
        """The operator's command line option that has it on."""
        return f"enable-{self.name.replace('_', '-')}-instrumentation"

    @property
    def switch_variable(self) -> str:
        """The variable of the operator's environment that has it on; the option wins over it."""
        return f"ENABLE_{self.name.upper()}_AUTO_INSTRUMENTATION"


_TRACES_ONLY = ("traces",)

_ALL_LANGUAGES = (
    SdkLanguage(
        name="java",
        title="Java",
        field="java",
        container_name=f"{_ADDED_CONTAINER}-java",
        resources_field="resources",
    ),
    SdkLanguage(name="nodejs", title="Node.js", field="nodejs", container_name=f"{_ADDED_CONTAINER}-nodejs"),
    # The image leaves the gRPC exporter out: it is built for one version of Python and one C library.
    SdkLanguage(
        name="python",
        title="Python",
        field="python",
        container_name=f"{_ADDED_CONTAINER}-python",
        protocols=(HTTP,),
    ),
    SdkLanguage(name="dotnet", title=".NET", field="dotnet", container_name=f"{_ADDED_CONTAINER}-dotnet"),
    SdkLanguage(
        name="go",
        title="Go",
        field="go",
        container_name=_ADDED_CONTAINER,
        signals=_TRACES_ONLY,
        is_enabled=False,
    ),
    SdkLanguage(
        name="apache_httpd",
        title="Apache HTTPD",
        field="apacheHttpd",
        container_name="otel-agent-attach-apache",
        default_protocol=GRPC,
        protocols=(GRPC,),
        signals=_TRACES_ONLY,
        directive="ApacheModuleOtelExporterEndpoint",
    ),
    SdkLanguage(
        name="nginx",
        title="nginx",
        field="nginx",
        container_name="otel-agent-attach-nginx",
        default_protocol=GRPC,
        protocols=(GRPC,),
        signals=_TRACES_ONLY,
        is_enabled=False,
        directive="NginxModuleOtelExporterEndpoint",
    ),
)
LANGUAGES = {language.name: language for language in _ALL_LANGUAGES}
