# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for identities, against an API server in memory and an STS that learns slowly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.identity_wait import RoleWait
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from botocore.exceptions import ClientError, EndpointConnectionError

from ...fake_api import FakeApi, reply, status
from ...live_helpers import obj

ARN = "arn:aws:iam::123456789012:role/gateway"
ACCOUNT = {"namespace": "obs", "service_account": "gateway", "role_arn": ARN}
IRSA = [{"name": "AWS_ROLE_ARN", "value": ARN}]
POD_IDENTITY = [{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"}]


class Sts:
    """Says these words in turn, and then yes."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def __call__(self) -> Sts:
        return self

    def assume_role_with_web_identity(self, **given: Any) -> None:
        assert given == {"RoleArn": ARN, "RoleSessionName": "o11y.opentelemetry", "WebIdentityToken": "a.b.c"}
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)


def said(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AssumeRoleWithWebIdentity")


def pod(name: str, env: list[dict[str, str]], **metadata: Any) -> dict[str, Any]:
    labels = {"o11y.opentelemetry/collector": "gateway"}
    spec = {"serviceAccountName": "gateway", "containers": [{"name": "a", "env": env}]}
    return dict(obj("Pod", name, "obs", labels=labels, metadata=metadata, spec=spec))


class Api(FakeApi):
    """Gives tokens, tries pods, and puts a pod that works in the place of one that is evicted."""

    def __init__(self, *manifests: dict[str, Any], equipped: list[list[dict[str, str]]] | None = None) -> None:
        super().__init__(*manifests)
        self.equipped, self.bodies = equipped or [], [{}]
        self.trouble = self.special

    def special(self, method: str, path: str) -> RawAnswer | None:
        if method != "POST":
            return None
        if path.endswith("/token"):
            return reply({"status": {"token": "a.b.c"}})
        if path.endswith("/pods"):
            env = self.equipped.pop(0) if len(self.equipped) > 1 else self.equipped[0]
            return reply(pod("", env))
        name = path.split("/")[-2]
        del self.objects[f"/api/v1/namespaces/obs/pods/{name}"]
        self.add(pod(f"{name}-new", self.equipped[-1] if self.equipped else IRSA))
        return reply({})


def waited(api: FakeApi, sts: Sts | None = None, provider: str = "irsa", *, replace: bool = False) -> dict[str, Any]:
    params = {"provider": provider, "accounts": [ACCOUNT], "replace_pods": replace, "timeout_seconds": 30}
    return RoleWait(api.cluster(), params, sts or Sts()).run()


def test_sts_is_asked_until_it_knows() -> None:
    refused = said("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    sts = Sts(refused, said("InvalidIdentityToken"), EndpointConnectionError(endpoint_url="https://sts"))
    api = Api()
    assert waited(api, sts) == {"changed": False, "proven": ["obs/gateway"], "unproven": []}
    assert sts.asked == 4
    assert api.sent("POST") == ["/api/v1/namespaces/obs/serviceaccounts/gateway/token"], "one token does"


def test_the_time_is_bounded_and_the_token_is_not_told() -> None:
    api = Api()
    with pytest.raises(Problem, match="STS refuses it after 30 s") as told:
        waited(api, Sts(*[said("AccessDenied")] * 1000))
    assert 30 <= api.clock.now < 60
    assert "a.b.c" not in str(told.value)


def test_what_time_does_not_mend_ends_at_once() -> None:
    sts = Sts(said("ValidationError", "too short"))
    with pytest.raises(Problem, match="AWS refuses the request"):
        waited(Api(), sts)
    assert sts.asked == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404, "NotFound", 'serviceaccounts "gateway" not found'), "it is not there yet"),
        (status(403, "Forbidden", "no"), "this user cannot create tokens of it: "),
    ],
)
def test_what_cannot_be_looked_at_is_told(answer: RawAnswer, reason: str) -> None:
    api = Api()
    api.refuse("", answer)
    (one,) = waited(api)["unproven"]
    assert one["account"] == "obs/gateway"
    assert one["reason"].startswith(reason)


def test_a_pod_is_tried_until_eks_equips_it() -> None:
    api = Api(equipped=[[], IRSA, POD_IDENTITY])
    assert waited(api, provider="pod_identity")["proven"] == ["obs/gateway"]
    assert [query for method, _path, query in api.requests if method == "POST"] == [{"dryRun": "All"}] * 3
    with pytest.raises(Problem, match="EKS gives its pods no credentials after 30 s"):
        waited(Api(equipped=[[]]), provider="pod_identity")


def test_an_account_that_is_missing_is_seen_by_the_pod_too() -> None:
    api = Api()
    words = 'pods "a" is forbidden: error looking up service account obs/gateway: serviceaccount "gateway" not found'
    api.refuse("", status(403, "Forbidden", words))
    assert waited(api, provider="pod_identity")["unproven"][0]["reason"] == "it is not there yet"


def test_collectors_that_started_too_early_are_replaced() -> None:
    others = pod("other", []) | {"spec": {"serviceAccountName": "other", "containers": []}}
    ending = pod("ending", [], deletionTimestamp="2026-01-01T00:00:00Z")
    api = Api(pod("good", IRSA), pod("old", [{"name": "AWS_ROLE_ARN", "value": "another"}]), others, ending)
    found = waited(api, replace=True)
    assert (found["changed"], found["proven"]) == (True, ["obs/gateway"])
    evictions = [path for path in api.sent("POST") if path.endswith("/eviction")]
    assert evictions == ["/api/v1/namespaces/obs/pods/old/eviction"]
    assert waited(Api(pod("good", IRSA)), replace=True)["changed"] is False


def test_a_disruption_budget_is_waited_for() -> None:
    api = Api(pod("old", []))
    usual, tries = api.special, []

    def first_no(method: str, path: str) -> RawAnswer | None:
        if path.endswith("/eviction"):
            tries.append(path)
            if len(tries) < 3:
                return status(429, "TooManyRequests", "Cannot evict pod as it would violate the disruption budget")
        return usual(method, path)

    api.trouble = first_no
    assert waited(api, replace=True)["changed"]
    assert len(tries) == 3


def test_pods_that_never_get_their_role_are_not_evicted_without_end() -> None:
    """The webhook of EKS may pass over a pod, as by a label. Each eviction would only stop a collector once more."""
    api = Api(pod("old", []), equipped=[[]])
    with pytest.raises(Problem, match="their replacements have no credentials of it either: old-new") as told:
        waited(api, replace=True)
    evictions = [path for path in api.sent("POST") if path.endswith("/eviction")]
    assert len(evictions) == 3
    assert api.clock.now < 30, "no time is waited for what no eviction mends"
    assert "eks.amazonaws.com/skip-pod-identity-webhook" in str(told.value)


def test_a_new_pod_of_the_same_name_stays() -> None:
    """A StatefulSet gives a new pod the name of the old one, which may go between the list and the eviction."""
    api = Api(pod("gw-0", []))
    path = "/api/v1/namespaces/obs/pods/gw-0"
    answer_eviction, evicted = api.special, []

    def replace_first(method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        if not target.endswith("/eviction"):
            return api(method, target, headers, body)
        api.add(pod("gw-0", IRSA))
        uid = json.loads(body or b"{}").get("deleteOptions", {}).get("preconditions", {}).get("uid")
        if uid and uid != api.objects[path]["metadata"]["uid"]:
            return status(409, "Conflict", "the UID in the precondition does not match the UID in record")
        evicted.append(target)
        return answer_eviction(method, target) or reply({})

    cluster = api.cluster()
    cluster._transport = replace_first
    params = {"provider": "irsa", "accounts": [ACCOUNT], "replace_pods": True, "timeout_seconds": 30}
    found = RoleWait(cluster, params, Sts()).run()
    assert (evicted, found["changed"], found["proven"]) == ([], False, ["obs/gateway"])


def test_the_pod_that_is_tried_is_one_that_restricted_namespaces_take() -> None:
    sent: list[Any] = []
    api = Api(equipped=[POD_IDENTITY])
    plain = api.__class__.__call__

    def noted(method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        sent.extend([json.loads(body)] if body else [])
        return plain(api, method, target, headers, body)

    cluster = api.cluster()
    cluster._transport = noted
    params = {"provider": "pod_identity", "accounts": [ACCOUNT], "replace_pods": False, "timeout_seconds": 1}
    RoleWait(cluster, params, Sts()).run()
    (tried,) = sent
    assert tried["spec"]["serviceAccountName"] == "gateway"
    assert tried["spec"]["containers"][0]["securityContext"]["runAsNonRoot"]
