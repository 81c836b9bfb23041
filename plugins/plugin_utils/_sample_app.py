# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of role otel_sample_app to objects, and how to call the application. Controller only. Private.

Module sample_app_render calls `render_sample_app`. The sample application sends spans to a collector, so that a user
sees data arrive. Before anything is applied, addresses are refused at which no span would arrive, such as
http://gateway:4317: "port 4317 … is that of grpc, and the sample application exports by http/protobuf alone".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import export_endpoints, exports
from ..module_utils._instrumentation.sdk_languages import GRPC, HTTP
from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ..module_utils._otelcol.errors import Problem, strip_credentials
from ..module_utils._sample_app.manifests import build_bundle
from ..module_utils._sample_app.sample_app import SampleApp, check_name_length, list_option_names
from . import _arguments, _role_files, _role_options

ROLE = _role_files.ROLE.with_name("otel_sample_app")
PREFIX = "otel_sample_app_"
PLATFORM = "platform"
_ACTIVITY = "Send the spans of the sample application"
_IMAGE_OPTIONS = ("image", "sdk_image")
# The variable of the SDK with the address of spans alone. It has the path, while that of all signals is without it.
_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_TRACES_PATH = "/v1/traces"
_PROTOCOLS = (exports.PROTOCOL_VARIABLE, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_HTTP_ALONE = f"the sample application exports by {HTTP} alone"
# What counts the spans that arrive at a collector.
_COUNTER_KEYS = ("namespace", "selector", "metrics_port")


def render_sample_app(
    options: Mapping[str, Any],
    collectors: Sequence[Mapping[str, Any]],
    probes: Sequence[Mapping[str, Any]] = (),
    platform_paths: Sequence[str] = (),
    pin: lock_file.Pin = lock_file.keep_unpinned,
    *,
    for_removal: bool = False,
) -> dict[str, Any]:
    """Return the objects, and how to call them. Raises Problem for invalid options."""
    option_specs = _role_options.read_role_options(PREFIX, (*list_option_names(), PLATFORM))
    checked_options = _arguments.validate_values(options, option_specs, "the sample application")
    if not for_removal:
        _check_destinations(checked_options["endpoint"], checked_options["env"])
        check_name_length(checked_options["name"])
    platforms = _role_files.find_platforms(platform_paths)
    # null leaves the user of a pod to the cluster.
    assigns_user = _role_files.read_platform(checked_options.pop(PLATFORM), platforms)["run_as_user"] is None
    checked_options |= {name: _pin_image(checked_options[name], pin) for name in _IMAGE_OPTIONS}
    source = read_file_text(ROLE / "files" / "app.py")
    rendered = build_bundle(SampleApp(**checked_options), collectors, source, assigns_user)
    return {**rendered, "counts": _find_span_counter(rendered["collector"], probes)}


def _find_span_counter(collector: str, probes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return where the spans that arrive at a collector are counted; nothing if it cannot be verified."""
    for probe in probes:
        if probe["name"] == collector:
            return {key: value for key, value in probe["arrival"].items() if key in _COUNTER_KEYS}
    return {}


# ── Where the spans go ──


class _Destination(NamedTuple):
    """An address that spans may be sent to, the option or variable that says it, and its path behind the base."""

    url: Any
    where: str
    path_suffix: str = ""


def _check_destinations(endpoint: str, env: Mapping[str, Any]) -> None:
    """Reject addresses and protocols with which no span would arrive. Raises Problem."""
    for destination in (
        _Destination(endpoint, f"{PREFIX}endpoint"),
        _Destination(env.get(exports.ENDPOINT_VARIABLE), f"{PREFIX}env.{exports.ENDPOINT_VARIABLE}"),
        _Destination(env.get(_TRACES_ENDPOINT), f"{PREFIX}env.{_TRACES_ENDPOINT}", _TRACES_PATH),
    ):
        if _has_text(destination.url):
            _check_endpoint(destination.url.removesuffix(destination.path_suffix), destination.where)
    for name in _PROTOCOLS:
        _check_protocol(name, env.get(name))


def _has_text(value: Any) -> bool:
    """Whether a variable has a text. A reference such as `$(NAME)` has its value in the cluster alone."""
    return isinstance(value, str) and value != "" and not value.startswith("$(")


def _check_endpoint(url: str, option_path: str) -> None:
    """Raise Problem for an address that is none, or that is one for gRPC."""
    url_without_credentials = strip_credentials(url)  # the exporter for HTTP takes a user and a password in it
    try:
        endpoint = export_endpoints.parse_endpoint(url_without_credentials)
        if endpoint.expected_protocol == GRPC:
            wrong = f"port {endpoint.port} of {endpoint.url} is that of {GRPC}, and {_HTTP_ALONE}"
            raise Problem(wrong, fix="Send to port 4318, or to the port where the collector takes OTLP over HTTP.")
    except Problem as problem:
        raise Problem(problem.wrong, asked=_ACTIVITY, where=option_path, fix=problem.fix) from problem


def _check_protocol(name: str, protocol: Any) -> None:
    """Raise Problem for a variable with another protocol than HTTP. What it refers to in the cluster is not known."""
    if not isinstance(protocol, str) or protocol.startswith("$(") or protocol == HTTP:
        return
    wrong = f"{_HTTP_ALONE}, and {name} is '{protocol}'"
    raise Problem(wrong, asked=_ACTIVITY, where=f"{PREFIX}env.{name}", fix=f"Remove {name}, and send to port 4318.")


# ── Images ──


def _pin_image(image: str, pin: lock_file.Pin) -> str:
    """Return an image with its digest. A lock holds the images if the inventory sets one of them."""
    try:
        return pin(image)
    except Problem as problem:
        fix = f"Set `{PREFIX}image` in the inventory, and run `{lock_file.LOCK_COMMAND}`."
        raise Problem(problem.wrong, asked=problem.asked, where=problem.where, fix=fix) from problem
