# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody gets into the AWS of a cluster, or to its API server, without a signature that holds."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from werkzeug.test import Client

from tests.support.cases import cases
from tests.testbed.aws.world import AwsError
from tests.testbed.eks import authenticator, signatures
from tests.testbed.eks.datadog import KEY_HEADER, Intake
from tests.testbed.eks.front import FrontApplication
from tests.testbed.eks.identities import Identities
from tests.testbed.eks.requests import HOST_NAMES
from tests.testbed.eks.signatures import SentRequest
from tests.unit.testbed.eks_iam import ROLE, iam, session, text

SERVICE = KeyValue(key="service.name", value=AnyValue(string_value="shop"))
SPANS = ExportTraceServiceRequest(
    resource_spans=[ResourceSpans(resource=Resource(attributes=[SERVICE]))]
).SerializeToString()
WRITE = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"


@pytest.fixture
def identities() -> Iterator[Identities]:
    with iam() as found:
        yield found


def sent(
    url: str, secret: str, key: str, token: str = "", *, region: str = "us-east-1", service: str = "aps"
) -> SentRequest:
    """Sign a request as SDKs do."""
    body = b"x"
    request = AWSRequest("POST", url, {"Host": url.split("/")[2], "Content-Type": "text/plain"}, body)
    SigV4Auth(Credentials(key, secret, token or None), service, region).add_auth(request)
    return SentRequest("POST", url, {name.lower(): str(value) for name, value in request.headers.items()}, body)


def _asked(front: FrontApplication, request: SentRequest) -> Any:
    base, _, path = request.url.partition(".com")
    asked = {"method": "POST", "headers": dict(request.headers), "data": request.body}
    return Client(front).open(path, base_url=f"{base}.com", **asked)


@pytest.fixture
def front(identities: Identities) -> FrontApplication:
    """AWS with nothing behind it."""
    return FrontApplication(lambda *_: [b"moto"], identities)


def test_a_signed_write_gets_to_its_workspace_and_is_noted_with_its_role(front: FrontApplication) -> None:
    request = sent(WRITE, *session(front.identities))
    assert _asked(front, request).status_code == 404  # there is no such workspace: it has got that far
    (noted,) = front.received[-1:]
    assert (noted["operation"], noted["role"]) == ("RemoteWrite", ROLE)
    assert "assumed-role/collector/" in noted["caller"]


@cases(
    "changes, code",
    ({"body": b"y"}, "SignatureDoesNotMatch"),
    ({"url": f"{WRITE}?a=b"}, "SignatureDoesNotMatch"),
    ({"content-type": "a/b"}, "SignatureDoesNotMatch"),
    ({"authorization": None}, "MissingAuthenticationTokenException"),
    ({"x-amz-security-token": "x"}, "UnrecognizedClientException"),
    ({"authorization": "Bearer x"}, "IncompleteSignature"),
    ids=str,
)
def test_what_was_not_signed_so_is_refused(front: FrontApplication, changes: dict[str, Any], code: str) -> None:
    it = sent(WRITE, *session(front.identities))
    given = {"url": it.url, "body": it.body, **it.headers, **changes}
    url, body = given.pop("url"), given.pop("body")
    headers = {name: value for name, value in given.items() if value is not None}
    answer = _asked(front, SentRequest(it.method, url, headers, body))
    assert answer.status_code in (400, 403)
    assert code in answer.headers["x-amzn-ErrorType"]
    assert code in front.received[-1]["refused"]


@cases(
    "url, region, code",
    (WRITE, "eu-west-1", "InvalidSignatureException"),
    (WRITE.replace("ws-1", "ws-2"), "us-east-1", "AccessDeniedException"),
    (WRITE.replace("remote_write", "query"), "us-east-1", "AccessDeniedException"),
)
def test_what_the_role_may_not_is_refused(front: FrontApplication, url: str, region: str, code: str) -> None:
    answer = _asked(front, sent(url, *session(front.identities), region=region))
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, code)


def test_a_call_that_the_testbed_does_not_know_is_refused(front: FrontApplication) -> None:
    key, secret = front.identities.person
    url = "https://localhost.com/workspaces/ws-1/api/v1/labels"
    answer = _asked(front, sent(url, secret, key))
    assert (answer.status_code, "RemoteWrite, QueryMetrics" in answer.text) == (404, True)
    answer = _asked(front, sent(url, "another", key, service="nothing"))
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "SignatureDoesNotMatch")
    assert {noted["operation"] for noted in front.received} == {""}


def test_a_signature_does_not_hold_for_ever() -> None:
    request = sent(WRITE, "secret", "key")
    signed = signatures.read_signature(request)
    assert signed
    signatures.check_signature(request, signed, "secret", datetime.now(UTC))
    with pytest.raises(AwsError, match="the signature is of"):
        signatures.check_signature(request, signed, "secret", datetime.now(UTC) + timedelta(hours=1))


def test_a_token_for_the_api_server_is_of_one_cluster(identities: Identities) -> None:
    key, secret = identities.person
    sts = boto3.client("sts", region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
    host = "sts.us-east-1.amazonaws.com"

    def name(request: Any, **_: Any) -> None:
        request.headers[authenticator.CLUSTER_HEADER] = "prod"

    sts.meta.events.register("before-sign.sts.GetCallerIdentity", name)
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    token = authenticator.TOKEN_PREFIX + text(url.encode())

    def status(cluster: str, text: str, access: dict[str, list[str]]) -> Any:
        asked = {"spec": {"token": text}}
        return authenticator.answer_review(asked, identities, cluster, (host,), access)["status"]

    granted = {identities.administrator_arn: ["system:masters"]}
    assert status("prod", token, granted)["user"]["groups"] == ["system:masters"]
    assert "SignatureDoesNotMatch" in status("other", token, granted)["error"]
    assert "no access entry" in status("prod", token, {})["error"]
    assert "does not begin with" in status("prod", token[3:], granted)["error"]
    for broken in (url.replace(host, "[evil"), re.sub("Signature=.*", "Signature=%C3%A9", url)):
        assert status("prod", authenticator.TOKEN_PREFIX + text(broken.encode()), granted)["error"]
    foreign = authenticator.TOKEN_PREFIX + text(url.replace(host, "evil.test").encode())
    assert "not one of STS" in status("prod", foreign, granted)["error"]


def test_names_are_those_of_aws() -> None:
    assert {"sts.amazonaws.com", "iam.amazonaws.com", "aps-workspaces.us-east-1.amazonaws.com"} <= set(HOST_NAMES)


@cases("key, given, status", ("k", {KEY_HEADER: "k"}, 200), ("k", {}, 403), ("", {KEY_HEADER: ""}, 403))
def test_datadog_takes_what_has_its_key(key: str, given: dict[str, str], status: int) -> None:
    noted: list[dict[str, Any]] = []
    intake = Intake(noted.append)
    intake.key = key
    answer = Client(intake).post(
        "/v1/traces", base_url="https://otlp.datadoghq.com", headers={"user-agent": "x", **given}, data=SPANS
    )
    assert answer.status_code == status
    (told,) = noted
    assert (told["operation"], bool(told["refused"]), told["body"]) == (
        "/v1/traces",
        status == 403,
        base64.b64encode(SPANS).decode(),
    )
    assert KEY_HEADER not in told
