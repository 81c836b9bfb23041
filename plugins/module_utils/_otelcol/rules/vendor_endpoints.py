# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on endpoints of AWS and Datadog: protocols, paths and headers.

Sources: "OTLP endpoints" of CloudWatch's and "Remote write" of Amazon Managed Service for Prometheus' documentation;
"OTLP intake endpoint" of Datadog's; AWS's service endpoints. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.otlp/dd.endpoint: error [http-only] 'otlp/dd' uses gRPC, but otlp.datadoghq.com accepts only HTTP. Use
    the exporter otlp_http.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.addresses import parse_destination
from ..config.paths import list_at, mapping_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .vendor_hosts import find_aws_service, is_datadog_host
from .view import uses_endpoint

_AWS_DOCUMENTATION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html"
_OTLP_HTTP = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/otlphttpexporter/README.md"
# The setting of otlp_http for each signal; `endpoint` is for all that have none.
_ENDPOINT_OF_ALL = "endpoint"
_ENDPOINT_OF_SIGNAL = {"traces": "traces_endpoint", "logs": "logs_endpoint", "metrics": "metrics_endpoint"}
# The path of a URL, and the path of remote write at Amazon Managed Service for Prometheus.
_URL_PATH = re.compile(r"https?://[^/?#]*([^?#]*)")
_WRITE_PATH = re.compile(r"/workspaces/[^/]+/api/v1/remote_write\Z")
# What otlp_http adds to `endpoint`, and where users of Loki have written logs before.
_ADDED_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs", "/loki/api/v1/push")
_HEADERS_OF_DATADOG = ("dd-api-key",)
_HEADERS_OF_AWS_LOGS = ("x-aws-log-group", "x-aws-log-stream")


class _UrlTarget(NamedTuple):
    """The host in small letters and the path of a URL; both are empty where a variable hides them."""

    host: str
    path: str


def _read_target(part: StartedComponent, key: str) -> _UrlTarget:
    """Return where the URL in a setting of an exporter leads to."""
    endpoint: Any = part.settings.get(key)
    if not isinstance(endpoint, str) or "$" in endpoint:
        return _UrlTarget("", "")
    url_match = _URL_PATH.match(endpoint)
    return _UrlTarget(parse_destination(endpoint).host, url_match[1]) if url_match else _UrlTarget("", "")


@about(exporters=["otlp", "otlpgrpc"])
def http_only(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that use gRPC for endpoints of AWS or Datadog that accept only OTLP over HTTP."""
    for part in subject.view.find_parts("exporters", "otlp", "otlpgrpc"):
        host = parse_destination(part.settings.get("endpoint")).host
        if find_aws_service(host) or is_datadog_host(host):
            message = f"'{part.id}' uses gRPC, but {host} accepts only HTTP"
            yield Fault((*part.path, "endpoint"), message, "Use the exporter otlp_http.")


def intake_path(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of AWS with a wrong path."""
    for part in subject.view.find_parts("exporters", "prometheusremotewrite"):
        target = _read_target(part, "endpoint")
        service = find_aws_service(target.host)
        if service and service.takes_remote_write and not _WRITE_PATH.match(target.path):
            yield _report_wrong_path(part, "endpoint", "/workspaces/WORKSPACE/api/v1/remote_write")
    for part in subject.view.find_parts("exporters", "otlphttp"):
        target = _read_target(part, _ENDPOINT_OF_ALL)
        if find_aws_service(target.host) and target.path.strip("/"):
            yield _report_wrong_path(part, _ENDPOINT_OF_ALL, "no path; the exporter adds its own")
        for signal, key in _ENDPOINT_OF_SIGNAL.items():
            if not _may_take_signal(_read_target(part, key), signal):
                yield _report_wrong_path(part, key, f"/v1/{signal} of the service that takes {signal}")


def _may_take_signal(target: _UrlTarget, signal: str) -> bool:
    """Whether a service of AWS takes a signal at this path; other hosts may."""
    service = find_aws_service(target.host)
    if service is None:
        return True
    return target.path == f"/v1/{signal}" and service.otlp_signal == signal


def _report_wrong_path(part: StartedComponent, key: str, better_path: str) -> Fault:
    """Return the fault of an endpoint with a path at which AWS takes nothing; `better_path` is the end of the fix."""
    path = _read_target(part, key).path or "no path"
    message = f"{key} of '{part.id}' has {path}, which accepts none of its data"
    return Fault((*part.path, key), message, f"Use {better_path}.")


@about(exporters=["otlphttp"])
def doubled_path(subject: Subject) -> Iterator[Fault]:
    """Yield URLs with the path of one signal, after which otlp_http writes it again; the backend then answers 404."""
    for part in subject.view.find_parts("exporters", "otlphttp"):
        host, path = _read_target(part, _ENDPOINT_OF_ALL)
        url = str(part.settings.get(_ENDPOINT_OF_ALL)).rstrip("/")
        # Another rule speaks of paths of AWS.
        if not path or find_aws_service(host) or not url.endswith(_ADDED_PATHS):
            continue
        if uses_endpoint(subject.view, part, _ENDPOINT_OF_ALL):
            base_url = _remove_added_paths(url, path)
            message = f"'{part.id}' adds /v1/traces, /v1/metrics or /v1/logs to {path}"
            fix = f"Write `{base_url}`, or give the URL of one signal as `traces_endpoint`, for example."
            yield Fault((*part.path, _ENDPOINT_OF_ALL), message, fix)


def _remove_added_paths(url: str, path: str) -> str:
    """Return a URL to which otlp_http adds the paths itself; Loki takes OTLP below `/otlp`."""
    for added_path in _ADDED_PATHS:
        url = url.removesuffix(added_path)
    base_url = url.rstrip("/")
    return f"{base_url}/otlp" if "/loki/" in path else base_url


@about(exporters=["otlphttp"])
def intake_header(subject: Subject) -> Iterator[Fault]:
    """Yield exporters without the headers that CloudWatch Logs and Datadog require."""
    for part in subject.view.find_parts("exporters", "otlphttp"):
        if not _may_add_headers(part):
            yield from _find_first_lack_of_headers(part)


def _find_first_lack_of_headers(part: StartedComponent) -> Iterator[Fault]:
    """Yield the first endpoint of an exporter that requires headers which it does not send."""
    sent_headers = _list_sent_headers(part)
    for key in (_ENDPOINT_OF_ALL, *_ENDPOINT_OF_SIGNAL.values()):
        host = _read_target(part, key).host
        missing_headers = [header for header in _list_required_headers(host) if header not in sent_headers]
        if missing_headers:
            headers_to_add = ", ".join(f"{header}: …" for header in missing_headers)
            message = f"'{part.id}' sends no header {' and no '.join(missing_headers)} to {host}"
            yield Fault((*part.path, key), message, f"Add `headers: {{{headers_to_add}}}`.")
            return


def _list_required_headers(host: str) -> tuple[str, ...]:
    """Return the headers that a host requires of requests."""
    if is_datadog_host(host):
        return _HEADERS_OF_DATADOG
    service = find_aws_service(host)
    return _HEADERS_OF_AWS_LOGS if service and service.otlp_signal == "logs" else ()


def _list_sent_headers(part: StartedComponent) -> set[str]:
    """Return the names of headers in small letters. Headers are a mapping or a list of pairs."""
    names = [*mapping_at(part.settings, "headers")]
    names += [value_at(header_pair, ("name",)) for header_pair in list_at(part.settings, "headers")]
    return {str(name).lower() for name in names}


def _may_add_headers(part: StartedComponent) -> bool:
    """Whether an unknown extension may add headers to the requests; sigv4auth adds none of them."""
    if "middlewares" in part.settings or isinstance(part.settings.get("headers"), str):
        return True
    authenticator = str(value_at(part.settings, ("auth", "authenticator"), "sigv4auth"))
    return authenticator.split("/", 1)[0] != "sigv4auth"


RULES = (
    *define_rules("error", http_only, intake_path, documentation=_AWS_DOCUMENTATION),
    *define_rules("warning", doubled_path, documentation=_OTLP_HTTP),
    *define_rules("warning", intake_header, documentation=_AWS_DOCUMENTATION),
)
