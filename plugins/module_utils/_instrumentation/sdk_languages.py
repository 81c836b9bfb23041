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

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.objects import Manifest

GRPC, HTTP = "grpc", "http/protobuf"
PROTOCOLS_BY_PORT = {4317: GRPC, 4318: HTTP}
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
    signals: tuple[str, ...] = ("traces", "metrics", "logs")
    """What it sends."""
    resources_field: str = "resourceRequirements"
    """The field for the requests and limits of its container."""
    is_enabled: bool = True
    """Whether the operator has it on by default."""
    # The web server modules read a file that the operator writes, not the environment; this names the endpoint there.
    directive: str = ""

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

LANGUAGES = {
    language.name: language
    for language in (
        SdkLanguage("java", "Java", "java", f"{_ADDED_CONTAINER}-java", resources_field="resources"),
        SdkLanguage("nodejs", "Node.js", "nodejs", f"{_ADDED_CONTAINER}-nodejs"),
        # The image leaves the gRPC exporter out: it is built for one version of Python and one C library.
        SdkLanguage("python", "Python", "python", f"{_ADDED_CONTAINER}-python", protocols=(HTTP,)),
        SdkLanguage("dotnet", ".NET", "dotnet", f"{_ADDED_CONTAINER}-dotnet"),
        SdkLanguage("go", "Go", "go", _ADDED_CONTAINER, signals=_TRACES_ONLY, is_enabled=False),
        SdkLanguage(
            "apache_httpd",
            "Apache HTTPD",
            "apacheHttpd",
            "otel-agent-attach-apache",
            default_protocol=GRPC,
            protocols=(GRPC,),
            signals=_TRACES_ONLY,
            directive="ApacheModuleOtelExporterEndpoint",
        ),
        SdkLanguage(
            "nginx",
            "nginx",
            "nginx",
            "otel-agent-attach-nginx",
            default_protocol=GRPC,
            protocols=(GRPC,),
            signals=_TRACES_ONLY,
            is_enabled=False,
            directive="NginxModuleOtelExporterEndpoint",
        ),
    )
}


# The path at which the operator is asked about every new pod, however it was installed.
_WEBHOOK_PATH = "/mutate-v1-pod"
_WEBHOOK_NAME = "mpod.kb.io"
_TRUE_WORDS = ("1", "t", "true")


class PodWebhook(NamedTuple):
    """The configuration by which the API server asks an operator about pods, and the Service that it asks."""

    configuration_name: str
    namespace: str
    service_name: str


def find_pod_webhook(webhooks: Iterable[Manifest]) -> PodWebhook | None:
    """Return how the API server asks about pods, or nothing without an operator."""
    for configuration in webhooks:
        for webhook in list_at(configuration, "webhooks"):
            client = mapping_at(webhook, "clientConfig")
            service = mapping_at(client, "service")
            if webhook.get("name") == _WEBHOOK_NAME and service.get("path") == _WEBHOOK_PATH:
                return PodWebhook(configuration["metadata"]["name"], service["namespace"], service["name"])
    return None


def find_deployment(deployments: Iterable[Manifest], selector: Mapping[str, str]) -> Manifest | None:
    """Return the Deployment whose pods the Service selects."""
    for candidate in deployments:
        labels = mapping_at(candidate["spec"]["template"]["metadata"], "labels")
        if selector and selector.items() <= labels.items():
            return candidate
    return None


def is_available(operator: Manifest) -> bool:
    """Return whether a pod of the operator can answer; pods that are made meanwhile are never instrumented."""
    return bool(mapping_at(operator, "status").get("availableReplicas"))


def list_disabled_languages(operator: Manifest, language_names: Sequence[str]) -> list[SdkLanguage]:
    """Return which of these languages the operator does not instrument, by its options and variables."""
    container = _find_manager_container(operator)
    variables = {variable["name"]: variable.get("value", "") for variable in list_at(container, "env")}
    command_words = [*list_at(container, "command"), *list_at(container, "args")]
    arguments = dict(_parse_option(word) for word in command_words)
    disabled_languages = []
    for name in language_names:
        language = LANGUAGES[name]
        if not _is_enabled(language, variables, arguments):
            disabled_languages.append(language)
    return disabled_languages


def _is_enabled(language: SdkLanguage, variables: Mapping[str, str], arguments: Mapping[str, str]) -> bool:
    """Return whether the operator instruments a language: an option wins over the variable, both over its default."""
    switch_value = arguments.get(language.switch_flag, variables.get(language.switch_variable))
    if switch_value is None:
        return language.is_enabled
    return switch_value.lower() in _TRUE_WORDS


def _parse_option(argument: str) -> tuple[str, str]:
    """Return name and value of an option of the command line; a bare one is on."""
    name, equals, value = argument.lstrip("-").partition("=")
    return name, value if equals else "true"


def _find_manager_container(operator: Manifest) -> dict[str, Any]:
    containers: list[dict[str, Any]] = operator["spec"]["template"]["spec"]["containers"]
    return next((container for container in containers if container["name"] == "manager"), containers[0])
