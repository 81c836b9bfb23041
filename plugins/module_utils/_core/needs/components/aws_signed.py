# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants of components that sign requests to AWS, and the parts that all grants are made of. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...aws.policy import ACCOUNT, PARTITION, REGION, Grant
from ...config.paths import at, destination, section
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
    match = _HOST.match(destination(endpoint)[1])
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
    """PutSpans is the action of the endpoint for traces, which AWS names when it is missing."""
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


Config = Mapping[str, Any]
Grants = tuple[Grant, ...]
Granting = Callable[[Settings, Config], Grants]

CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.158.0"
REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_ASSUME = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html"
# `{ClusterName}` and the like are filled in from the telemetry; what is left of `${…}` is known at run time only.
_PLACEHOLDER = re.compile(r"\$?\{[^{}]*\}")


def pattern(name: Any, unset: str = "*") -> str:
    """Return a name as a pattern of IAM: what the telemetry fills in can be anything."""
    return re.sub(r"\*+", "*", _PLACEHOLDER.sub("*", str(name))) if name else unset


def arn(service: str, region: str, resource: str) -> str:
    """Return an ARN in the partition and account of the cluster."""
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{resource}"


def region_of(settings: Any, key: str = "region") -> str:
    """Return the region; without one the SDK takes that of the pod's environment, which is the cluster's."""
    return pattern(at(settings, (key,)), REGION)


def through(role: Any, *direct: Grant) -> Grants:
    """Return the grants, or the right to assume the role that has them. EKS Pod Identity passes its tags on to it."""
    if not role:
        return direct
    return (Grant(("sts:AssumeRole", "sts:TagSession"), _ASSUME, (pattern(role),)),)
