# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on exporters to AWS: regions, signatures, trace ids, metric declarations and log groups.

Sources: internal/aws/awsutil, extension/sigv4authextension, exporter/awsxrayexporter and exporter/awsemfexporter of
opentelemetry-collector-contrib; AWS's service endpoints. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..config.addresses import destination
from ..config.layers import parse_version
from ..config.paths import at, items, section
from ..needs.listeners import Part
from ..traits import EXPORTERS, Trait, types_that
from .subject import Fault, Subject, about, rules
from .vendor_hosts import AwsService, aws_service_of

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_XRAY, _EMF = f"{_CONTRIB}/exporter/awsxrayexporter", f"{_CONTRIB}/exporter/awsemfexporter"
_SIGV4 = f"{_CONTRIB}/extension/sigv4authextension"
_EXPORTERS_WITH_REGION = types_that(EXPORTERS, Trait.NEEDS_REGION)
_EXPORTERS_TO_LOGS = types_that(EXPORTERS, Trait.WRITES_LOG_GROUPS)
_REGION_VARIABLE = "AWS_REGION"
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
# The first version that passes every trace id on. Source: CHANGELOG.md of contrib (26553).
_ANY_TRACE_ID = (0, 86)
_MOST_DIMENSIONS = 10
# For how many days CloudWatch Logs keeps events; 0 is for ever.
_RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653),
)


def region_missing(subject: Subject) -> Iterator[Fault]:
    """Yield AWS components without a region. They ask the instance metadata service, which may not answer."""
    if subject.environment is None or _REGION_VARIABLE in subject.environment:
        return
    for part in subject.view.of("exporters", *_EXPORTERS_WITH_REGION):
        if not part.settings.get("region"):
            message = f"'{part.id}' has no region, and {_REGION_VARIABLE} is not set"
            yield Fault(part.path, message, f"Add `region: REGION`, or {_REGION_VARIABLE} to `env`.")
    for part in subject.view.of("receivers", "awsxray"):
        if not at(part.settings, ("proxy_server", "region")):
            message = f"'{part.id}' has no region for forwarded requests, and {_REGION_VARIABLE} is not set"
            yield Fault(part.path, message, f"Add `proxy_server: {{region: REGION}}`, or {_REGION_VARIABLE} to `env`.")


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


class _SentToAws(NamedTuple):
    """An exporter that sends over HTTPS to AWS, the setting with the endpoint, and the service there."""

    part: Part
    key: str
    service: AwsService


def _sent_to_aws(subject: Subject) -> Iterator[_SentToAws]:
    """Yield each endpoint of AWS to which exporters send over HTTPS."""
    for part in subject.view.of("exporters", "otlphttp", "prometheusremotewrite"):
        for key in _ENDPOINTS:
            scheme, host = destination(part.settings.get(key))
            service = aws_service_of(host)
            if service and scheme == "https":
                yield _SentToAws(part, key, service)


def signature_mismatch(subject: Subject) -> Iterator[Fault]:
    """Yield signatures whose service or region differs from that of the endpoint; AWS rejects them."""
    signers = {part.id: part for part in reversed(subject.view.of("extensions", "sigv4auth"))}
    for sent in _sent_to_aws(subject):
        name = at(sent.part.settings, ("auth", "authenticator"))
        signer = signers.get(name) if isinstance(name, str) else None
        if signer:
            yield from _differing_signature(signer, sent)


def _differing_signature(signer: Part, sent: _SentToAws) -> Iterator[Fault]:
    """Yield what a signature has another value for than the endpoint; a variable may have the right one."""
    for setting, right_value in (("service", sent.service.signing_name), ("region", sent.service.region)):
        written = at(signer.settings, (setting,))
        if not isinstance(written, str) or written in ("", right_value) or "$" in written:
            continue
        signed = f"'{signer.id}' signs for {setting} '{written}'"
        yield Fault(
            ("extensions", signer.id, setting),
            f"{signed}, but {sent.key} of '{sent.part.id}' is in {setting} '{right_value}'",
            f"Write `{setting}: {right_value}`, or give that exporter its own sigv4auth.",
        )


def signature_missing(subject: Subject) -> Iterator[Fault]:
    """Yield exporters to AWS that do not sign their requests; AWS rejects them."""
    found: set[str] = set()
    for sent in _sent_to_aws(subject):
        part = sent.part
        if "auth" in part.settings or part.id in found:
            continue
        found.add(part.id)
        yield Fault(
            (*part.path, sent.key),
            f"'{part.id}' sends to AWS without a signature",
            "Add extension sigv4auth, list it in service.extensions, and write `auth: {authenticator: sigv4auth}`.",
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
        if str(name).split("/", 1)[0] not in _EXPORTERS_TO_LOGS:
            continue
        days = at(settings, ("log_retention",))
        if isinstance(days, int) and not isinstance(days, bool) and days not in _RETENTION_DAYS:
            others = ", ".join(str(offered) for offered in _RETENTION_DAYS[1:])
            fix = f"Write {_next_retention(days)}, or another of: {others}; 0 keeps them forever."
            yield Fault(("exporters", name, "log_retention"), f"CloudWatch Logs keeps no event for {days} days", fix)


def _next_retention(days: int) -> int:
    """Return the shortest retention time that is longer, or else the longest of all."""
    for offered in _RETENTION_DAYS:
        if offered > max(days, 0):
            return offered
    return _RETENTION_DAYS[-1]


RULES = (
    *rules("warning", region_missing, random_trace_id, documentation=_XRAY),
    *rules("warning", signature_mismatch, signature_missing, documentation=_SIGV4),
    *rules("warning", dropped_declaration, documentation=_EMF),
    *rules("error", log_retention, shared=True, documentation=_EMF),
)
