# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls are tried again, for how long, and what they say when that does not help."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live import call_errors, service_calls
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.service_calls import ServiceCalls
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.aws_failures import (
    explain_failed_call,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import libraries
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from botocore import exceptions as boto

from .runs import Clock


def refused(code: str, status: int = 400, message: str = "text") -> boto.ClientError:
    said = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(said, "DescribeAddon")


class Client:
    """Answers with what it is given, one after the other; the last stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls = list(answers), 0

    def describe_addon(self, **_given: Any) -> Any:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def calls_to(*clients: Client) -> tuple[ServiceCalls, Clock]:
    clock, left = Clock(), list(clients)
    connect: Callable[[], Any] = lambda: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
    return ServiceCalls("eks", connect, clock=clock, sleep=clock.sleep), clock


PASSES = [
    *(refused(code) for code in ("ThrottlingException", "Throttling", "ServerException", "TooManyRequestsException")),
    *(refused("Whatever", code) for code in (503, 429)),
    *(kind(endpoint_url="u") for kind in (boto.ReadTimeoutError, boto.ConnectTimeoutError)),
    *(kind(endpoint_url="u") for kind in (boto.EndpointConnectionError, boto.ConnectionClosedError)),
]
STAYS = [
    *(refused(code) for code in ("AccessDeniedException", "InvalidParameterException", "ResourceInUseException")),
    *(boto.SSLError(endpoint_url="u", error="e"), boto.ProxyConnectionError(proxy_url="u"), boto.NoCredentialsError()),
    *(boto.ParamValidationError(report="r"), KeyError("a mistake of ours")),
]


@pytest.mark.parametrize("error", PASSES, ids=repr)
def test_what_passes_is_tried_again_for_a_while(error: Exception) -> None:
    calls, clock = calls_to(Client(error, error, {"ok": 1}))
    assert calls("describe_addon") == {"ok": 1}
    assert clock() - 1000 == 3
    calls, clock = calls_to(Client(error))
    with pytest.raises(type(error)):
        calls("describe_addon")
    assert service_calls.PATIENCE_SECONDS - 15 < clock() - 1000 <= service_calls.PATIENCE_SECONDS


def test_a_call_that_boto3_does_not_know_says_which_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries.metadata, "version", lambda _name: "1.28.0")
    calls, clock = calls_to(Client({}))
    with pytest.raises(Problem) as refused:
        calls("list_pod_identity_associations")
    assert clock() == 1000
    assert str(refused.value) == (
        "Call eks:ListPodIdentityAssociations: boto3 1.28.0 does not know it."
        f" Run: {sys.executable} -m pip install --upgrade 'boto3>=1.35.0'"
    )


@pytest.mark.parametrize("error", STAYS, ids=repr)
def test_what_stays_is_not_tried_again(error: Exception) -> None:
    client = Client(error)
    calls, clock = calls_to(client)
    with pytest.raises(type(error)):
        calls("describe_addon")
    assert (client.calls, clock()) == (1, 1000)


def test_a_wait_lends_its_time() -> None:
    calls, clock = calls_to(Client(refused("ThrottlingException")))
    calls.extend_patience_until(clock() + 600)
    with pytest.raises(boto.ClientError):
        calls("describe_addon")
    assert 580 < clock() - 1000 <= 600


def test_expired_credentials_are_looked_for_anew_once() -> None:
    calls, _clock = calls_to(Client(refused("ExpiredTokenException")), Client({"ok": 1}))
    assert calls("describe_addon") == {"ok": 1}
    stale = Client(refused("ExpiredToken"))
    calls, _clock = calls_to(Client(refused("ExpiredToken")), stale)
    with pytest.raises(boto.ClientError):
        calls("describe_addon")
    assert stale.calls == 1


def test_the_error_handlers_of_amazon_aws_are_used() -> None:
    calls, _clock = calls_to(Client(refused("AccessDeniedException", message="User may not")))

    @call_errors.CallErrors.common_error_handler("describe the add-on")
    def work() -> Any:
        return calls("describe_addon")

    with pytest.raises(call_errors.AnsibleCallError) as raised:
        work()
    answer = raised.value.answer
    assert (answer.code, answer.service, answer.action) == ("AccessDeniedException", "eks", "DescribeAddon")
    text = str(explain_failed_call(answer, str(raised.value.message)))
    assert text == (
        "Failed to describe the add-on: not allowed (User may not)."
        " Allow eks:DescribeAddon to the caller, or look for a policy that denies it."
    )


def test_actions_have_the_names_that_policies_have() -> None:
    calls, _clock = calls_to(Client(refused("AccessDenied")))
    calls.client.add_client_id_to_open_id_connect_provider = calls.client.describe_addon
    with pytest.raises(boto.ClientError) as raised:
        calls("add_client_id_to_open_id_connect_provider")
    assert service_calls.read_failed_call(raised.value).action == "AddClientIDToOpenIDConnectProvider"


@pytest.mark.parametrize(
    ("pages", "names"),
    [
        ([{"Names": ["a"], "IsTruncated": True, "Marker": "1"}, {"Names": ["b"]}], ["a", "b"]),
        ([{"Names": ["a"], "IsTruncated": True, "Marker": ""}, {"Names": ["a"]}], ["a"]),
        ([{"Names": ["a"], "IsTruncated": False, "Marker": "1"}, {"Names": ["b"]}], ["a"]),
    ],
)
def test_a_list_of_iam_ends_without_a_marker(pages: list[Any], names: list[str]) -> None:
    calls, _clock = calls_to(Client(*pages))
    assert calls.read_iam_pages("describe_addon", "Names") == names
