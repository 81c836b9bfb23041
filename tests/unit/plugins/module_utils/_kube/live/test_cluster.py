# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests: what is tried again, pages, messages of failures, and kubeconfigs that cannot be read."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.api_error_rows import OUTAGES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_errors import explain, explain_outage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import ApiError, RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import ApiResource
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.urls import build_target, quote_segment
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases

from ...fake_api import FakeApi, reply, status

PATH = "/api/v1/namespaces/default/configmaps/a"
CAUSE = {"reason": "FieldManagerConflict", "field": ".spec.replicas", "message": 'conflict with "kubectl"'}
MANAGERS = {"causes": [CAUSE]}


# The API server's words for a Secret whose value is no base64.
UNENCODED = (
    "failed to convert new object (ns/a; /v1, Kind=Secret) to proper version: unable to convert unstructured object to"
    " /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 11"
)


def failing(api: Any, answer: Any, times: Any = 99) -> Any:
    left = iter(range(times))
    api.trouble = lambda _method, _path: answer if next(left, None) is not None else None


@cases(
    "answer, passes",
    (status(409, "Conflict", "the object has been modified"), True),
    (status(429, "TooManyRequests", "later"), True),
    (status(500, "InternalError", "failed calling webhook"), True),
    (status(503, "ServiceUnavailable", "no"), True),
    (status(500, "", "failed to create typed patch object"), False),
    (status(500, "", UNENCODED), False),
    (status(403, "Forbidden", "no"), False),
    (status(422, "Invalid", "no"), False),
    (status(409, "Conflict", "no", details=MANAGERS), False),
)
def test_what_passes_is_tried_again_and_what_stays_is_not(answer: Any, passes: bool) -> None:
    api = FakeApi()
    failing(api, answer, times=2)
    with nullcontext() if passes else pytest.raises(ApiError):
        assert api.cluster().request("GET", "/api/v1/namespaces/default")["kind"] == "Namespace"
    assert len(api.requests) == (3 if passes else 1)


def test_trying_again_is_bounded() -> None:
    api = FakeApi()
    failing(api, status(500, "InternalError", "failed calling webhook"))
    with pytest.raises(ApiError):
        api.cluster().request("GET", PATH)
    assert 5 < api.clock.now < 15


def test_the_server_says_how_long_to_wait() -> None:
    api = FakeApi()
    failing(api, RawAnswer(429, {"Retry-After": "3"}, b"{}"), times=1)
    api.cluster().get(PATH)
    assert api.clock.now == 3


def test_warnings_of_the_server_are_kept_once() -> None:
    api = FakeApi()
    said = '299 - "v1beta1 is deprecated", 299 kube "would violate PodSecurity \\"restricted\\""'
    api.trouble = lambda _method, _path: RawAnswer(200, {"Warning": said}, b"{}")
    cluster = api.cluster()
    for _ in range(2):
        cluster.request("PATCH", PATH, body={})
    assert list(cluster.warnings) == ["v1beta1 is deprecated", 'would violate PodSecurity "restricted"']


@pytest.mark.parametrize(("again", "tries"), [(True, 3), (False, 1)])
def test_a_lost_server_is_given_up_soon_and_for_all_threads(again: Any, tries: Any) -> None:
    def trouble(method: str, path: str) -> None:
        raise LostError("refused", "x", "https://a", again=again)

    api = FakeApi()
    api.trouble = trouble
    cluster = api.cluster()
    for _ in range(2):
        with pytest.raises(LostError):
            cluster.get(PATH)
    assert len(api.requests) == tries
    assert api.clock.now < 2


def test_lists_come_in_pages() -> None:
    api = FakeApi()
    pages = iter(({"items": [{"a": 1}], "metadata": {"continue": "next"}}, {"items": [{"a": 2}]}))
    api.trouble = lambda _method, _path: reply(next(pages))
    assert list(api.cluster().items("/api/v1/pods", {"resourceVersion": "0"})) == [{"a": 1}, {"a": 2}]
    assert [query.get("continue") for _, _, query in api.requests] == [None, "next"]
    assert "resourceVersion" not in api.requests[1][2]


def test_parallel_keeps_the_order_and_raises_the_first_failure() -> None:
    cluster = FakeApi().cluster()
    assert cluster.call_in_parallel(str, range(20)) == [str(number) for number in range(20)]
    with pytest.raises(ZeroDivisionError):
        cluster.call_in_parallel(lambda number: 1 / number, [1, 0, 2])


def api_error(code: Any, reason: Any = "", message: Any = "", details: Any = None, kind: Any = "Status") -> Any:
    body = {"kind": kind, "reason": reason, "message": message, "details": details or {}}
    return ApiError(code, json.loads(json.dumps(body)), "PATCH", "/api/v1/x")


QUOTA = 'pods "a" is forbidden: exceeded quota: q'
NO_RIGHT = '"a" is forbidden: User "u:x" cannot patch resource "configmaps" in API group "" in the namespace "ns"'
WIDE = 'x is forbidden: User "u" cannot get resource "clusterroles" in API group "rbac.authorization.k8s.io"'
IMMUTABLE, REQUIRED = ({"causes": [{"field": field}]} for field in ("spec.selector", "spec.a"))
NO_KIND = "could not find the requested resource"
STATEFUL = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden"
TYPED = "failed to create typed patch object (ns/a): .spec.replicas"


@cases(
    "error, words",
    (api_error(401, "Unauthorized", "Unauthorized"), ["credentials", "kubectl auth whoami"]),
    (api_error(403, "Forbidden", NO_RIGHT), ["u:x may not patch configmaps in the namespace ns", "ns --as u:x"]),
    (
        api_error(403, "Forbidden", WIDE),
        ["in the whole cluster", "kubectl auth can-i get clusterroles.rbac.authorization.k8s.io --as u"],
    ),
    (api_error(403, "Forbidden", QUOTA), ["quota is used up", "Raise the ResourceQuota"]),
    (api_error(403, "Forbidden", 'violates PodSecurity "restricted"'), ["pod security"]),
    (api_error(403, "Forbidden", "it is being terminated"), ["being deleted"]),
    (api_error(400, "BadRequest", 'admission webhook "w" denied the request: no'), ["webhook denied"]),
    (api_error(500, "InternalError", 'failed calling webhook "w"'), ["does not answer"]),
    (api_error(404, "NotFound", NO_KIND), ["does not serve this kind", "CustomResource"]),
    (api_error(404, "NotFound", 'namespaces "x" not found', {"name": "x"}), ["namespace does not exist"]),
    (api_error(404, "", "<html>", kind=""), ["not a Kubernetes API"]),
    (api_error(404, "", "404 page not found", kind=""), ["does not serve this kind"]),
    (api_error(409, "Conflict", "x", MANAGERS), [".spec.replicas", 'conflict with "kubectl"', "force_conflicts"]),
    (api_error(422, "Invalid", "field is immutable", IMMUTABLE), ["spec.selector", "Delete"]),
    (api_error(422, "Invalid", "Required value", REQUIRED), ["not valid", "spec.a"]),
    (api_error(500, "", TYPED), ["wrong type", ".spec.replicas"]),
    (api_error(500, "", UNENCODED), ["not base64", "stringData"]),
    (api_error(500, "InternalError", "etcd"), ["500", "etcd"]),
)
def test_each_no_has_its_own_words(error: Any, words: Any) -> None:
    told = str(explain(error, "Apply ConfigMap ns/a"))
    assert told.startswith("Apply ConfigMap ns/a: ")
    assert all(word in told for word in words), told


SAID_BY = yaml.safe_load((Path(__file__).parent / "api_messages.yml").read_text())


@pytest.mark.parametrize("row", SAID_BY, ids=[f"{row['about']}-{row['versions']}" for row in SAID_BY])
def test_the_messages_of_every_kubernetes_have_their_words(row: dict[str, Any]) -> None:
    body = {"kind": "Status", "reason": row["reason"], "message": row["message"], "details": row.get("details", {})}
    told = str(explain(ApiError(row["status"], body, "PATCH", row.get("path", "/api/v1/x")), "Apply it"))
    assert all(word in told for word in row["words"]), told


def test_each_situation_has_the_words_of_all_supported_versions() -> None:
    covered: dict[str, set[str]] = {}
    for row in SAID_BY:
        covered.setdefault(row["about"], set()).update(row["versions"].split())
    assert set(map(frozenset, covered.values())) == {frozenset(("1.34", "1.35", "1.36", "1.37"))}


def test_a_command_names_the_object_and_asks_for_a_right_as_kubectl_writes_it() -> None:
    path = "/apis/apps/v1/namespaces/obs/statefulsets/gateway"
    error = ApiError(422, {"kind": "Status", "reason": "Invalid", "message": STATEFUL}, "PATCH", path)
    assert "`kubectl -n obs delete statefulset gateway --cascade=orphan`" in explain(error, "Apply it").fix
    who, what = 'User "John Doe"', 'resource "pods/eviction" in API group "" in the namespace "n"'
    right = f'pods "a" is forbidden: {who} cannot create {what}'
    told = explain(api_error(403, "Forbidden", right), "Evict it")
    assert "may not create pods/eviction in the namespace n" in told.wrong
    assert "`kubectl auth can-i create pods --subresource=eviction --namespace n --as 'John Doe'`" in told.fix


@pytest.mark.parametrize("why", OUTAGES)
def test_each_silence_has_its_own_words(why: Any) -> None:
    told = str(explain_outage(LostError(why, "said", "https://a:6443", again=False)))
    assert "https://a:6443 cannot be reached" in told
    assert "(at said)" in told


BROKEN = "users:\n- name: me\n  user: {token: 'very-secret\nclusters: []\n"
VARIABLES = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")


def said(params: dict[str, Any]) -> str:
    module: Any = SimpleNamespace(params=params, tmpdir="/nonexistent")
    with pytest.raises(Problem) as raised:
        connect.connect(module)
    return str(raised.value)


@pytest.mark.parametrize("variable", ["", *VARIABLES])
def test_a_kubeconfig_that_is_no_yaml_is_named_and_not_quoted(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*VARIABLES, "K8S_AUTH_HOST", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config"
    path.write_text(BROKEN)
    if variable:
        monkeypatch.setenv(variable, str(path))
    message = said({} if variable else {"kubeconfig": str(path)})
    assert f"{path}, line " in message
    assert "not valid YAML" in message
    assert "very-secret" not in message


@pytest.mark.parametrize("name", ["../../../a/secrets/x?fieldManager=z#", "..", ".", "a/b", "a%2fb", "a\nb", "a\x00"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    resource = ApiResource("v1", "ConfigMap", "configmaps", True)
    for place in ((name, "a"), ("default", name)):
        with pytest.raises(Problem, match="is not a valid object name"):
            resource.build_path(*place)


def test_an_object_without_a_name_is_not_the_collection_of_all() -> None:
    with pytest.raises(Problem, match="'' is not a valid object name"):
        quote_segment("")


def test_a_name_is_quoted() -> None:
    roles = ApiResource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False)
    assert roles.build_path("", "system:a b?x#y").endswith("/clusterroles/system:a%20b%3Fx%23y")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/../secrets",
        "/api/v1/namespaces/%2e%2E/secrets",
        "/api/v1/namespaces/.%2e/secrets",
        "/api/v1/pods?watch=true",
        "/api/v1/pods#a",
        "/a b",
    ],
)
def test_no_request_is_sent_to_a_path_that_leads_elsewhere(path: str) -> None:
    api = FakeApi()
    with pytest.raises(Problem, match="is not the path of an object"):
        api.cluster().request("GET", path)
    assert api.requests == []


def test_an_encoded_slash_of_an_answer_stays() -> None:
    """The target allocator of the operator names its jobs so."""
    path = "/api/v1/namespaces/obs/services/targets:80/proxy/jobs/serviceMonitor%2Fobs%2Fapp%2F0/targets"
    assert build_target(path, None) == path
