# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on AWS exporters: regions, signatures and the embedded metric format.

Sources: internal/aws/awsutil and sigv4authextension in opentelemetry-collector-contrib; AWS's service endpoints.
Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.paths import at, items, section
from .subject import Fault, Subject, rules
from .view import Part

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_SIGV4 = f"{_CONTRIB}/extension/sigv4authextension"
_EXPORTERS = ("awsxray", "awsemf", "awscloudwatchlogs")
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


def signature_mismatch(subject: Subject) -> Iterator[Fault]:
    """Yield signatures whose service or region differs from that of the endpoint; AWS rejects them."""
    for part, key, service, region in _aws(subject):
        name = at(part.settings, ("auth", "authenticator"))
        signer = next((item for item in subject.view.of("extensions", "sigv4auth") if item.id == name), None)
        for setting, wanted in (("service", service), ("region", region)) if signer else ():
            written = at(signer and signer.settings, (setting,))
            if isinstance(written, str) and written and "$" not in written and written != wanted:
                yield Fault(
                    ("extensions", str(name), setting),
                    f"'{name}' signs for {setting} '{written}', but {key} of '{part.id}' is in {setting} '{wanted}'",
                    f"Write `{setting}: {wanted}`, or give that exporter its own sigv4auth.",
                )


def signature_missing(subject: Subject) -> Iterator[Fault]:
    """Yield exporters to AWS that do not sign their requests; AWS rejects them."""
    for part, key, _service, _region in _aws(subject):
        if "auth" not in part.settings:
            yield Fault(
                (*part.path, key),
                f"'{part.id}' sends to AWS without a signature",
                "Add extension sigv4auth, list it in service.extensions, and write `auth: {authenticator: sigv4auth}`.",
            )
            return


def _aws(subject: Subject) -> Iterator[tuple[Part, str, str, str]]:
    """Yield exporters that send over HTTP to AWS: the key of the endpoint, and the service and region there."""
    for part in subject.view.of("exporters", "otlphttp", "prometheusremotewrite"):
        for key in _ENDPOINTS:
            match = _match(part.settings.get(key))
            if match:
                yield part, key, _SERVICES[match[1]], match[2]


def _match(endpoint: Any) -> re.Match[str] | None:
    return _HOST.match(endpoint) if isinstance(endpoint, str) else None


_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter"
_LOGGERS = ("awsemf", "awscloudwatchlogs")
_MOST_DIMENSIONS = 10
_RETENTIONS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653),
)


def dropped_declaration(subject: Subject) -> Iterator[Fault]:
    """Yield metric declarations that awsemf drops; their metrics never reach CloudWatch."""
    for part in subject.view.of("exporters", "awsemf"):
        for index, item in enumerate(items(part.settings, "metric_declarations")):
            here = (*part.path, "metric_declarations", index)
            if isinstance(item, dict) and not item.get("metric_name_selectors"):
                fix = "Add `metric_name_selectors: [REGULAR EXPRESSION]`."
                yield Fault(here, "the declaration selects no metric", fix)
            for number, dimensions in enumerate(items(item, "dimensions")):
                if isinstance(dimensions, list) and len(dimensions) > _MOST_DIMENSIONS:
                    yield Fault(
                        (*here, "dimensions", number),
                        f"it has {len(dimensions)} dimensions, and awsemf drops sets of more than {_MOST_DIMENSIONS}",
                        "Keep the dimensions that you use, or split them into several sets.",
                    )


def log_retention(subject: Subject) -> Iterator[Fault]:
    """Yield retention times that CloudWatch Logs does not offer; the Collector rejects them."""
    for name, settings in section(subject.config, "exporters").items():
        days = at(settings, ("log_retention",)) if str(name).split("/", 1)[0] in _LOGGERS else None
        if isinstance(days, int) and not isinstance(days, bool) and days not in _RETENTIONS:
            longer = next((item for item in _RETENTIONS if item > max(days, 0)), _RETENTIONS[-1])
            fix = f"Write {longer}, or another of: {', '.join(map(str, _RETENTIONS[1:]))}; 0 keeps them forever."
            yield Fault(("exporters", name, "log_retention"), f"CloudWatch Logs keeps no event for {days} days", fix)


RULES = (
    *rules("warning", region_missing, documentation=f"{_CONTRIB}/exporter/awsxrayexporter"),
    *rules("warning", signature_mismatch, signature_missing, documentation=_SIGV4),
    *rules("warning", dropped_declaration, documentation=_DOCUMENTATION),
    *rules("error", log_retention, shared=True, documentation=_DOCUMENTATION),
)
