# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServiceAccounts that several inventories, workloads or other owners use."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.remaining_objects import find_account_users
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

from tests.support.cases import cases

from ...fake_api import FakeApi
from ...live_helpers import obj
from .bundle_helpers import (
    DEFINITION,
    NAMESPACE,
    RELEASE,
    absent,
    actions,
    ours,
    plain,
    present,
    released,
    template,
)

SHARED = "/api/v1/namespaces/shop/serviceaccounts/shared"
PULL = [{"name": "registry"}]
EXISTING = {"existing_accounts": ("shop/shared",)}


def account(annotations: Any, **more: Any) -> Any:
    """Return an account of others."""
    return obj("ServiceAccount", "shared", "shop", metadata={"annotations": annotations}, **more)


def sharing(name: str, annotations: Any = None, **more: Any) -> list[Any]:
    """Return a collector in small that runs under the account `shared`, which an option of it names."""
    metadata = {"annotations": annotations} if annotations else {}
    account = obj("ServiceAccount", "shared", "shop", labels={RELEASE: f"shop.{name}"}, metadata=metadata, **more)
    rest = [item for item in released("shop", name) if item["kind"] != "ServiceAccount"]
    rest[-1]["spec"]["template"]["spec"]["serviceAccountName"] = "shared"
    return [*rest, account]


def share(api: FakeApi, name: str, annotations: Any = None, **more: Any) -> Any:
    return present(api, sharing(name, annotations, **more), **EXISTING)


@cases(
    "theirs, wanted",
    (account({}), {}),
    (account({"a": "1", "b": "2"}, imagePullSecrets=PULL), {"annotations": {"a": "1"}, "imagePullSecrets": PULL}),
    ids=["bare", "with more"],
)
def test_an_account_of_others_is_used_as_it_is_and_never_removed(theirs: Any, wanted: Any) -> None:
    api = FakeApi(theirs)
    before = copy.deepcopy(api.objects[SHARED])
    assert actions(share(api, "gw", **wanted))["ServiceAccount shared"] == "unchanged"
    assert not share(api, "gw", **wanted)["changed"]
    result = absent(api, sharing("gw"), **EXISTING)
    assert "Kept ServiceAccount shop/shared: it belongs to field manager kubectl-create" in result["warnings"]
    assert api.objects[SHARED] == before


@cases(
    "wanted, lacking",
    ({"annotations": {"a": "1", "b": "2"}}, "annotation b"),
    ({"annotations": {"a": "3"}}, "annotation a"),
    ({"imagePullSecrets": PULL}, "imagePullSecret registry"),
)
def test_an_account_of_others_that_lacks_something_is_refused_and_not_changed(wanted: Any, lacking: str) -> None:
    api = FakeApi(account({"a": "1"}))
    with pytest.raises(Problem) as refused:
        present(api, sharing("gw", **wanted), **EXISTING, adopt=("shop.gw",))
    assert f"ServiceAccount shop/shared lacks {lacking}" in refused.value.wrong
    assert "field manager kubectl-create" in refused.value.wrong
    assert not api.sent("PATCH", "DELETE")


def test_inventories_that_share_an_account_take_nothing_of_it_from_each_other() -> None:
    api = FakeApi()
    share(api, "a", {"eks.amazonaws.com/role-arn": "arn"}, imagePullSecrets=PULL)
    before = copy.deepcopy(api.objects[SHARED])
    share(api, "b")
    assert api.objects[SHARED] == before
    absent(api, sharing("b"), **EXISTING)
    assert api.objects[SHARED] == before
    share(api, "b")
    result = absent(api, sharing("a"), **EXISTING)
    assert "Kept ServiceAccount shop/shared: it is used by Deployment shop/b" in result["warnings"]
    assert api.objects[SHARED] == before


@cases("check", True, False)
def test_an_account_that_a_collector_no_longer_has_goes_only_if_nobody_else_uses_it(check: bool) -> None:
    api = FakeApi()
    selector = {"prune_selector": f"{RELEASE}=shop.a"}
    present(api, sharing("a"), **EXISTING, **selector)
    revision = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a", "controller": True}
    metadata = {"ownerReferences": [revision]}
    api.add(obj("ReplicaSet", "a-1", "shop", spec=template("shared"), metadata=metadata))
    share(api, "b")
    result = present(api, released("shop", "a"), check=check, **selector)
    assert actions(result)["ServiceAccount shared"] == "unchanged"
    assert "Kept ServiceAccount shop/shared: it is used by Deployment shop/b" in result["warnings"]
    absent(api, sharing("b"), **EXISTING)
    assert actions(present(api, released("shop", "a"), check=check, **selector))["ServiceAccount shared"] == "pruned"
    assert (SHARED in api.objects) is check


def test_old_revisions_of_what_the_operator_makes_keep_no_account() -> None:
    labels = {RELEASE: "ns.a"}
    resource = obj("OpenTelemetryCollector", labels=labels, spec={"mode": "deployment", "serviceAccount": "new"})
    account, new_account = obj("ServiceAccount", "s", labels=labels), obj("ServiceAccount", "new", labels=labels)
    api = ours(NAMESPACE, DEFINITION, account, resource)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a-collector", "controller": True}
    api.add(obj("ReplicaSet", "a-collector-1", spec=template("s"), metadata={"ownerReferences": [owner]}))
    result = present(api, [NAMESPACE, new_account, resource], prune_selector=f"{RELEASE}=ns.a")
    assert actions(result)["ServiceAccount s"] == "pruned"


def test_the_account_of_collectors_of_one_inventory_follows_its_first_user() -> None:
    api = FakeApi()
    share(api, "b")
    both = [*sharing("a"), *(item for item in sharing("b") if item["kind"] not in ("Namespace", "ServiceAccount"))]
    assert actions(present(api, both, **EXISTING))["ServiceAccount shared"] == "changed"
    assert api.objects[SHARED]["metadata"]["labels"][RELEASE] == "shop.a"


ACCOUNT = obj("ServiceAccount", "s")
PODS = template()
USERS = [
    (obj("Deployment", "b", spec=PODS), True),
    (obj("OpenTelemetryCollector", "b", spec={"serviceAccount": "s"}), True),
    (obj("Pod", "b", spec=PODS["template"]["spec"]), True),
    (obj("Pod", "b", spec={"serviceAccountName": "other"}), False),
    (obj("Job", "b", spec=PODS), True),
    (obj("CronJob", "b", spec={"jobTemplate": {"spec": PODS}}), True),
    (obj("ReplicaSet", "b", spec=PODS), True),
]


@pytest.mark.parametrize(("user", "uses"), USERS)
def test_an_account_that_others_use_stays(user: Any, uses: bool) -> None:
    for check in (True, False):
        api = ours(NAMESPACE, DEFINITION, ACCOUNT, plain(), user)
        result = absent(api, [ACCOUNT, plain()], check=check)
        assert actions(result)["ServiceAccount s"] == ("unchanged" if uses else "deleted")
        assert [f"{user['kind']} ns/b" in warning for warning in result["warnings"]] == [True] * uses


@cases(
    "path, words",
    ("/apis/batch/v1/namespaces/ns/cronjobs", "this user may not see whether cronjobs use it"),
    ("/apis/opentelemetry.io/v1beta1", "which kinds of objects may use it is unknown"),
)
def test_an_account_stays_when_its_users_are_unknown(path: str, words: str) -> None:
    api = ours(NAMESPACE, DEFINITION, ACCOUNT, plain())
    api.refuse(path)
    result = absent(api, [ACCOUNT, plain()])
    assert actions(result)["ServiceAccount s"] == "unchanged"
    assert words in "".join(result["warnings"])


OF_A_REPLICA_SET = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "controller": True}
# A kind of OpenKruise, which is not among those that are asked for. So its pods alone show that it uses the account.
OF_ANOTHER_SET = {"apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet", "name": "a", "controller": True}


@cases(
    "item, uses",
    *USERS,
    (obj("OpenTelemetryCollector", spec={"serviceAccount": "s"}), False),
    (obj("OpenTelemetryCollector", api="example.com/v1", spec={"serviceAccount": "s"}), True),
    (obj("Pod", spec={"serviceAccountName": "s"}, metadata={"ownerReferences": [OF_A_REPLICA_SET]}), False),
    (obj("Pod", spec={"serviceAccountName": "s"}, metadata={"ownerReferences": [OF_ANOTHER_SET]}), True),
    (obj("ConfigMap"), False),
    (obj("CronJob", spec={"jobTemplate": {"spec": {"template": {"spec": {"serviceAccount": "s"}}}}}), True),
    (obj("OpenTelemetryCollector", "c", spec={"targetAllocator": {"serviceAccount": "s"}}), True),
    (obj("OpenTelemetryCollector", "c", spec={"config": {"exporters": {"a": {"account": "s"}}}}), False),
)
def test_who_runs_under_an_account_and_stays(item: Any, uses: Any) -> None:
    going = {("opentelemetry.io", ObjectRef("OpenTelemetryCollector", "ns", "a"))}
    assert bool(find_account_users([item], ObjectRef("ServiceAccount", "ns", "s"), going)) is uses


@cases("used, check", (True, False), (True, True), (False, False), (False, True))
def test_a_removal_by_labels_alone_takes_an_account_only_if_nothing_uses_it(used: bool, check: bool) -> None:
    """Without its options, a collector that is removed no longer says which account it runs under."""
    api = FakeApi()
    share(api, "gw")
    if used:
        api.add(obj("Deployment", "theirs", "shop", spec=template("shared")))
    named = [item for item in released("shop", "gw") if item["kind"] != "Deployment"]
    result = absent(api, named, prune_selector=f"{RELEASE}=shop.gw", check=check)
    assert actions(result)["ServiceAccount shared"] == ("unchanged" if used else "deleted")
    assert actions(result)["Deployment gw"] == "pruned"
    warning = "Kept ServiceAccount shop/shared: it is used by Deployment shop/theirs"
    assert (warning in result["warnings"]) is used
    assert (SHARED in api.objects) is (used or check)
