# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator knows of each language, and which of them it is switched to. Private.

Sources: opentelemetry-operator 0.158.0, apis/v1alpha1 (fields), internal/config (switches: variables, then options),
internal/instrumentation (containers, variables); its RFC "Instrumentation v1beta1" (the protocol of each image).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.config.paths import items, section
from .._otelcol.kube.objects import Manifest

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


# The path at which the operator is asked about every new pod, however it was installed.
_PATH = "/mutate-v1-pod"
_NAME = "mpod.kb.io"
_TRUE = ("1", "t", "true")


class PodWebhook(NamedTuple):
    """The configuration by which the API server asks an operator about pods, and the Service that it asks."""

    configuration: str
    namespace: str
    service: str


def asked(webhooks: Iterable[Manifest]) -> PodWebhook | None:
    """Return how the API server asks about pods, or nothing without an operator."""
    for configuration in webhooks:
        for webhook in items(configuration, "webhooks"):
            client = section(webhook, "clientConfig")
            service = section(client, "service")
            if webhook.get("name") == _NAME and service.get("path") == _PATH:
                return PodWebhook(configuration["metadata"]["name"], service["namespace"], service["name"])
    return None


def deployment(found: Iterable[Manifest], selector: Mapping[str, str]) -> Manifest | None:
    """Return the Deployment whose pods the Service selects."""
    for item in found:
        labels = section(item["spec"]["template"]["metadata"], "labels")
        if selector and selector.items() <= labels.items():
            return item
    return None


def available(operator: Manifest) -> bool:
    """Return whether a pod of the operator can answer; pods that are made meanwhile are never instrumented."""
    return bool(section(operator, "status").get("availableReplicas"))


def switched_off(operator: Manifest, names: Sequence[str]) -> list[Language]:
    """Return which of these languages the operator does not instrument, by its options and variables."""
    container = _container(operator)
    variables = {variable["name"]: variable.get("value", "") for variable in items(container, "env")}
    words = [*items(container, "command"), *items(container, "args")]
    arguments = dict(_option(word) for word in words)
    off = []
    for name in names:
        language = LANGUAGES[name]
        if not _is_enabled(language, variables, arguments):
            off.append(language)
    return off


def _is_enabled(language: Language, variables: Mapping[str, str], arguments: Mapping[str, str]) -> bool:
    """Return whether the operator instruments a language: an option wins over the variable, both over its default."""
    given = arguments.get(language.switch, variables.get(language.variable))
    if given is None:
        return language.enabled
    return given.lower() in _TRUE


def _option(text: str) -> tuple[str, str]:
    """Return name and value of an option of the command line; a bare one is on."""
    name, equals, value = text.lstrip("-").partition("=")
    return name, value if equals else "true"


def _container(operator: Manifest) -> dict[str, Any]:
    containers: list[dict[str, Any]] = operator["spec"]["template"]["spec"]["containers"]
    return next((item for item in containers if item["name"] == "manager"), containers[0])
