# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters over HTTP call at AWS: the extension sigv4auth says for what and where. Private."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from ...aws.partition import REGION
from ...aws.policy import Grant
from ...config.paths import at, section
from .aws_parts import REFERENCE, Config, Grants, arn, pattern, through
from .row import Settings

_USER_GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
_WORKSPACE = re.compile(r"/workspaces/([^/]+)")
_HOST = re.compile(r"(?P<service>[a-z0-9-]+?)(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.(?:amazonaws|api)\.")
# The first label of the host → the service of the signature, where the two are not the same.
_SIGNED_AS = {"aps-workspaces": "aps"}


def signed_exporter(settings: Settings, config: Config) -> Grants:
    """What an exporter over HTTP sends to AWS is known by its signature: the extension sigv4auth that it names."""
    name = str(at(settings, ("auth", "authenticator")) or "")
    signer = section(config, "extensions", name)
    if name.split("/", 1)[0] != "sigv4auth" or at(signer, ("assume_role", "web_identity_token_file")):
        return ()
    ends = [str(settings[key]) for key in _ENDPOINTS if settings.get(key)]
    found = [grant for end in ends for grant in _signed(end, settings, signer)]
    return through(at(signer, ("assume_role", "arn")), *found) if found else ()


def _signed(endpoint: str, settings: Settings, signer: Settings) -> Grants:
    match = _HOST.match(urlsplit(endpoint).hostname or "")
    host = _SIGNED_AS.get(match["service"], match["service"]) if match else ""
    service = str(signer.get("service") or host)
    region = pattern(signer.get("region") or (match["region"] if match else ""), REGION)
    known = _SERVICES.get(service)
    return known(endpoint, settings, region) if known else ()


def _prometheus(endpoint: str, _settings: Settings, region: str) -> Grants:
    match = _WORKSPACE.search(endpoint)
    where = arn("aps", region, f"workspace/{pattern(match[1] if match else '')}")
    return (Grant(("aps:RemoteWrite",), f"{REFERENCE}/list_amazonmanagedserviceforprometheus.html", (where,)),)


def _spans(_endpoint: str, _settings: Settings, region: str) -> Grants:
    """PutSpans is the action of the endpoint for traces, which AWS names in its answer to who lacks it."""
    return (Grant(("xray:PutSpans",), f"{REFERENCE}/list_awsx-ray.html", region=region),)


def _log_records(_endpoint: str, settings: Settings, region: str) -> Grants:
    """Group and stream are in headers, and are there already: the endpoint makes none."""
    headers = {str(key).lower(): value for key, value in section(settings, "headers").items()}
    group, stream = (pattern(headers.get(f"x-aws-log-{name}")) for name in ("group", "stream"))
    where = arn("logs", region, f"log-group:{group}:log-stream:{stream}")
    return (Grant(("logs:PutLogEvents",), f"{_USER_GUIDE}/CloudWatch-OTLPEndpoint.html", (where,)),)


def _metric_data(_endpoint: str, _settings: Settings, region: str) -> Grants:
    return (Grant(("cloudwatch:PutMetricData",), f"{_USER_GUIDE}/metrics-otel-send.html", region=region),)


_SERVICES: dict[str, Callable[[str, Settings, str], Grants]] = {
    "aps": _prometheus,
    "xray": _spans,
    "logs": _log_records,
    "monitoring": _metric_data,
}
