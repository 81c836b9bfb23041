# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that are derived from a bundle are those that a run uses, and an error names all that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live import needed_rights, purpose_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.rbac_roles import (
    RbacGrant,
    build_roles,
    build_subject,
    describe_grants,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import ApiError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right, iter_rule_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import COLLECTOR_LABEL
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.jmespath_search import compile_search
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.rollout_wait import (
    AwaitedWorkload,
    RolloutWait,
    RolloutWaitOptions,
)

from ...fake_api import FakeApi
from ...live_helpers import obj
from .account import Account
from .bundle_helpers import COLLECTOR, absent, present

PROJECT = Path(__file__).parents[6]
EXAMPLES = sorted(PROJECT.glob("examples/*/rendered/**/manifests.yml"))
ROLE = obj("ClusterRole", "ns.a", rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}])
BUNDLE = [
    obj("Namespace", "ns"),
    obj("ServiceAccount"),
    ROLE,
    obj("ClusterRoleBinding", "ns.a"),
    obj("ConfigMap", data={"a": "1"}),
    obj(
        "StatefulSet",
        api="apps/v1",
        labels=COLLECTOR,
        spec={
            "template": {
                "spec": {
                    "priorityClassName": "urgent",
                    "containers": [{"name": "c", "ports": [{"containerPort": 1, "hostPort": 1}]}],
                    "volumes": [{"name": "tls", "secret": {"secretName": "tls"}}],
                }
            },
            "volumeClaimTemplates": [{"metadata": {"name": "state"}, "spec": {"storageClassName": "fast"}}],
        },
    ),
]
THERE = [
    obj("Namespace", "ns"),
    obj("Secret", "tls"),
    obj("PriorityClass", "urgent", "", "scheduling.k8s.io/v1"),
    obj("PersistentVolume", "disk", "", spec={"storageClassName": "fast"}),
]
LATE = {"timeout_seconds": 0, "unschedulable_seconds": 0, "until": {}, "allow_empty": False}
# Used only by failures that this run does not have.
OF_FAILURES = ("certificates", "persistentvolumeclaims", "pods/log", "replicasets", "controllerrevisions", "events")


def wait(api: FakeApi) -> None:
    named = [AwaitedWorkload(ObjectRef("StatefulSet", "ns", "a"))]
    with pytest.raises(Failure, match="not ready"):
        RolloutWait(api.cluster(), compile_search({}), RolloutWaitOptions(named, **LATE)).wait()


def test_the_rights_of_a_bundle_are_enough_and_no_more() -> None:
    api = FakeApi(*THERE)
    account = Account(api, purpose_rights.list_grants(BUNDLE))
    selector = "o11y.opentelemetry/collector"
    for _run in range(2):
        assert present(api, BUNDLE, references="require", prune_selector=selector)["warnings"] == []
    wait(api)
    removed = absent(api, BUNDLE, prune_selector=selector)
    assert removed["warnings"] == ["Kept Namespace ns: it belongs to field manager kubectl-create"]
    of_roles = {RbacGrant("", right) for rule in ROLE["rules"] for right in iter_rule_rights(rule)}
    unused = account.grants - account.used - of_roles
    assert {grant.right.resource for grant in unused} <= {*OF_FAILURES}, unused


@pytest.mark.parametrize("grant", purpose_rights.list_grants(BUNDLE), ids=str)
def test_without_a_right_something_is_refused_or_warned_of_and_the_message_has_it(grant: RbacGrant) -> None:
    """What only explains failures, and what a role gives, is not asked for by this run."""
    api = FakeApi(*THERE)
    Account(api, {*purpose_rights.list_grants(BUNDLE)} - {grant})
    said = []
    try:
        with needed_rights.name_missing_rights(api.cluster(), BUNDLE):
            said += present(api, BUNDLE, references="require", prune_selector="app")["warnings"]
            said += absent(api, BUNDLE, prune_selector="app")["warnings"][1:]
    except Problem as problem:
        assert describe_grants([grant]).split(": ")[-1].split(" ", 1)[1] in str(problem)
        said.append(str(problem))
    explains = grant.right.resource in OF_FAILURES and grant.right.verb in ("list", "get")
    wide = bool(grant.namespace) and RbacGrant("", grant.right) in purpose_rights.list_grants(BUNDLE)
    tolerated = grant.right == Right("get", "", "namespaces", "ns")
    assert said or explains or wide or tolerated, "nobody needs this right"


def test_a_run_without_rights_names_them_all_before_anything_is_written() -> None:
    api = FakeApi(*THERE)
    Account(api, [one for one in purpose_rights.list_grants(BUNDLE) if one.namespace])
    with (
        pytest.raises(Problem, match="user deployer may not") as refused,
        needed_rights.name_missing_rights(api.cluster(), BUNDLE),
    ):
        present(api, BUNDLE)
    text = str(refused.value)
    assert "in the whole cluster: create, delete, get, patch clusterrolebindings.rbac.authorization" in text
    assert "get, list nodes" in text
    assert "in namespace ns" not in text
    assert "`ansible-playbook o11y.opentelemetry.rights -i INVENTORY`" in text
    assert not api.sent("PATCH")


def test_a_refusal_that_no_missing_right_explains_stays_as_the_server_says_it() -> None:
    """An admission policy may refuse what all rights allow."""
    api = FakeApi(*THERE)
    refused = Problem("the server refuses it")
    message = 'configmaps is forbidden: User "deployer" cannot create resource "configmaps" in API group ""'
    refused.__cause__ = ApiError(403, {"message": message}, "PATCH", "/api/v1/namespaces/ns/configmaps/a")
    Account(api, purpose_rights.list_grants(BUNDLE))
    with pytest.raises(Problem) as raised, needed_rights.name_missing_rights(api.cluster(), BUNDLE):
        raise refused
    assert raised.value is refused
    assert isinstance(refused.__cause__, ApiError)


def test_who_may_read_but_not_create_is_refused_before_anything_is_written() -> None:
    api = FakeApi(*THERE)
    Account(api, [one for one in purpose_rights.list_grants(BUNDLE) if one.right.verb not in ("create", "patch")])
    with pytest.raises(Problem, match=r"may not create all objects(?s:.)*create, patch configmaps"):
        present(api, BUNDLE)
    assert not api.sent("PATCH")


def test_the_server_is_asked_about_each_right_once() -> None:
    api = FakeApi(*THERE)
    account = Account(api, [one for one in purpose_rights.list_grants(BUNDLE) if one.right.verb != "create"])
    asked: list[str] = []

    def review(spec: dict[str, Any]) -> bool:
        asked.append(str(spec))
        return account._reviewed(spec)

    api.allows = review
    with pytest.raises(Problem, match="may not create all objects"):
        present(api, BUNDLE)
    assert sorted(asked) == sorted(set(asked))


def test_who_may_escalate_and_bind_needs_no_rights_of_the_roles() -> None:
    api = FakeApi(*THERE)
    rbac = [RbacGrant("", Right(verb, "rbac.authorization.k8s.io", "clusterroles")) for verb in ("escalate", "bind")]
    own = [one for one in purpose_rights.list_grants(BUNDLE) if one.right.resource != "nodes"]
    Account(api, own)
    with pytest.raises(Problem, match="get, list nodes"):
        present(api, BUNDLE)
    Account(api, [*own, *rbac])
    assert present(api, BUNDLE)["changed"]


def test_a_failure_half_way_keeps_what_was_done() -> None:
    api = FakeApi(*THERE)
    account = Account(api, purpose_rights.list_grants(BUNDLE))
    account.api.allows = lambda _spec: True
    account.grants.remove(RbacGrant("ns", Right("patch", "apps", "statefulsets")))
    with pytest.raises(Failure, match="may not patch statefulsets") as refused:
        present(api, BUNDLE)
    account.api.allows = account._reviewed
    words = r"lacks these rights(?s:.)*Done before this error.*ConfigMap ns/a"
    with pytest.raises(Failure, match=words) as named, needed_rights.name_missing_rights(api.cluster(), BUNDLE):
        raise refused.value
    assert named.value.facts["changed"] is True


def test_an_admin_is_asked_one_question_and_an_unchanged_bundle_none() -> None:
    api = FakeApi(*THERE)
    present(api, BUNDLE)
    assert len(api.sent("POST")) == 1
    present(api, BUNDLE)
    assert len(api.sent("POST")) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_rules_of_roles_give_exactly_the_rights_of_each_example(path: Path) -> None:
    manifests = [item for item in yaml.safe_load_all(path.read_text()) if item]
    wanted = purpose_rights.list_grants(manifests, [{"via": {"namespace": "ns"}}])
    made = build_roles(wanted, "deployer", build_subject("system:serviceaccount:ci:bot"))
    given = {
        RbacGrant(item["metadata"].get("namespace", ""), right)
        for item in made
        for rule in item.get("rules") or ()
        for right in iter_rule_rights(rule)
    }
    wide = {one for one in wanted if one.right.name and RbacGrant(one.namespace, one.right._replace(name="")) in wanted}
    assert given == set(wanted) - wide
    bindings = [item for item in made if item["kind"].endswith("Binding")]
    assert {one["subjects"][0]["name"] for one in bindings} == {"bot"}
    assert len(bindings) == len([item for item in made if item["kind"] in ("Role", "ClusterRole")])


def test_a_canary_needs_to_read_metrics_and_to_evict_agents() -> None:
    own = {"labels": {COLLECTOR_LABEL: "a"}}
    for kind, more in (("DaemonSet", {"pods/proxy", "pods/eviction"}), ("Deployment", {"pods/proxy"})):
        bundle = [obj(kind, api="apps/v1", **own)]
        plain = purpose_rights.list_grants(bundle, changes={"ns/a": {"strategy": "rolling"}})
        canary = purpose_rights.list_grants(bundle, changes={"ns/a": {"strategy": "canary"}})
        assert {one.right.resource for one in set(canary) - set(plain)} == more


def test_unknown_kinds_need_no_rights_that_are_known() -> None:
    assert not [
        one
        for one in purpose_rights.list_grants([obj("Thing", api="example.com/v1")])
        if one.right.api_group == "example.com"
    ]


def test_the_page_about_security_has_the_purposes_of_the_rights() -> None:
    page = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.partition("| for | rights |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| {one.purpose} | {one.rights_text} |" for one in purpose_rights.PURPOSES]
