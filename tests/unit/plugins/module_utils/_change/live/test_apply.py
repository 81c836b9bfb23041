# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply and remove a bundle against an API server in memory."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded.read_limits import too_large_error
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem

from tests.support.cases import cases

from ...fake_api import FakeApi, status
from ...live_helpers import definition, obj
from . import bundle_helpers
from .bundle_helpers import COLLECTOR, CONFIG, NAMESPACE, PORT, absent, actions, custom, ours, present

SECRET = obj("Secret", stringData={"token": "hush-hush"})
AGENT = obj(
    "DaemonSet",
    spec={"selector": {"matchLabels": {"app": "a"}}, "template": {"spec": {"containers": [{"ports": [PORT]}]}}},
)
COLLECTOR_AGENT = {**AGENT, "metadata": {**AGENT["metadata"], "labels": COLLECTOR}}
DEFINITION = definition("Thing", "example.com/v1")
THING = obj("Thing", api="example.com/v1")
BUNDLE = [THING, AGENT, SECRET, CONFIG, NAMESPACE, DEFINITION]
FOREIGN = obj("Namespace", "ns", labels={"team": "b"})


def plurals(api: FakeApi, method: str) -> list[str]:
    return [path.split("/")[-2] for path in api.sent(method)]


def test_a_bundle_is_made_once_with_definitions_and_namespaces_first() -> None:
    api = FakeApi()
    first = present(api, BUNDLE)
    kinds = plurals(api, "PATCH")
    second = present(api, BUNDLE)
    assert (set(actions(first).values()), first["changed"]) == ({"created"}, True)
    assert set(actions(second).values()) == {"unchanged"}
    assert (second["changed"], second["diff"], second["msg"]) == (False, [], "6 unchanged")
    assert kinds[:2] == ["customresourcedefinitions", "namespaces"]
    assert kinds[-2:] == ["daemonsets", "things"]


def test_nobody_is_warned_of_a_deprecated_version_that_only_we_asked_for() -> None:
    api, changed = FakeApi(), copy.deepcopy(DEFINITION)
    changed["spec"]["versions"].append({"name": "v1alpha1", "served": True, "deprecated": True})
    present(api, [changed])
    assert "/apis/example.com/v1/things" in api.sent("GET")
    assert not any("v1alpha1" in path for path in api.sent("GET"))


def test_check_mode_on_an_empty_cluster_shows_all_and_changes_nothing() -> None:
    api = FakeApi()
    before = copy.deepcopy(api.objects)
    result = present(api, BUNDLE, check=True, prune_selector="app=a")
    assert api.objects == before
    assert set(actions(result).values()) == {"created"}
    assert len(result["diff"]) == len(BUNDLE)
    assert all(query.get("dryRun") == "All" for method, _, query in api.requests if method == "PATCH")


def test_a_change_is_shown_without_secrets() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    changed = [NAMESPACE, {**SECRET, "stringData": {"token": "new-secret"}}, {**CONFIG, "data": {"a": "2"}}]
    result = present(api, changed, check=True)
    assert actions(result) == {"Namespace ns": "unchanged", "Secret a": "changed", "ConfigMap a": "changed"}
    assert {change["before_header"] for change in result["diff"]} == {"Secret ns/a", "ConfigMap ns/a"}
    assert [word for word in ("hush-hush", "new-secret", "managedFields") if word in str(result)] == []


NEIGHBOUR = obj("Pod", "other", "default", labels={"app": "b"}, status={"phase": "Running"})
NEIGHBOUR["spec"] = {"nodeName": "n1", "containers": [{"ports": [PORT]}]}
CONSTRAINTS = obj("SecurityContextConstraints", "ns-a")
NOT_OPENSHIFT = r"ns-a: .*does not serve this kind.*This cluster is not OpenShift: set `platform`"
CERTIFICATE = obj("Certificate", spec={"secretName": "tls"})
ALL_KINDS = r"these kinds: Thing of example.com/v1, Certificate of cert-manager.io/v1(?s:.)*or upgrade cert-manager"
TAKEN = "4317/TCP on node n1 by pod default/other"


@cases(
    "live, manifests, check, words",
    ([], [CONFIG, DEFINITION], False, "namespace 'ns' does not exist"),
    ([NAMESPACE], [CONFIG, THING], False, "does not serve this kind: Thing of example.com/v1"),
    ([NAMESPACE], [THING, CERTIFICATE], False, ALL_KINDS),
    ([], [obj("ConfigMap", namespace="")], False, "has no namespace"),
    ([NAMESPACE, NEIGHBOUR], [AGENT], False, TAKEN),
    ([NAMESPACE, NEIGHBOUR], [AGENT], True, TAKEN),
    ([NAMESPACE], [COLLECTOR_AGENT, CONSTRAINTS], False, NOT_OPENSHIFT),
)
def test_what_cannot_be_applied_is_told_before_anything_is_written(
    live: Any, manifests: Any, check: bool, words: str
) -> None:
    api = FakeApi(*live)
    with pytest.raises(Problem, match=words):
        present(api, manifests, check=check)
    assert not api.sent("PATCH")


def test_the_result_has_the_generation_in_which_a_run_leaves_each_object(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi(NAMESPACE)
    stored = api._stored
    monkeypatch.setattr(
        api, "_stored", lambda new, entry: stored({**new, "metadata": {**new["metadata"], "generation": 3}}, entry)
    )
    for _run in range(2):
        assert [item["generation"] for item in present(api, [CONFIG])["objects"]] == [3]


@cases(
    "manifests, kinds",
    ([THING], "Thing of example.com/v1"),
    ([CERTIFICATE, obj("Certificate", "b"), THING], "Certificate of cert-manager.io/v1, Thing of example.com/v1"),
    ([DEFINITION, THING], ""),
    ([CONFIG], ""),
)
def test_a_check_plans_kinds_that_are_not_served_yet_and_warns_once(manifests: Any, kinds: str) -> None:
    result = present(FakeApi(NAMESPACE), manifests, check=True)
    assert set(actions(result).values()) == {"created"}
    lacks = "Without check mode, this run fails unless an earlier task of it installs what is missing."
    assert result["warnings"] == ([f"The cluster does not serve {kinds}. {lacks}"] if kinds else [])


def test_a_namespace_of_somebody_else_is_neither_changed_nor_deleted() -> None:
    api = FakeApi(FOREIGN)
    assert actions(present(api, [NAMESPACE, CONFIG])) == {"Namespace ns": "unchanged", "ConfigMap a": "created"}
    assert api.objects["/api/v1/namespaces/ns"]["metadata"]["labels"] == {"team": "b"}
    result = absent(api, [NAMESPACE])
    assert result["warnings"] == ["Kept Namespace ns: it belongs to field manager kubectl-create"]
    assert not result["changed"]


def test_a_namespace_that_is_going_is_waited_for() -> None:
    api = FakeApi({**NAMESPACE, "metadata": {**NAMESPACE["metadata"], "deletionTimestamp": "now"}})
    api.clock.on_sleep.append(lambda now: api.objects.pop("/api/v1/namespaces/ns", None) if now > 1 else None)
    assert actions(present(api, [NAMESPACE])) == {"Namespace ns": "created"}


def test_a_check_tells_what_the_run_would_wait_for() -> None:
    leaving = {"deletionTimestamp": "now"}
    held = obj("ConfigMap", "held", metadata={**leaving, "finalizers": ["example.com/hold"]})
    api = FakeApi({**NAMESPACE, "metadata": {**NAMESPACE["metadata"], **leaving}}, held)
    before = copy.deepcopy(api.objects)
    deprecated = RawAnswer(200, {"Warning": '299 - "only we asked for this"'}, b'{"items": []}')
    api.refuse("/namespaces/ns/services", deprecated)
    result = present(api, [NAMESPACE, CONFIG], check=True)
    assert actions(result) == {"Namespace ns": "created", "ConfigMap a": "created"}
    waits = "Without check mode, this run waits up to 30 s until these are gone, and fails if they stay: "
    assert result["warnings"] == [f"{waits}Namespace ns, blocked by ConfigMap ns/held (finalizers: example.com/hold)"]
    assert (api.clock.now, api.objects) == (0, before)


def test_who_may_not_read_namespaces_may_still_write_into_one() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse("/api/v1/namespaces/ns", status(403, "Forbidden", 'User "u" cannot get resource "namespaces"'))
    assert actions(present(api, [CONFIG])) == {"ConfigMap a": "created"}


def test_who_may_not_change_a_namespace_uses_it_as_it_is() -> None:
    api = ours(NAMESPACE)
    api.refuse(
        "namespaces/ns",
        status(403, "Forbidden", 'User "u" cannot patch resource "namespaces" in API group ""'),
        "PATCH",
    )
    for check in (True, False):
        result = present(api, [NAMESPACE, CONFIG], check=check)
        assert actions(result) == {"Namespace ns": "unchanged", "ConfigMap a": "created"}
        assert result["warnings"] == []
    team = {**NAMESPACE, "metadata": {**NAMESPACE["metadata"], "annotations": {"team": "a"}}}
    words = "Namespace ns stays without annotation team=a, because this user may not patch it."
    assert present(api, [team])["warnings"] == [words]


def test_a_namespace_that_a_policy_refuses_to_change_is_an_error() -> None:
    api = ours(NAMESPACE)
    api.refuse("namespaces/ns", status(403, "Forbidden", 'namespaces "ns" is forbidden: no team'), "PATCH")
    with pytest.raises(Problem, match="no team"):
        present(api, [NAMESPACE])


def test_a_failure_after_all_writes_names_what_was_applied() -> None:
    api = FakeApi(NAMESPACE, bundle_helpers.DEFINITION)
    api.refuse("deployments/a-collector", status(403, "Forbidden", 'User "u" cannot get resource'), "GET")
    words = r"not allowed(?s:.)*created OpenTelemetryCollector ns/a"
    with pytest.raises(Problem, match=words):
        present(api, [NAMESPACE, custom(mode="deployment", config={"a": 1})])


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (14, "and 3 more")])
def test_all_objects_that_are_refused_together_are_told(count: int, more: str) -> None:
    api = FakeApi(NAMESPACE)
    denied = status(422, "Invalid", "denied by a policy")
    api.trouble = lambda method, path: denied if method == "PATCH" and "/configmaps/" in path else None
    configs = [obj("ConfigMap", f"c{number:02}", data={"a": "1"}) for number in range(count)]
    with pytest.raises(Failure) as caught:
        present(api, [NAMESPACE, *configs])
    assert caught.value.asked == "Apply ConfigMap ns/c00"
    lines = caught.value.fix.split("\n")
    told = [line for line in lines if line.startswith("Failed too: Apply ConfigMap ns/c")]
    assert len(told) == min(count - 1, 10)
    assert all("denied by a policy" in line for line in told)
    assert ("\nand 3 more" in caught.value.fix) is bool(more)


def test_a_failure_names_what_was_applied_and_removed_before() -> None:
    api = ours(NAMESPACE)
    api.refuse("daemonsets/a", status(422, "Invalid", "Required value"), "PATCH")
    words = r"DaemonSet ns/a: the object is not valid(?s:.)*not undone: created ConfigMap ns/a, Deployment ns/a\.$"
    with pytest.raises(Problem, match=words) as caught:
        present(api, [NAMESPACE, AGENT, CONFIG, {**AGENT, "kind": "Deployment"}])
    done = {"Namespace ns": "unchanged", "ConfigMap a": "created", "Deployment a": "created"}
    assert (actions(caught.value.facts), caught.value.facts["changed"]) == (done, True)
    api.refuse("secrets/a", status(422, "Invalid", "no"), "DELETE")
    api.apply("us", SECRET, AGENT)
    with pytest.raises(Problem, match=r"not undone: deleted DaemonSet ns/a\.$") as caught:
        absent(api, [NAMESPACE, SECRET, AGENT])
    assert caught.value.facts["changed"] is True


def test_a_removal_that_fails_names_what_is_gone_of_the_same_group() -> None:
    api = ours(NAMESPACE, CONFIG, obj("ConfigMap", "b"), SECRET)
    api.refuse("secrets/a", status(422, "Invalid", "no"), "DELETE")
    words = r"not undone: deleted ConfigMap ns/a, ConfigMap ns/b\.$"
    with pytest.raises(Problem, match=words) as caught:
        absent(api, [NAMESPACE, CONFIG, obj("ConfigMap", "b"), SECRET])
    assert caught.value.facts["changed"] is True


def test_a_deletion_that_takes_too_long_is_told_with_what_is_gone() -> None:
    api = ours(NAMESPACE, CONFIG, obj("ConfigMap", "b"))
    delete, path = api._delete, "/api/v1/namespaces/ns/configmaps/b"
    api._delete = lambda asked, *rest: status(200, "", "") if asked == path else delete(asked, *rest)
    words = r"still there after 30 s: ConfigMap ns/b(?s:.)*not undone: deleted ConfigMap ns/a, ConfigMap ns/b\.$"
    with pytest.raises(Problem, match=words) as caught:
        absent(api, [CONFIG, obj("ConfigMap", "b")])
    assert caught.value.facts["changed"] is True


@pytest.mark.parametrize("refused", ["", "/apis"])
def test_a_namespace_that_stays_is_explained_by_the_objects_in_it(refused: str) -> None:
    told = {"type": "NamespaceContentRemaining", "status": "True", "message": "configmaps. has 1 resource instances"}
    leaving = {"deletionTimestamp": "now"}
    held = obj("ConfigMap", "held", metadata={**leaving, "finalizers": ["example.com/hold"]})
    namespace = {**NAMESPACE, "metadata": {**NAMESPACE["metadata"], **leaving}, "status": {"conditions": [told]}}
    api = FakeApi(namespace, held, obj("ConfigMap", "free"))
    if refused:
        api.refuse(refused)
    words = "configmaps. has 1" if refused else r"ConfigMap ns/held \(finalizers: example.com/hold\)\."
    with pytest.raises(Problem, match=f"still there after 30 s: Namespace ns, blocked by {words}"):
        present(api, [NAMESPACE, CONFIG])
    assert not api.sent("PATCH")


def raced(api: FakeApi, *writes: Any) -> None:
    """Let others write the ConfigMap between the first read of a run and its write."""
    left = list(writes)

    def trouble(method: str, path: str) -> None:
        if method == "PATCH" and path.endswith("/configmaps/a") and left:
            left.pop(0)()

    api.trouble = trouble


CONFIG_PATH = "/api/v1/namespaces/ns/configmaps/a"


@cases(
    "race, left",
    (lambda api: api.apply("us", {**CONFIG, "data": {"b": "3"}}), {"b": "3"}),
    (lambda api: api.objects.pop(CONFIG_PATH), None),
    ids=["changed", "removed"],
)
def test_an_object_that_another_run_writes_meanwhile_is_left(race: Any, left: Any) -> None:
    api = ours(NAMESPACE, CONFIG)
    raced(api, lambda: race(api))
    with pytest.raises(Problem, match=r"Apply ConfigMap ns/a: another run has changed it.*only one run at a time"):
        present(api, [NAMESPACE, {**CONFIG, "data": {"a": "2"}}])
    assert (api.objects.get(CONFIG_PATH, {}).get("data"), api.clock.now) == (left, 0)


def test_a_write_whose_answer_is_lost_is_not_one_of_another_run() -> None:
    class Lossy(FakeApi):
        def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
            before = self.objects.get(CONFIG_PATH)
            answer = super().__call__(method, target, headers, body)
            lost = before and self.objects[CONFIG_PATH] is not before
            return status(504, "Timeout", "request timed out") if lost else answer

    api = Lossy(*ours(NAMESPACE, CONFIG).objects.values())
    assert actions(present(api, [NAMESPACE, {**CONFIG, "data": {"a": "2"}}]))["ConfigMap a"] == "changed"
    assert api.objects[CONFIG_PATH]["data"] == {"a": "2"}


class Broken(FakeApi):
    """A proxy cuts the answers to writes of the ConfigMap: the server has done them."""

    cut = 1

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        answer = super().__call__(method, target, headers, body)
        if method != "PATCH" or not target.startswith(CONFIG_PATH) or not self.cut:
            return answer
        self.cut -= 1
        return answer._replace(status=200, body=answer.body[: len(answer.body) // 2])


@pytest.mark.parametrize("exists", [True, False])
def test_a_write_whose_answer_is_cut_was_done(exists: bool) -> None:
    api = Broken(*(ours(NAMESPACE, CONFIG) if exists else ours(NAMESPACE)).objects.values())
    done = actions(present(api, [NAMESPACE, {**CONFIG, "data": {"a": "2"}}]))
    assert done["ConfigMap a"] == ("changed" if exists else "created")
    assert (api.objects[CONFIG_PATH]["data"], api.cut) == ({"a": "2"}, 0)


def test_an_answer_that_stays_cut_says_what_was_done_before() -> None:
    api = FakeApi()
    api.refuse(CONFIG_PATH, RawAnswer(200, {}, b'{"kind": "Conf'), "PATCH")
    with pytest.raises(Failure) as raised:
        present(api, [NAMESPACE, CONFIG])
    assert "Apply ConfigMap ns/a: the answer of the server is not the JSON of an object" in str(raised.value)
    assert f"(at PATCH {CONFIG_PATH})" in str(raised.value)
    assert "Done before this error, and not undone: created Namespace ns." in raised.value.fix
    assert raised.value.facts["objects"][0]["action"] == "created"


def touched(api: FakeApi, **fields: Any) -> None:
    """Change the ConfigMap as a controller does, which leaves the other field managers in place."""
    api.version += 1
    api.objects[CONFIG_PATH] = copy.deepcopy(api.objects[CONFIG_PATH]) | fields
    api.objects[CONFIG_PATH]["metadata"]["resourceVersion"] = str(api.version)


def test_an_object_that_a_controller_has_changed_meanwhile_is_applied() -> None:
    api = ours(NAMESPACE, CONFIG)
    raced(api, *[lambda: touched(api, status={})] * 2)
    assert actions(present(api, [NAMESPACE, {**CONFIG, "data": {"a": "2"}}]))["ConfigMap a"] == "changed"
    assert api.objects[CONFIG_PATH]["data"] == {"a": "2"}
    raced(api, *[lambda: touched(api, status={})] * 99)
    with pytest.raises(Problem, match="it has changed 10 times meanwhile"):
        present(api, [NAMESPACE, {**CONFIG, "data": {"a": "3"}}])


def test_what_a_controller_has_changed_meanwhile_is_not_a_change_of_this_run() -> None:
    api = ours(NAMESPACE, CONFIG)
    raced(api, lambda: touched(api, scaled="by others"))
    assert actions(present(api, [NAMESPACE, CONFIG]))["ConfigMap a"] == "unchanged"


def test_pods_are_not_listed_when_the_ports_are_ours_already() -> None:
    api = ours(NAMESPACE, AGENT)
    present(api, [AGENT])
    assert "/api/v1/pods" not in api.sent("GET")


def test_who_may_not_list_pods_is_warned() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse("/api/v1/pods")
    assert "host ports" in present(api, [AGENT])["warnings"][0]


def test_pods_of_all_namespaces_come_in_pages() -> None:
    api = FakeApi(NAMESPACE)
    present(api, [AGENT])
    (query,) = [query for method, path, query in api.requests if (method, path) == ("GET", "/api/v1/pods")]
    assert int(query["limit"]) == 500
    assert "resourceVersion" not in query, "the server ignores a limit beside version 0"


def test_more_pods_than_can_be_read_are_warned_of_and_the_bundle_is_applied() -> None:
    def trouble(_method: str, path: str) -> RawAnswer | None:
        if path == "/api/v1/pods":
            raise too_large_error("the answer of the server", 512 * 1024 * 1024)
        return None

    api = FakeApi(NAMESPACE)
    api.trouble = trouble
    result = present(api, [AGENT])
    assert actions(result)["DaemonSet a"] == "created"
    assert result["warnings"] == [
        "Not checked whether the host ports are free: the answer of the server is larger than 512 MiB"
    ]


def test_pods_that_change_while_the_server_lists_them_are_warned_of() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse("/api/v1/pods", status(410, "Expired", "the continue token has expired"))
    warning = "Not checked whether the host ports are free: the continue token has expired"
    assert present(api, [AGENT])["warnings"] == [warning]


CONSTRAINED = "/apis/security.openshift.io/v1"


@pytest.mark.parametrize("check", [True, False])
def test_pods_that_no_constraints_allow_are_told_of(check: Any) -> None:
    api = FakeApi(NAMESPACE)
    api.texts[CONSTRAINED] = '{"kind": "APIResourceList"}'
    (warning,) = present(api, [COLLECTOR_AGENT], check=check)["warnings"]
    assert "DaemonSet ns/a asks for more than restricted-v2 allows (ports of the node)" in warning
    assert "Set `platform: openshift` for this collector" in warning


@pytest.mark.parametrize(("manifest", "asked"), [(COLLECTOR_AGENT, 1), (AGENT, 0)])
def test_constraints_are_asked_for_only_by_collectors_and_may_be_missing(manifest: Any, asked: int) -> None:
    api = FakeApi(NAMESPACE)
    assert present(api, [manifest])["warnings"] == []
    assert api.sent("GET").count(CONSTRAINED) == asked


def kubelet_role(*resources: str) -> Any:
    rules = [{"apiGroups": [""], "resources": [*resources], "verbs": ["get"]}]
    return obj("ClusterRole", "ns.a", namespace="", api="rbac.authorization.k8s.io/v1", rules=rules)


@cases(
    "version, resources, warned",
    ("v1.32.9-eks-1", ["nodes/pods"], True),
    ("v1.33.0", ["nodes/pods"], False),
    ("v1.32.9", ["nodes/pods", "nodes/proxy"], False),
    ("v1.32.9", ["nodes/stats"], False),
    ("", ["nodes/pods"], False),
)
def test_a_right_that_older_kubelets_do_not_know_is_told_once(version: str, resources: list[str], warned: bool) -> None:
    api = FakeApi(NAMESPACE)
    if version:
        api.texts["/version"] = f'{{"gitVersion": "{version}"}}'
    found = present(api, [kubelet_role(*resources)])["warnings"]
    assert [f"has {version}: kubelet_stats" in text and "Set `allow: [nodes/proxy]`" in text for text in found] == [
        True
    ] * warned
    api.requests.clear()
    assert present(api, [kubelet_role(*resources)])["warnings"] == []
    assert "/version" not in api.sent("GET")


def test_prune_deletes_what_the_bundle_lost() -> None:
    api = FakeApi()
    controller = {"ownerReferences": [{"kind": "X", "name": "x", "controller": True}]}
    old, owned = obj("ConfigMap", "old"), obj("ConfigMap", "owned", metadata=controller)
    present(api, [NAMESPACE, CONFIG, old, obj("ConfigMap", "theirs", labels={"app": "b"}), owned])
    planned, done = (present(api, [NAMESPACE, CONFIG], prune_selector="app=a", check=check) for check in (True, False))
    expected = {"Namespace ns": "unchanged", "ConfigMap a": "unchanged", "ConfigMap old": "pruned"}
    assert actions(planned) == actions(done) == expected
    assert done["changed"]
    assert api.sent("DELETE") == ["/api/v1/namespaces/ns/configmaps/old"]


def test_prune_leaves_what_may_not_be_listed() -> None:
    api = FakeApi(NAMESPACE)
    api.refuse("/secrets")
    result = present(api, [NAMESPACE], prune_selector="app=a")
    assert result["warnings"] == ["Not pruned, since this user may not list them: secrets"]


def test_a_bundle_is_removed_once_in_reverse_order() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    planned = absent(api, BUNDLE, check=True)
    assert not api.sent("DELETE")
    first, second = absent(api, BUNDLE), absent(api, BUNDLE)
    assert actions(planned) == actions(first)
    assert set(actions(first).values()) == {"deleted"}
    assert set(actions(second).values()) == {"absent"}
    assert (first["changed"], second["changed"]) == (True, False)
    assert plurals(api, "DELETE")[:2] == ["things", "daemonsets"]
    assert plurals(api, "DELETE")[-2:] == ["namespaces", "customresourcedefinitions"]


def test_a_definition_in_use_stays() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    api.add(obj("Thing", "theirs", "default", api="example.com/v1"))
    result = absent(api, BUNDLE)
    assert any("Thing default/theirs" in warning for warning in result["warnings"])
    assert actions(result)["CustomResourceDefinition things.example.com"] == "unchanged"


def test_a_definition_that_serves_no_version_stays() -> None:
    api = FakeApi()
    present(api, BUNDLE)
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com"
    for version in api.objects[path]["spec"]["versions"]:
        version["served"] = False
    result = absent(api, BUNDLE)
    assert any("it serves no version, so whether it is used is unknown" in text for text in result["warnings"])
    assert path in api.objects


def test_removal_waits_and_tells_what_holds_it() -> None:
    api = ours(NAMESPACE, obj("ConfigMap", metadata={"finalizers": ["example.com/hold"]}))
    api._delete = lambda _path, _query, _body, _match: status(200, "", "")
    with pytest.raises(Problem, match=r"still there after 30 s: ConfigMap ns/a \(finalizers: example.com/hold\)"):
        absent(api, [CONFIG])
    assert api.clock.now >= 30


def test_removal_prunes_too() -> None:
    api = ours(NAMESPACE, CONFIG, obj("ConfigMap", "old"))
    result = absent(api, [NAMESPACE, CONFIG], prune_selector="app=a")
    assert actions(result) == {"ConfigMap a": "deleted", "ConfigMap old": "pruned", "Namespace ns": "deleted"}


STATUS = {"observedGeneration": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}


@cases(
    "change, ready",
    ({}, True),
    ({"numberAvailable": 0}, False),
    ({"observedGeneration": 0}, False),
    ids=["complete", "a pod is missing", "not seen yet"],
)
def test_a_bundle_tells_whether_there_is_something_to_wait_for(change: Any, ready: bool) -> None:
    api = FakeApi()
    present(api, [NAMESPACE, AGENT])
    agent = api.objects["/apis/apps/v1/namespaces/ns/daemonsets/a"]
    agent["metadata"]["generation"] = 1
    agent["status"] = {**STATUS, **change}
    assert present(api, [NAMESPACE, AGENT])["ready"] is ready
    assert present(api, [NAMESPACE])["ready"] is True
    assert present(api, [NAMESPACE, AGENT], check=True)["ready"] is False


@pytest.mark.parametrize("check", [True, False])
def test_the_result_says_which_rights_change(check: bool) -> None:
    def role(*resources: str) -> Any:
        return obj("ClusterRole", rules=[{"apiGroups": [""], "resources": resources, "verbs": ["get", "list"]}])

    api = ours(NAMESPACE, role("pods", "nodes"))
    changed = present(api, [NAMESPACE, role("pods", "secrets")], check=check)
    assert changed["rights"] == ["a: + get, list secrets (all namespaces)", "a: - get, list nodes (all namespaces)"]
    assert present(api, [NAMESPACE, role("pods", "nodes" if check else "secrets")])["rights"] == []
