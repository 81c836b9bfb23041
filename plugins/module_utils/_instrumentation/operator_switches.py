# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which operator the API server asks about new pods, and which languages it instruments. Private.

`live/prerequisites.py` reads the webhooks and Deployments of the cluster. Example: an operator whose container has the
argument `--enable-go-instrumentation=true` instruments Go, which is off by default.

Sources: opentelemetry-operator 0.158.0, internal/config (switches: variables, then options).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.objects import Manifest
from .sdk_languages import LANGUAGES, SdkLanguage

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
    """Return how the API server asks an operator about pods; None without an operator."""
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
    """Return name and value of an option of the command line; a bare one is on.

    Example: `--enable-go-instrumentation=true` is `("enable-go-instrumentation", "true")`.
    """
    name, equals, value = argument.lstrip("-").partition("=")
    return name, value if equals else "true"


def _find_manager_container(operator: Manifest) -> dict[str, Any]:
    """Return the container of the operator itself: `manager`, or else the first one."""
    containers: list[dict[str, Any]] = operator["spec"]["template"]["spec"]["containers"]
    return next((container for container in containers if container["name"] == "manager"), containers[0])
