# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the operator is there, and what it is switched to, read from its webhook and its Deployment. Private.

Source: opentelemetry-operator 0.158.0, internal/config: variables first, then options of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..cluster.bundle import Manifest
from .languages import LANGUAGES, Language

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
        for webhook in configuration.get("webhooks") or []:
            found = (webhook.get("clientConfig") or {}).get("service") or {}
            if webhook.get("name") == _NAME and found.get("path") == _PATH:
                return PodWebhook(configuration["metadata"]["name"], found["namespace"], found["name"])
    return None


def deployment(found: Iterable[Manifest], selector: Mapping[str, str]) -> Manifest | None:
    """Return the Deployment whose pods the Service selects."""
    for item in found:
        labels = item["spec"]["template"]["metadata"].get("labels") or {}
        if selector and selector.items() <= labels.items():
            return item
    return None


def available(operator: Manifest) -> bool:
    """Return whether a pod of the operator can answer; pods that are made meanwhile are never instrumented."""
    return bool((operator.get("status") or {}).get("availableReplicas"))


def switched_off(operator: Manifest, names: Sequence[str]) -> list[Language]:
    """Return the languages of these names that the operator does not instrument."""
    container = _container(operator)
    variables = {item["name"]: item.get("value", "") for item in container.get("env") or []}
    arguments = dict(_option(text) for text in [*(container.get("command") or []), *(container.get("args") or [])])
    return [language for name in names if not _enabled(language := LANGUAGES[name], variables, arguments)]


def _enabled(language: Language, variables: Mapping[str, str], arguments: Mapping[str, str]) -> bool:
    said = arguments.get(language.switch, variables.get(language.variable))
    return language.enabled if said is None else said.lower() in _TRUE


def _option(text: str) -> tuple[str, str]:
    """Return name and value of an option of the command line; a bare one is on."""
    name, equals, value = text.lstrip("-").partition("=")
    return name, value if equals else "true"


def _container(operator: Manifest) -> dict[str, Any]:
    containers: list[dict[str, Any]] = operator["spec"]["template"]["spec"]["containers"]
    return next((item for item in containers if item["name"] == "manager"), containers[0])
