# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads which operation of AWS a request calls, with which parameters, and what IAM calls that operation.

The host names the service and the region: `logs.eu-west-1.amazonaws.com`. Tests also send requests to the address of
the server itself; the scope of the signature names both there.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import UnknownServiceError

from tests.testbed.aws.model import find_operation
from tests.testbed.aws.world import ACCOUNT
from tests.testbed.eks.signatures import SentRequest, Signature

REGIONS = ("ap-northeast-1", "eu-west-1", "us-east-1")
REGIONAL_HOSTS = ("aps-workspaces", "eks", "logs", "monitoring", "sts", "xray")
"""The first words of hosts that have a region in their second word."""
GLOBAL_SERVICES = ("iam", "sts")
"""Services that have a host without a region. They take forms and answer in XML (the "query" protocol of AWS)."""
HOST_NAMES = (
    *(f"{service}.amazonaws.com" for service in GLOBAL_SERVICES),
    *(f"{service}.{region}.amazonaws.com" for service in REGIONAL_HOSTS for region in REGIONS),
)
"""The hosts of AWS that the testbed answers for."""
SIGNATURE_NAMES = {"aps-workspaces": "aps"}
"""The name of a service in signatures, by the first word of its host, where the two differ."""
IAM_NAMES = {"monitoring": "cloudwatch"}
"""The name of a service in the actions of policies, by its name in signatures, where the two differ."""

AMP_OPERATIONS = {"remote_write": "RemoteWrite", "query": "QueryMetrics"}
"""The operations of Amazon Managed Service for Prometheus (AMP), by the last word of their path."""
AMP_PATH = re.compile(r"/workspaces/(?P<workspace>[^/]+)/api/v1/(?P<call>remote_write|query)\Z")
OTLP_OPERATIONS = {
    ("xray", "/v1/traces"): "PutSpans",
    ("logs", "/v1/logs"): "PutLogEvents",
    ("monitoring", "/v1/metrics"): "PutMetricData",
}
"""The action that each OTLP endpoint needs, by service and path. AWS names it to callers that lack it."""
LOG_HEADERS = {"logGroupName": "x-aws-log-group", "logStreamName": "x-aws-log-stream"}
"""The headers that say where OTLP logs go, by the parameter of PutLogEvents that means the same."""
PROMQL_ENDPOINT = ("monitoring", "/api/v1/query")
"""Service and path of PromQL in CloudWatch."""
PROMQL_OPERATION = "GetMetricData"
"""One of the two actions that a query needs. The other is cloudwatch:ListMetrics, which is not checked here."""


@dataclass(frozen=True)
class Endpoint:
    """The service of AWS that a request is for."""

    host: str
    """The host of the URL, without a port."""
    service: str
    """The name of the service in signatures."""
    region: str


@dataclass(frozen=True)
class Call:
    """The call of one operation of AWS."""

    endpoint: Endpoint
    operation: str
    """The name in the API of the service; empty if the testbed does not know the operation."""
    parameters: Mapping[str, Any]
    """The parameters of the operation, as far as the testbed or its tests need them."""
    is_otlp: bool = False
    """Whether the body is a request of OTLP."""

    @property
    def action(self) -> str:
        """The action that a policy has to allow, such as `logs:PutLogEvents`."""
        service = self.endpoint.service
        return f"{IAM_NAMES.get(service, service)}:{self.operation}"

    @property
    def resource(self) -> str:
        """The ARN that a policy has to allow the action on; `*` for services whose actions have no resource here."""
        service = self.endpoint.service
        prefix = f"arn:aws:{service}:{self.endpoint.region}:{ACCOUNT}"
        if service == "aps":
            return f"{prefix}:workspace/{self.parameters.get('workspace', '')}"
        if service == "logs":
            group = self.parameters.get("logGroupName", "")
            stream = self.parameters.get("logStreamName", "")
            return f"{prefix}:log-group:{group}:log-stream:{stream}"
        return "*"


def read_call(request: SentRequest, signature: Signature | None) -> Call:
    """Return the call that a request is. `signature` is what its signature says, None for a request without one."""
    endpoint = _find_endpoint(request, signature)
    path = urlsplit(request.url).path
    service_path = (endpoint.service, path)
    if endpoint.service == "aps":
        return _read_amp_call(endpoint, path)
    if service_path in OTLP_OPERATIONS:
        headers = {name: request.headers.get(header, "") for name, header in LOG_HEADERS.items()}
        return Call(endpoint, OTLP_OPERATIONS[service_path], headers, is_otlp=True)
    if service_path == PROMQL_ENDPOINT:
        query = parse_qs(urlsplit(request.url).query).get("query", [""])
        return Call(endpoint, PROMQL_OPERATION, {"query": query[0]})
    return _read_control_call(endpoint, path, request)


def _find_endpoint(request: SentRequest, signature: Signature | None) -> Endpoint:
    """Return the service by the host, else by the signature. Without both, it is STS: it takes unsigned requests."""
    host = urlsplit(request.url).hostname or ""
    service, region = (signature.service, signature.region) if signature else ("sts", "us-east-1")
    if host not in HOST_NAMES:
        return Endpoint(host, service, region)
    first_word, second_word = host.split(".")[:2]
    service = SIGNATURE_NAMES.get(first_word, first_word)
    return Endpoint(host, service, second_word if second_word in REGIONS else region)


def _read_amp_call(endpoint: Endpoint, path: str) -> Call:
    """Return the call of a data operation of AMP."""
    match = AMP_PATH.match(path)
    if match is None:
        return Call(endpoint, "", {})
    return Call(endpoint, AMP_OPERATIONS[match["call"]], match.groupdict())


def _read_control_call(endpoint: Endpoint, path: str, request: SentRequest) -> Call:
    """Return the call of an operation of the AWS API in one of its three protocols: JSON, query, or REST."""
    target = request.headers.get("x-amz-target")
    if target:
        return Call(endpoint, target.rpartition(".")[2], _parse_object(request.body))
    if endpoint.service in GLOBAL_SERVICES:
        form = _read_form(request)
        return Call(endpoint, form.get("Action", ""), form)
    return Call(endpoint, _find_rest_operation(endpoint.service, request.method, path), _parse_object(request.body))


def _read_form(request: SentRequest) -> dict[str, str]:
    """Return the first value of each field of a form, which is the body or, without a body, the query of the URL."""
    fields = parse_qs(request.body.decode(errors="replace") or urlsplit(request.url).query)
    return {name: values[0] for name, values in fields.items()}


def _find_rest_operation(service: str, method: str, path: str) -> str:
    """Return the operation of a method and a path; empty if AWS has no such operation or botocore no such service."""
    try:
        matched_route = find_operation(service, method, path)
    except UnknownServiceError:
        return ""
    return matched_route[0] if matched_route else ""


def _parse_object(body: bytes) -> dict[str, Any]:
    """Return the object that the body is; an empty one for every other body."""
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def describe_content(call: Call, request: SentRequest) -> dict[str, Any]:
    """Return what tests may want to know of the content of a request.

    `body` is the body of a request of OTLP in base64. `given` are the parameters of a call by JSON. The content of
    forms, which may hold credentials, and of AMP is left out.
    """
    if call.is_otlp:
        return {"body": encode_body(request)}
    if not call.parameters or "Action" in call.parameters or "workspace" in call.parameters:
        return {}
    return {"given": dict(call.parameters)}


def encode_body(request: SentRequest) -> str:
    """Return the body of a request, decompressed, in base64."""
    return base64.b64encode(decompress_body(request)).decode()


def decompress_body(request: SentRequest) -> bytes:
    """Return the body of a request as it was before the sender compressed it with gzip.

    Raises OSError or EOFError if the header names gzip and the body is something else.
    """
    if request.headers.get("content-encoding") == "gzip":
        return gzip.decompress(request.body)
    return request.body
