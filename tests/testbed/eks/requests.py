# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request wants of AWS: which service by its real name, which operation, and what IAM calls both."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.testbed.aws.model import route
from tests.testbed.aws.world import ACCOUNT
from tests.testbed.eks.signatures import Sent

REGIONS = ("ap-northeast-1", "eu-west-1", "us-east-1")
REGIONAL = ("aps-workspaces", "eks", "logs", "monitoring", "sts", "xray")
GLOBAL = ("iam", "sts")
NAMES = (
    *(f"{service}.amazonaws.com" for service in GLOBAL),
    *(f"{service}.{region}.amazonaws.com" for service in REGIONAL for region in REGIONS),
)
"""The hosts that lead here instead of to AWS."""
SIGNED_AS = {"aps-workspaces": "aps"}
"""Services that are signed under another name than that of their host."""
WRITE = re.compile(r"/workspaces/(?P<workspace>[^/]+)/api/v1/(?P<call>remote_write|query)\Z")
OTLP = {
    ("xray", "/v1/traces"): "PutSpans",
    ("logs", "/v1/logs"): "PutLogEvents",
    ("monitoring", "/v1/metrics"): "PutMetricData",
}
"""The OTLP endpoints, and the action that each needs, which AWS names in its answer to who lacks it."""
PROMQL = ("monitoring", "/api/v1/query")
"""PromQL of CloudWatch, which two actions allow: cloudwatch:ListMetrics, and the one here."""
AMP = {"remote_write": "RemoteWrite", "query": "QueryMetrics"}
IAM_NAMES = {"monitoring": "cloudwatch"}


@dataclass(frozen=True)
class Asked:
    """What is asked for."""

    host: str
    service: str
    region: str
    operation: str
    given: Mapping[str, Any]
    otlp: bool = False

    @property
    def action(self) -> str:
        """The action that a policy has to allow."""
        return f"{IAM_NAMES.get(self.service, self.service)}:{self.operation}"

    @property
    def resource(self) -> str:
        """The resource that a policy has to allow it on."""
        where = f"arn:aws:{self.service}:{self.region}:{ACCOUNT}"
        if self.service == "aps":
            return f"{where}:workspace/{self.given['workspace']}"
        if self.service == "logs":
            group, stream = self.given.get("logGroupName", ""), self.given.get("logStreamName", "")
            return f"{where}:log-group:{group}:log-stream:{stream}"
        return "*"


def read(sent: Sent, signed: tuple[str, str] | None) -> Asked:
    """Return what is asked for: of the service that the host names, or else the signature (service, region)."""
    url = urlsplit(sent.url)
    host = url.hostname or ""
    service, region = signed or ("sts", "us-east-1")
    if host in NAMES:
        first, second, *_rest = host.split(".")
        service, region = SIGNED_AS.get(first, first), second if second in REGIONS else region
    if service == "aps" and (match := WRITE.match(url.path)):
        return Asked(host, service, region, AMP[match["call"]], match.groupdict())
    if (service, url.path) in OTLP:
        headers = {"logGroupName": "x-aws-log-group", "logStreamName": "x-aws-log-stream"}
        given = {name: sent.headers.get(header, "") for name, header in headers.items()}
        return Asked(host, service, region, OTLP[service, url.path], given, otlp=True)
    if (service, url.path) == PROMQL:
        return Asked(host, service, region, "GetMetricData", {"query": parse_qs(url.query).get("query", [""])[0]})
    if target := sent.headers.get("x-amz-target"):
        return Asked(host, service, region, target.rpartition(".")[2], _json(sent.body))
    if service in GLOBAL:
        form = parse_qs(sent.body.decode(errors="replace") or url.query)
        given = {name: values[0] for name, values in form.items()}
        return Asked(host, service, region, given.get("Action", ""), given)
    found = route(service, sent.method, url.path)
    return Asked(host, service, region, found[0] if found else "", _json(sent.body))


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def told(asked: Asked, sent: Sent) -> dict[str, Any]:
    """Return what tests may want to know of the content: as JSON where it is, else in base64."""
    if asked.given and not asked.otlp and "Action" not in asked.given and "workspace" not in asked.given:
        return {"given": dict(asked.given)}
    return {"body": content(sent)} if asked.otlp else {}


def content(sent: Sent) -> str:
    """Return the body of a request in base64."""
    return base64.b64encode(decoded(sent)).decode()


def decoded(sent: Sent) -> bytes:
    """Return the body of a request as it was before it was compressed."""
    return gzip.decompress(sent.body) if sent.headers.get("content-encoding") == "gzip" else sent.body
