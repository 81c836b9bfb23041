# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator knows of each language, one row each. Private.

Sources: opentelemetry-operator 0.158.0, apis/v1alpha1 (fields), internal/config (switches and their defaults),
internal/instrumentation (containers, variables); its RFC "Instrumentation v1beta1" (the protocol of each image).
"""

from __future__ import annotations

from dataclasses import dataclass

GRPC, HTTP = "grpc", "http/protobuf"
PORTS = {4317: GRPC, 4318: HTTP}
DOMAIN = "instrumentation.opentelemetry.io"
# Names of the containers that the operator adds begin so.
_ADDED = "opentelemetry-auto-instrumentation"


@dataclass(frozen=True)
class Language:
    """One language: where it is in the resource, what it sends by itself, and what switches it off in the operator."""

    name: str
    title: str
    field: str
    container: str
    default: str = HTTP
    protocols: tuple[str, ...] = (HTTP, GRPC)
    signals: tuple[str, ...] = ("traces", "metrics", "logs")
    resources: str = "resourceRequirements"
    enabled: bool = True
    # The web server modules read a file that the operator writes, not the environment; this names the endpoint there.
    directive: str = ""

    @property
    def annotation(self) -> str:
        """The annotation that asks for it, on a pod or a namespace."""
        return f"{DOMAIN}/inject-{self.name.replace('_', '-')}"

    @property
    def switch(self) -> str:
        """The operator's command line option that has it on."""
        return f"enable-{self.name.replace('_', '-')}-instrumentation"

    @property
    def variable(self) -> str:
        """The variable of the operator's environment that has it on; the option wins over it."""
        return f"ENABLE_{self.name.upper()}_AUTO_INSTRUMENTATION"


_TRACES = ("traces",)

LANGUAGES = {
    language.name: language
    for language in (
        Language("java", "Java", "java", f"{_ADDED}-java", resources="resources"),
        Language("nodejs", "Node.js", "nodejs", f"{_ADDED}-nodejs"),
        # The image leaves the gRPC exporter out: it is built for one version of Python and one C library.
        Language("python", "Python", "python", f"{_ADDED}-python", protocols=(HTTP,)),
        Language("dotnet", ".NET", "dotnet", f"{_ADDED}-dotnet"),
        Language("go", "Go", "go", _ADDED, signals=_TRACES, enabled=False),
        Language(
            "apache_httpd",
            "Apache HTTPD",
            "apacheHttpd",
            "otel-agent-attach-apache",
            default=GRPC,
            protocols=(GRPC,),
            signals=_TRACES,
            directive="ApacheModuleOtelExporterEndpoint",
        ),
        Language(
            "nginx",
            "nginx",
            "nginx",
            "otel-agent-attach-nginx",
            default=GRPC,
            protocols=(GRPC,),
            signals=_TRACES,
            enabled=False,
            directive="NginxModuleOtelExporterEndpoint",
        ),
    )
}
