# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on endpoints of AWS and Datadog: protocols, paths, headers, sites, keys, regions and signatures.

Sources: "OTLP endpoints" of CloudWatch's and "Remote write" of Amazon Managed Service for Prometheus' documentation;
"OTLP intake endpoint" and "Datadog sites" of Datadog's; exporter/datadogexporter, internal/aws/awsutil and
sigv4authextension of opentelemetry-collector-contrib; AWS's service endpoints. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.layers import parse_version
from ..config.paths import at, destination, items, section
from ..traits import EXPORTERS, Trait, types_that
from .subject import Fault, Subject, about, rules
from .view import Part, uses_endpoint

_OTLP_DOCUMENTATION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html"
_OTLP_HTTP = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/otlphttpexporter/README.md"
_DATADOG_DOCUMENTATION = "https://docs.datadoghq.com/getting_started/site/"
_AWS = re.compile(r"(aps-workspaces|xray|logs|monitoring)\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\Z")
_DATADOG = re.compile(r"otlp\.(?:[a-z0-9]+\.)?(?:datadoghq\.(?:com|eu)|ddog-gov\.com)\Z")
_SIGNALS = {"xray": "traces", "logs": "logs", "monitoring": "metrics"}
_WRITE = re.compile(r"/workspaces/[^/]+/api/v1/remote_write\Z")
_PATH = re.compile(r"https?://[^/?#]*([^?#]*)")
_SITE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\Z")
_NO_SITE = ("app.", "api.", "trace.", "otlp.", "www.")
_OPEN = re.compile(r"[$<]")  # a variable, and a placeholder, of which another rule speaks


@about(exporters=["otlp", "otlpgrpc"])
def http_only(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that use gRPC for endpoints of AWS or Datadog that accept only OTLP over HTTP."""
    for part in subject.view.of("exporters", "otlp", "otlpgrpc"):
        host = destination(part.settings.get("endpoint"))[1]
        if _AWS.match(host) or _DATADOG.match(host):
            message = f"'{part.id}' uses gRPC, but {host} accepts only HTTP"
            yield Fault((*part.path, "endpoint"), message, "Use the exporter otlp_http.")


def intake_path(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of AWS with a wrong path."""
    for part in subject.view.of("exporters", "prometheusremotewrite"):
        host, path = _target(part, "endpoint")
        if host.startswith("aps-workspaces.") and _AWS.match(host) and not _WRITE.match(path):
            yield _misdirected(part, "endpoint", "/workspaces/WORKSPACE/api/v1/remote_write")
    for part in subject.view.of("exporters", "otlphttp"):
        for signal in ("", *_SIGNALS.values()):
            key = f"{signal}_endpoint" if signal else "endpoint"
            better_path = _better_path(part, key, signal)
            if better_path:
                yield _misdirected(part, key, better_path)


def _better_path(part: Part, key: str, signal: str) -> str:
    """Return which path an endpoint of AWS needs, for one signal or for all; empty if it has it, or is another's."""
    host, path = _target(part, key)
    service = _AWS.match(host)
    if not service:
        return ""
    if not signal:
        has_path = bool(path.strip("/"))
        return "no path; the exporter adds its own" if has_path else ""
    is_right = path == f"/v1/{signal}" and _SIGNALS.get(service[1]) == signal
    return "" if is_right else f"/v1/{signal} of the service that takes {signal}"


_ADDED = ("/v1/traces", "/v1/metrics", "/v1/logs", "/loki/api/v1/push")


@about(exporters=["otlphttp"])
def doubled_path(subject: Subject) -> Iterator[Fault]:
    """Yield URLs with the path of one signal, after which otlp_http writes it again; the backend then answers 404."""
    for part in subject.view.of("exporters", "otlphttp"):
        host, path = _target(part, "endpoint")
        endpoint = str(part.settings.get("endpoint")).rstrip("/")
        if not path or _AWS.match(host) or not endpoint.endswith(_ADDED):
            continue
        if uses_endpoint(subject.view, part, "endpoint"):
            base = _without_added_paths(endpoint, path)
            message = f"'{part.id}' adds /v1/traces, /v1/metrics or /v1/logs to {path}"
            fix = f"Write `{base}`, or give the URL of one signal as `traces_endpoint`, for example."
            yield Fault((*part.path, "endpoint"), message, fix)


def _without_added_paths(endpoint: str, path: str) -> str:
    """Return a URL to which otlp_http adds the paths itself; Loki takes OTLP below `/otlp`."""
    for added in _ADDED:
        endpoint = endpoint.removesuffix(added)
    base = endpoint.rstrip("/")
    return f"{base}/otlp" if "/loki/" in path else base


@about(exporters=["otlphttp"])
def intake_header(subject: Subject) -> Iterator[Fault]:
    """Yield exporters without the headers that CloudWatch Logs and Datadog require."""
    for part in subject.view.of("exporters", "otlphttp"):
        if not _may_add_headers(part):
            yield from _first_lack_of_headers(part)


def _first_lack_of_headers(part: Part) -> Iterator[Fault]:
    """Yield the first endpoint of an exporter that requires headers which it does not send."""
    for key in ("endpoint", *(f"{signal}_endpoint" for signal in _SIGNALS.values())):
        host, _path = _target(part, key)
        missing = [name for name in _required_headers(host) if name not in _headers(part)]
        if missing:
            listed = ", ".join(f"{name}: …" for name in missing)
            message = f"'{part.id}' sends no header {' and no '.join(missing)} to {host}"
            yield Fault((*part.path, key), message, f"Add `headers: {{{listed}}}`.")
            return


@about(exporters=["datadog"])
def datadog_site(subject: Subject) -> Iterator[Fault]:
    """Yield Datadog sites that are a URL, a host or a nickname instead of a domain."""
    for part in subject.view.of("exporters", "datadog"):
        site = at(part.settings, ("api", "site"))
        if not isinstance(site, str) or not site or _OPEN.search(site):
            continue
        if not _is_site(site):
            fix = "Write only the domain, such as datadoghq.com, us5.datadoghq.com or datadoghq.eu."
            yield Fault((*part.path, "api", "site"), f"'{site}' is not a Datadog site", fix)


@about(exporters=["datadog"])
def datadog_key(subject: Subject) -> Iterator[Fault]:
    """Yield Datadog exporters without an API key; they do not start, even with DD_API_KEY in the environment."""
    for part in subject.view.of("exporters", "datadog"):
        if not isinstance(part.settings.get("api"), str) and not at(part.settings, ("api", "key")):
            origin = "as a credential" if subject.on_host else "from a Secret"
            fix = f"Add `api: {{key: '${{env:DD_API_KEY}}'}}`, and set it {origin} in `env`."
            yield Fault(part.path, f"'{part.id}' has no api.key", fix)


def _is_site(site: str) -> bool:
    return bool(_SITE.match(site)) and not site.startswith(_NO_SITE)


def _target(part: Part, key: str) -> tuple[str, str]:
    """Return host and path of an endpoint; nothing where a variable hides them."""
    endpoint: Any = part.settings.get(key)
    if not isinstance(endpoint, str) or "$" in endpoint:
        return "", ""
    match = _PATH.match(endpoint)
    return (destination(endpoint)[1], match[1]) if match else ("", "")


def _misdirected(part: Part, key: str, better_path: str) -> Fault:
    path = _target(part, key)[1] or "no path"
    message = f"{key} of '{part.id}' has {path}, which accepts none of its data"
    return Fault((*part.path, key), message, f"Use {better_path}.")


def _required_headers(host: str) -> tuple[str, ...]:
    """Return the headers that a host requires of requests."""
    if _DATADOG.match(host):
        return ("dd-api-key",)
    is_logs_of_aws = host.startswith("logs.") and _AWS.match(host)
    return ("x-aws-log-group", "x-aws-log-stream") if is_logs_of_aws else ()


def _headers(part: Part) -> set[str]:
    """Return the names of headers, which are a mapping or a list of pairs."""
    names = list(section(part.settings, "headers"))
    pairs = items(part.settings, "headers")
    return {str(name).lower() for name in [*names, *(at(pair, ("name",)) for pair in pairs)]}


def _may_add_headers(part: Part) -> bool:
    """Whether an unknown extension may add headers to the requests; sigv4auth adds none of them."""
    if "middlewares" in part.settings or isinstance(part.settings.get("headers"), str):
        return True
    signer = str(at(part.settings, ("auth", "authenticator"), "sigv4auth"))
    return signer.split("/", 1)[0] != "sigv4auth"


_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_SIGV4 = f"{_CONTRIB}/extension/sigv4authextension"
_EXPORTERS = types_that(EXPORTERS, Trait.NEEDS_REGION)
_VARIABLE = "AWS_REGION"
# First label of the host → the name of the service in signatures.
_SERVICES = {"aps-workspaces": "aps", "xray": "xray", "logs": "logs", "monitoring": "monitoring"}
_HOST = re.compile(rf"https://({'|'.join(_SERVICES)})\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:[:/]|\Z)")
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")


def region_missing(subject: Subject) -> Iterator[Fault]:
    """Yield AWS components without a region. They ask the instance metadata service, which may not answer."""
    if subject.environment is None or _VARIABLE in subject.environment:
        return
    for part in subject.view.of("exporters", *_EXPORTERS):
        if not part.settings.get("region"):
            message = f"'{part.id}' has no region, and {_VARIABLE} is not set"
            yield Fault(part.path, message, f"Add `region: REGION`, or {_VARIABLE} to `env`.")
    for part in subject.view.of("receivers", "awsxray"):
        if not at(part.settings, ("proxy_server", "region")):
            fix = f"Add `proxy_server: {{region: REGION}}`, or {_VARIABLE} to `env`."
            yield Fault(part.path, f"'{part.id}' has no region for forwarded requests, and {_VARIABLE} is not set", fix)


# The first version that passes every trace id on. Source: CHANGELOG.md of contrib (26553).
_ANY_TRACE_ID = (0, 86)


@about(exporters=["awsxray"])
def random_trace_id(subject: Subject) -> Iterator[Fault]:
    """Yield X-Ray exporters of builds that drop spans whose trace id is random, as SDKs generate it by default."""
    target = subject.target
    if target is None or not () < parse_version(target.version) < _ANY_TRACE_ID:
        return
    for part in subject.view.of("exporters", "awsxray"):
        message = (
            f"'{part.id}' of {target.version} drops spans whose trace id does not start with the time of the trace"
        )
        fix = "Use Collector 0.86.0 or later, or the X-Ray id generator in every application."
        yield Fault(part.path, message, fix)


def signature_mismatch(subject: Subject) -> Iterator[Fault]:
    """Yield signatures whose service or region differs from that of the endpoint; AWS rejects them."""
    signers = {part.id: part for part in reversed(subject.view.of("extensions", "sigv4auth"))}
    for sending in _to_aws(subject):
        name = at(sending.part.settings, ("auth", "authenticator"))
        signer = signers.get(name) if isinstance(name, str) else None
        if signer:
            yield from _differing_signature(signer, sending)


def _differing_signature(signer: Part, sending: _ToAws) -> Iterator[Fault]:
    """Yield what a signature has another value for than the endpoint; a variable may have the right one."""
    for setting, right_value in (("service", sending.service), ("region", sending.region)):
        written = at(signer.settings, (setting,))
        if not isinstance(written, str) or written in ("", right_value) or "$" in written:
            continue
        signed = f"'{signer.id}' signs for {setting} '{written}'"
        yield Fault(
            ("extensions", signer.id, setting),
            f"{signed}, but {sending.key} of '{sending.part.id}' is in {setting} '{right_value}'",
            f"Write `{setting}: {right_value}`, or give that exporter its own sigv4auth.",
        )


def signature_missing(subject: Subject) -> Iterator[Fault]:
    """Yield exporters to AWS that do not sign their requests; AWS rejects them."""
    found: set[str] = set()
    for part, key, _service, _region in _to_aws(subject):
        if "auth" not in part.settings and part.id not in found:
            found.add(part.id)
            yield Fault(
                (*part.path, key),
                f"'{part.id}' sends to AWS without a signature",
                "Add extension sigv4auth, list it in service.extensions, and write `auth: {authenticator: sigv4auth}`.",
            )


class _ToAws(NamedTuple):
    """An exporter that sends over HTTP to AWS: the key of the endpoint, and the service and region there."""

    part: Part
    key: str
    service: str
    region: str


def _to_aws(subject: Subject) -> Iterator[_ToAws]:
    """Yield each endpoint of AWS to which exporters send over HTTP."""
    for part in subject.view.of("exporters", "otlphttp", "prometheusremotewrite"):
        for key in _ENDPOINTS:
            endpoint = part.settings.get(key)
            match = _HOST.match(endpoint) if isinstance(endpoint, str) else None
            if match:
                yield _ToAws(part, key, _SERVICES[match[1]], match[2])


_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter"
_LOGGERS = types_that(EXPORTERS, Trait.WRITES_LOG_GROUPS)
_MOST_DIMENSIONS = 10
_RETENTIONS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653),
)


@about(exporters=["awsemf"])
def dropped_declaration(subject: Subject) -> Iterator[Fault]:
    """Yield metric declarations that awsemf drops; their metrics never reach CloudWatch."""
    for part in subject.view.of("exporters", "awsemf"):
        for index, declaration in enumerate(items(part.settings, "metric_declarations")):
            here = (*part.path, "metric_declarations", index)
            if isinstance(declaration, dict) and not declaration.get("metric_name_selectors"):
                fix = "Add `metric_name_selectors: [REGULAR EXPRESSION]`."
                yield Fault(here, "the declaration selects no metric", fix)
            for number, dimensions in enumerate(items(declaration, "dimensions")):
                if isinstance(dimensions, list) and len(dimensions) > _MOST_DIMENSIONS:
                    yield Fault(
                        (*here, "dimensions", number),
                        f"it has {len(dimensions)} dimensions, and awsemf drops sets of more than {_MOST_DIMENSIONS}",
                        "Keep the dimensions that you use, or split them into several sets.",
                    )


def log_retention(subject: Subject) -> Iterator[Fault]:
    """Yield retention times that CloudWatch Logs does not offer; the Collector rejects them."""
    for name, settings in section(subject.config, "exporters").items():
        if str(name).split("/", 1)[0] not in _LOGGERS:
            continue
        days = at(settings, ("log_retention",))
        if isinstance(days, int) and not isinstance(days, bool) and days not in _RETENTIONS:
            others = ", ".join(str(offered) for offered in _RETENTIONS[1:])
            fix = f"Write {_next_retention(days)}, or another of: {others}; 0 keeps them forever."
            yield Fault(("exporters", name, "log_retention"), f"CloudWatch Logs keeps no event for {days} days", fix)


def _next_retention(days: int) -> int:
    """Return the shortest retention time that is longer, or else the longest of all."""
    for offered in _RETENTIONS:
        if offered > max(days, 0):
            return offered
    return _RETENTIONS[-1]


RULES = (
    *rules("error", http_only, intake_path, documentation=_OTLP_DOCUMENTATION),
    *rules("warning", doubled_path, documentation=_OTLP_HTTP),
    *rules("warning", intake_header, documentation=_OTLP_DOCUMENTATION),
    *rules("error", datadog_site, datadog_key, documentation=_DATADOG_DOCUMENTATION),
    *rules("warning", region_missing, random_trace_id, documentation=f"{_CONTRIB}/exporter/awsxrayexporter"),
    *rules("warning", signature_mismatch, signature_missing, documentation=_SIGV4),
    *rules("warning", dropped_declaration, documentation=_DOCUMENTATION),
    *rules("error", log_retention, shared=True, documentation=_DOCUMENTATION),
)
