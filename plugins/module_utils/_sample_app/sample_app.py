# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the sample application, and the names of its two services. Private."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .._otelcol.errors import Problem
from .._otelcol.kube import names

# The frontend asks the datastore.
FRONTEND = "frontend"
DATASTORE = "datastore"
SERVICES = (FRONTEND, DATASTORE)
# The port of each service.
PORT = 8080


@dataclass(frozen=True)
class SampleApp:
    """The options of the sample application, as its role documents them."""

    name: str
    namespace: str
    collector: str
    endpoint: str
    image: str
    sdk_image: str
    image_registry: str
    image_pull_secrets: list[str]
    resource_attributes: dict[str, Any]
    env: dict[str, Any]
    load: dict[str, Any]
    ingress: dict[str, Any]
    openshift_route: dict[str, Any]

    def service_name(self, service: str) -> str:
        """Return the name of the Service and of the Deployment of one of SERVICES."""
        return f"{self.name}-{service}"


def list_option_names() -> list[str]:
    """Return the names of the options of the sample application."""
    return [option.name for option in fields(SampleApp)]


def check_name_length(name: str) -> None:
    """Raise Problem for a name that is too long for Services of the application.

    Kubernetes before 1.36 takes no name of a Service that begins with a digit, and says so.
    """
    longest_suffix = f"-{max(SERVICES, key=len)}"
    most_characters = names.LONGEST_LABEL - len(longest_suffix)
    if len(name) > most_characters:
        wrong = f"'{name}' is too long for the name of the sample application"
        raise Problem(
            wrong, fix=f"Use at most {most_characters} characters: a Service is named `NAME{longest_suffix}`."
        )
