# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a host whose SDKs send to a collector there: the variables of each, by options of the inventory. Private.

An SDK is OpenTelemetry's library in an application; it reads `OTEL_…` variables, which a drop-in of systemd sets (see
service_environment.py). A row of the option `otel_host_sdks` is about one or several services, and `_host_services.py`
of plugin_utils makes a `HostSdk` of each row. For example, `{services: [shop], protocol: http/protobuf}` gives service
`shop.service` the variables

    OTEL_SERVICE_NAME=shop
    OTEL_RESOURCE_ATTRIBUTES=host.id=@host_id@
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

Names and forms of the variables: OpenTelemetry specification, "Environment variables" and "OTLP exporter".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

from .._host_change.bundle_form import SERVICE_SUFFIX
from .._host_change.service_environment import HOST_ID_TOKEN, ServiceEnvironment, check_service_name
from .._instrumentation.samplers import build_sampler, check_propagators
from .._otelcol.errors import Problem
from .host_groups import GRPC, HTTP

# A URL of a receiver, such as `http://127.0.0.1:4318`, without a login, a query or a fragment.
_RECEIVER_URL = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?\Z")
# The characters of a value that need no percent sign, of those that baggage allows; no `@`, by which the id of the host
# is named. Source: OpenTelemetry, "Resource SDK"; W3C Baggage, baggage-octet.
_UNESCAPED = "!#$&'()*+-./:<>?[]^_`{|}~"
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*\Z")
# Such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_TRACES_HEADERS, which may have a token.
_HEADER_VARIABLES = re.compile(r"OTEL_EXPORTER_OTLP_(?:\w+_)?HEADERS\Z")
# The variables that follow from another option of the row: that option.
_OPTION_BY_VARIABLE = {
    "OTEL_SERVICE_NAME": "service_name",
    "OTEL_RESOURCE_ATTRIBUTES": "resource_attributes",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "endpoint",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "protocol",
    "OTEL_PROPAGATORS": "propagators",
    "OTEL_TRACES_SAMPLER": "sampler",
    "OTEL_TRACES_SAMPLER_ARG": "sampler",
}
# The resource attributes that have options or values of their own.
_HOST_ID = "host.id"
_SERVICE_NAME = "service.name"


@dataclass(frozen=True)
class HostSdk:
    """A row of `otel_host_sdks`: services, and what their SDKs have in common."""

    services: list[str]
    """Units, with or without `.service`."""
    collector: str
    """Which collector they send to; empty for the only one that fits."""
    endpoint: str
    """The URL that they send to; empty for that of the receiver."""
    protocol: str
    """`grpc`, or a protocol over HTTP, such as `http/protobuf`."""
    service_name: str
    """Empty for the name of the unit."""
    resource_attributes: dict[str, str]
    propagators: list[str]
    sampler: dict[str, str]
    """With `type` and `argument`; empty for the SDK's own."""
    env: dict[str, str]
    """Further `OTEL_…` variables."""
    restart: bool
    """Whether a run may restart the services, so that they read the variables."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> HostSdk:
        """Return the row that these options describe. Raises Problem for what could not work."""
        sdk = cls(**{sdk_field.name: options[sdk_field.name] for sdk_field in fields(cls)})
        _check_sdk(sdk)
        return sdk

    @property
    def unit_names(self) -> list[str]:
        """The units of the services. Raises Problem for a name that no service can have."""
        return [check_service_name(_unit_name(name)) for name in self.services]

    @property
    def transport(self) -> str:
        """GRPC or HTTP, by the protocol."""
        return GRPC if self.protocol == GRPC else HTTP

    def build_environment(self, unit: str, url: str) -> ServiceEnvironment:
        """Return the environment of one of the services. Raises Problem for text that no unit can hold."""
        escaped_attributes = {name: quote(text, _UNESCAPED) for name, text in self.resource_attributes.items()}
        attributes = {_HOST_ID: HOST_ID_TOKEN, **escaped_attributes}
        variables = {
            "OTEL_SERVICE_NAME": self.service_name or _default_service_name(unit),
            "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={value}" for name, value in attributes.items()),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint or url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
            **self._sampling_variables(),
            **self.env,
        }
        return ServiceEnvironment(unit, variables, self.restart)

    def _sampling_variables(self) -> dict[str, str]:
        """Return the variables about propagators and the sampler, without those that have no value."""
        sampler_settings = build_sampler(self.sampler)
        value_by_variable = {
            "OTEL_PROPAGATORS": ",".join(check_propagators(self.propagators)),
            "OTEL_TRACES_SAMPLER": sampler_settings.get("type", ""),
            "OTEL_TRACES_SAMPLER_ARG": sampler_settings.get("argument", ""),
        }
        return {name: value for name, value in value_by_variable.items() if value}


def _unit_name(name: str) -> str:
    """Return the unit of a service, which may be listed with or without `.service`."""
    return name if name.endswith(SERVICE_SUFFIX) else name + SERVICE_SUFFIX


def _default_service_name(unit: str) -> str:
    """Return the name of a service: `shop` for unit `shop.service`, and for its instance `shop@1.service`."""
    return unit[: -len(SERVICE_SUFFIX)].partition("@")[0]


def _check_sdk(sdk: HostSdk) -> None:
    """Raise Problem for options of a row that do not fit together."""
    if not sdk.services:
        raise Problem("it names no service", fix="List units in `services`, such as `[shop.service]`.")
    if sdk.service_name and len(sdk.services) > 1:
        wrong = "`service_name` would be the name of several services"
        raise Problem(wrong, fix="Give each service a row of its own, or remove it: each has the name of its unit.")
    if sdk.endpoint and not _RECEIVER_URL.match(sdk.endpoint):
        wrong = f"`endpoint` is '{sdk.endpoint}', which is no URL of a receiver"
        raise Problem(wrong, fix="Write one such as `http://127.0.0.1:4318`.")
    if sdk.sampler.get("argument") and not sdk.sampler.get("type"):
        raise Problem("`sampler` has an argument and no type", fix="Write `type: parentbased_traceidratio` beside it.")
    _check_attributes(sdk.resource_attributes)
    _check_env(sdk.env)


def _check_attributes(attributes: Mapping[str, str]) -> None:
    """Raise Problem for a resource attribute that has an option of its own, or no valid name."""
    for name in attributes:
        if name == _SERVICE_NAME:
            raise Problem(f"`resource_attributes` has {name}", fix="Write `service_name` in its place.")
        if name == _HOST_ID:
            wrong = f"`resource_attributes` has {name}, which is that of the host by itself"
            raise Problem(wrong, fix="Remove it.")
        if not _ATTRIBUTE_NAME.match(name):
            wrong = f"`resource_attributes` has '{name}', which is no name of an attribute"
            raise Problem(wrong, fix="Write one such as `deployment.environment.name`.")


def _check_env(env: Mapping[str, str]) -> None:
    """Raise Problem for a variable that has an option of its own, or that may hold a secret."""
    for name in env:
        if name in _OPTION_BY_VARIABLE:
            raise Problem(f"`env` has {name}", fix=f"Write `{_OPTION_BY_VARIABLE[name]}` in its place.")
        if _HEADER_VARIABLES.match(name):
            wrong = f"`env` has {name}, and every user of the host can read the environment of a unit"
            fix = "Give headers to the exporter of the collector, with a credential. Its services need none."
            raise Problem(wrong, fix=fix)
