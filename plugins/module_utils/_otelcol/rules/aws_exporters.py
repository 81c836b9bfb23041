# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on exporters to AWS: regions, signatures, trace ids, metric declarations and log groups.

Sources: internal/aws/awsutil, extension/sigv4authextension, exporter/awsxrayexporter and exporter/awsemfexporter of
opentelemetry-collector-contrib; AWS's service endpoints. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.awsemf: warning [region-missing] 'awsemf' has no region, and AWS_REGION is not set. Add `region:
    REGION`, or AWS_REGION to `env`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..config.addresses import parse_destination
from ..config.collector_versions import parse_version
from ..config.paths import list_at, mapping_at, value_at
from ..needs.started_components import StartedComponent
from ..traits import EXPORTERS, Trait, types_with_traits
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .vendor_hosts import AwsService, find_aws_service

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_XRAY, _EMF = f"{_CONTRIB}/exporter/awsxrayexporter", f"{_CONTRIB}/exporter/awsemfexporter"
_SIGV4 = f"{_CONTRIB}/extension/sigv4authextension"
_EXPORTERS_WITH_REGION = types_with_traits(EXPORTERS, Trait.NEEDS_REGION)
_EXPORTERS_TO_LOGS = types_with_traits(EXPORTERS, Trait.WRITES_LOG_GROUPS)
_REGION_VARIABLE = "AWS_REGION"
_ENDPOINT_KEYS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
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
    if subject.variable_names is None or _REGION_VARIABLE in subject.variable_names:
        return
    for part in subject.view.find_parts("exporters", *_EXPORTERS_WITH_REGION):
        if not part.settings.get("region"):
            message = f"'{part.id}' has no region, and {_REGION_VARIABLE} is not set"
            yield Fault(part.path, message, f"Add `region: REGION`, or {_REGION_VARIABLE} to `env`.")
    for part in subject.view.find_parts("receivers", "awsxray"):
        if not value_at(part.settings, ("proxy_server", "region")):
            message = f"'{part.id}' has no region for forwarded requests, and {_REGION_VARIABLE} is not set"
            yield Fault(part.path, message, f"Add `proxy_server: {{region: REGION}}`, or {_REGION_VARIABLE} to `env`.")


@about(exporters=["awsxray"])
def random_trace_id(subject: Subject) -> Iterator[Fault]:
    """Yield X-Ray exporters of builds that drop spans whose trace id is random, as SDKs generate it by default."""
    target = subject.target
    version = parse_version(target.version) if target else ()
    is_known = bool(version)
    if target is None or not is_known or version >= _ANY_TRACE_ID:
        return
    for part in subject.view.find_parts("exporters", "awsxray"):
        message = (
            f"'{part.id}' of {target.version} drops spans whose trace id does not start with the time of the trace"
        )
        fix = "Use Collector 0.86.0 or later, or the X-Ray id generator in every application."
        yield Fault(part.path, message, fix)


class _AwsEndpoint(NamedTuple):
    """An exporter that sends over HTTPS to AWS, the setting with the endpoint, and the service there."""

    part: StartedComponent
    endpoint_key: str
    service: AwsService


def _find_aws_endpoints(subject: Subject) -> Iterator[_AwsEndpoint]:
    """Yield each endpoint of AWS to which exporters send over HTTPS."""
    for part in subject.view.find_parts("exporters", "otlphttp", "prometheusremotewrite"):
        for key in _ENDPOINT_KEYS:
            scheme, host = parse_destination(part.settings.get(key))
            service = find_aws_service(host)
            if service and scheme == "https":
                yield _AwsEndpoint(part, key, service)


def signature_mismatch(subject: Subject) -> Iterator[Fault]:
    """Yield signatures whose service or region differs from that of the endpoint; AWS rejects them."""
    signers = {part.id: part for part in subject.view.find_parts("extensions", "sigv4auth")}
    for aws_endpoint in _find_aws_endpoints(subject):
        extension_id = value_at(aws_endpoint.part.settings, ("auth", "authenticator"))
        signer = signers.get(extension_id) if isinstance(extension_id, str) else None
        if signer:
            yield from _find_signature_differences(signer, aws_endpoint)


def _find_signature_differences(signer: StartedComponent, aws_endpoint: _AwsEndpoint) -> Iterator[Fault]:
    """Yield what a signature has another value for than the endpoint; a variable may have the right one."""
    for setting, right_value in (
        ("service", aws_endpoint.service.signing_name),
        ("region", aws_endpoint.service.region),
    ):
        written_value = value_at(signer.settings, (setting,))
        if not isinstance(written_value, str) or written_value in ("", right_value) or "$" in written_value:
            continue
        signature_text = f"'{signer.id}' signs for {setting} '{written_value}'"
        yield Fault(
            ("extensions", signer.id, setting),
            f"{signature_text}, but {aws_endpoint.endpoint_key} of '{aws_endpoint.part.id}' is in {setting}"
            f" '{right_value}'",
            f"Write `{setting}: {right_value}`, or give that exporter its own sigv4auth.",
        )


def signature_missing(subject: Subject) -> Iterator[Fault]:
    """Yield exporters to AWS that do not sign their requests; AWS rejects them."""
    reported_ids: set[str] = set()
    for aws_endpoint in _find_aws_endpoints(subject):
        part = aws_endpoint.part
        # Another authenticator may sign too, and one finding for an exporter with several endpoints is enough.
        if "auth" in part.settings or part.id in reported_ids:
            continue
        reported_ids.add(part.id)
        yield Fault(
            (*part.path, aws_endpoint.endpoint_key),
            f"'{part.id}' sends to AWS without a signature",
            "Add extension sigv4auth, list it in service.extensions, and write `auth: {authenticator: sigv4auth}`.",
        )


@about(exporters=["awsemf"])
def dropped_declaration(subject: Subject) -> Iterator[Fault]:
    """Yield metric declarations that awsemf drops; their metrics never reach CloudWatch."""
    for part in subject.view.find_parts("exporters", "awsemf"):
        for index, declaration in enumerate(list_at(part.settings, "metric_declarations")):
            declaration_path = (*part.path, "metric_declarations", index)
            if isinstance(declaration, dict) and not declaration.get("metric_name_selectors"):
                fix = "Add `metric_name_selectors: [REGULAR EXPRESSION]`."
                yield Fault(declaration_path, "the declaration selects no metric", fix)
            for dimensions_index, dimensions in enumerate(list_at(declaration, "dimensions")):
                if isinstance(dimensions, list) and len(dimensions) > _MOST_DIMENSIONS:
                    yield Fault(
                        (*declaration_path, "dimensions", dimensions_index),
                        f"it has {len(dimensions)} dimensions, and awsemf drops sets of more than {_MOST_DIMENSIONS}",
                        "Keep the dimensions that you use, or split them into several sets.",
                    )


def log_retention(subject: Subject) -> Iterator[Fault]:
    """Yield retention times that CloudWatch Logs does not offer; the Collector rejects them."""
    # The Collector checks all exporters here, also those that no pipeline starts.
    for exporter_id, settings in mapping_at(subject.config, "exporters").items():
        if str(exporter_id).split("/", 1)[0] not in _EXPORTERS_TO_LOGS:
            continue
        days = value_at(settings, ("log_retention",))
        if isinstance(days, int) and not isinstance(days, bool) and days not in _RETENTION_DAYS:
            other_times = ", ".join(str(offered_days) for offered_days in _RETENTION_DAYS[1:])
            fix = f"Write {_find_next_retention(days)}, or another of: {other_times}; 0 keeps them forever."
            yield Fault(
                ("exporters", exporter_id, "log_retention"), f"CloudWatch Logs keeps no event for {days} days", fix
            )


def _find_next_retention(days: int) -> int:
    """Return the shortest retention time that is longer, or else the longest of all."""
    for offered_days in _RETENTION_DAYS:
        if offered_days > max(days, 0):
            return offered_days
    return _RETENTION_DAYS[-1]


RULES = (
    *define_rules("warning", region_missing, random_trace_id, documentation=_XRAY),
    *define_rules("warning", signature_mismatch, signature_missing, documentation=_SIGV4),
    *define_rules("warning", dropped_declaration, documentation=_EMF),
    *define_rules("error", log_retention, shared=True, documentation=_EMF),
)
