# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of role otel_sample_app to objects. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import exports
from ..module_utils._instrumentation.sdk_languages import GRPC, HTTP
from ..module_utils._otelcol.bounded.live.bounded_reads import file_text
from ..module_utils._otelcol.errors import Problem, shown
from ..module_utils._sample_app.manifests import bundle
from ..module_utils._sample_app.sample_app import SampleApp, check_length, option_names
from . import _arguments, _sources

ROLE = _sources.ROLE.with_name("otel_sample_app")
PREFIX = "otel_sample_app_"
PLATFORM = "platform"
_ASKED = "Send the spans of the sample application"
_IMAGES = ("image", "sdk_image")
# Variables of the SDK, of which the application has the exporter for spans over HTTP alone.
_TRACES, _TRACES_PATH = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"
_PROTOCOLS = (exports.PROTOCOL_VARIABLE, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_COUNTED = ("namespace", "selector", "metrics_port")


def render(
    options: Mapping[str, Any],
    collectors: Sequence[Mapping[str, Any]],
    probes: Sequence[Mapping[str, Any]] = (),
    platform_paths: Sequence[str] = (),
    pin: lock_file.Pin = lock_file.unpinned,
    *,
    for_removal: bool = False,
) -> dict[str, Any]:
    """Return the objects, and how to call them. Raises Problem for invalid options."""
    known = _sources.role_options(PREFIX, (*option_names(), PLATFORM))
    found = _arguments.checked(options, known, "the sample application")
    if not for_removal:
        _check_ways(found["endpoint"], found["env"])
        check_length(found["name"])
    platforms = _sources.find(platform_paths, "platforms")
    # null leaves the user of a pod to the cluster.
    assigns_user = _sources.platform(found.pop(PLATFORM), platforms)["run_as_user"] is None
    found |= {name: _pinned(found[name], pin) for name in _IMAGES}
    source = file_text(ROLE / "files" / "app.py")
    rendered = bundle(SampleApp(**found), collectors, source, assigns_user)
    arrival: Mapping[str, Any] = next((item["arrival"] for item in probes if item["name"] == rendered["collector"]), {})
    return {**rendered, "counts": {key: value for key, value in arrival.items() if key in _COUNTED}}


def _check_ways(endpoint: str, env: Mapping[str, Any]) -> None:
    """Reject addresses and protocols with which no span would arrive. Raises Problem."""
    base = {
        f"{PREFIX}endpoint": endpoint,
        f"{PREFIX}env.{exports.ENDPOINT_VARIABLE}": env.get(exports.ENDPOINT_VARIABLE),
    }
    for where, url in {**base, f"{PREFIX}env.{_TRACES}": env.get(_TRACES)}.items():
        # A reference has its value in the cluster alone.
        if isinstance(url, str) and url and not url.startswith("$("):
            _check_endpoint(url if where in base else url.removesuffix(_TRACES_PATH), where)
    for name in _PROTOCOLS:
        if isinstance(env.get(name), str) and env[name] != HTTP:
            wrong = f"the sample application exports by {HTTP} alone, and {name} is '{env[name]}'"
            raise Problem(
                wrong, asked=_ASKED, where=f"{PREFIX}env.{name}", fix=f"Remove {name}, and send to port 4318."
            )


def _check_endpoint(url: str, where: str) -> None:
    try:
        found = exports.parse(shown(url))  # the exporter for HTTP takes a user and a password in it
        if found.expected == GRPC:
            ours = f"the sample application exports by {HTTP} alone"
            wrong = f"port {found.port} of {found.url} is that of {GRPC}, and {ours}"
            raise Problem(wrong, fix="Send to port 4318, or to the port where the collector takes OTLP over HTTP.")
    except Problem as problem:
        raise Problem(problem.wrong, asked=_ASKED, where=where, fix=problem.fix) from problem


def _pinned(image: str, pin: lock_file.Pin) -> str:
    """Return an image with its digest. A lock holds the images if the inventory sets one of them."""
    try:
        return pin(image)
    except Problem as problem:
        fix = f"Set `{PREFIX}image` in the inventory, and run `{lock_file.LOCK_IT}`."
        raise Problem(problem.wrong, asked=problem.asked, where=problem.where, fix=fix) from problem
