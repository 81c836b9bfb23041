# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator overwrites what has a name that it gives, so a run looks for such objects of others first."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live import purpose_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.kinds import default_api_version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.operator_children import list_made_objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi
from ...live_helpers import definition, obj
from .account import Account
from .bundle_helpers import COLLECTOR, DEFINITION, NAMESPACE, RELEASE, actions, ours, plain, present
from .test_apply_budgets import budget

ALLOCATORS = definition("TargetAllocator", "opentelemetry.io/v1alpha1")
SCALED = {"mode": "statefulset", "autoscaler": {}, "targetAllocator": {"enabled": True}}
KINDS = ("OpenTelemetryCollector", "TargetAllocator")
LABELS = {**COLLECTOR, RELEASE: "ns.a"}


def resource(name: str = "a", **spec: Any) -> Any:
    return obj("OpenTelemetryCollector", name, labels={**LABELS, RELEASE: f"ns.{name}"}, spec=spec)


def named(one: Any, **metadata: Any) -> Any:
    """Return an object of a name that the operator gives."""
    return obj(
        one.kind, one.name, api=default_api_version(one.kind), labels={"app": "theirs"}, metadata=metadata, spec={}
    )


def made_by(kind: str, name: str) -> Any:
    return [{"kind": kind, "name": name, "controller": True}]


def there(*manifests: Any) -> FakeApi:
    return FakeApi(NAMESPACE, DEFINITION, ALLOCATORS, *manifests)


CHILDREN = [
    *list_made_objects(resource(**SCALED)),
    *list_made_objects(resource(mode="daemonset"))[:1],
    *list_made_objects(resource())[:1],
]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("one", CHILDREN, ids=str)
def test_what_others_have_under_a_name_of_the_operator_is_refused_before_anything_is_written(
    one: Any, check: bool
) -> None:
    mode = {"Deployment": "deployment", "DaemonSet": "daemonset"}.get(one.kind, "")
    spec = {"mode": mode} if mode and one.name == "a-collector" else SCALED
    api = there(named(one))
    with pytest.raises(
        Problem, match=rf"{one} is managed by field manager kubectl-create \(the operator would overwrite it\)"
    ) as caught:
        present(api, [NAMESPACE, resource(**spec)], check=check)
    assert (caught.value.where, api.sent("PATCH")) == ("release ns.a", [])
    assert "adopt: true" in caught.value.fix


def test_what_the_operator_made_for_this_collector_is_its_own() -> None:
    """Also what is left of an earlier one of that name: the garbage collector comes later."""
    found = [named(one, ownerReferences=made_by(kind, "a")) for one, kind in zip(CHILDREN, KINDS * 9, strict=False)]
    assert actions(present(there(*found), [NAMESPACE, resource(**SCALED)]))["OpenTelemetryCollector a"] == "created"


@pytest.mark.parametrize(
    "owners",
    [made_by("OpenTelemetryCollector", "b"), made_by("Other", "a"), [{"kind": "OpenTelemetryCollector", "name": "a"}]],
)
def test_what_it_made_for_another_one_is_not(owners: Any) -> None:
    with pytest.raises(Problem, match="are managed by others"):
        present(there(named(CHILDREN[0], ownerReferences=owners)), [NAMESPACE, resource(**SCALED)])


def test_other_names_kinds_and_namespaces_are_not_looked_at() -> None:
    elsewhere = obj("Deployment", "a-collector", "other")
    others = [
        obj("Deployment", "b-collector"),
        obj("DaemonSet", "a-collector"),
        elsewhere,
        obj("Service", "a-headless"),
    ]
    assert present(there(*others), [NAMESPACE, resource()])["changed"]


def test_a_change_is_compared_and_a_run_without_one_asks_nothing() -> None:
    api = ours(NAMESPACE, DEFINITION, resource())
    present(api, [NAMESPACE, resource()])
    assert [
        path for path in api.sent("GET") if path.endswith(("/deployments", "/services", "/poddisruptionbudgets"))
    ] == []
    api.add(named(CHILDREN[0]))
    with pytest.raises(Problem, match=r"StatefulSet ns/a-collector is managed"):
        present(api, [NAMESPACE, resource(mode="statefulset")])


def test_bundles_without_the_operator_ask_nothing_and_two_collectors_share_a_list() -> None:
    api = there()
    present(api, [NAMESPACE, plain()])
    assert [path for path in api.sent("GET") if path.endswith("s/ns/services")] == []
    present(api, [NAMESPACE, resource(), resource("b")])
    assert len([path for path in api.sent("GET") if path.endswith("s/ns/services")]) == 1


def test_adopting_lets_the_operator_have_it_and_an_old_object_of_ours_too() -> None:
    assert present(there(named(CHILDREN[0])), [NAMESPACE, resource(**SCALED)], adopt=("ns.a",))["changed"]
    api = there()
    api.apply("us", obj("Service", "a-collector", labels=LABELS), plain())
    before = copy.deepcopy(api.objects)
    assert present(api, [NAMESPACE, resource()])["changed"]
    assert before.items() <= api.objects.items()


def test_what_another_collector_of_this_collection_has_is_refused() -> None:
    api = there()
    api.apply("us", obj("Service", "a-collector", labels={**LABELS, RELEASE: "ns.a-collector"}))
    with pytest.raises(Problem, match="Service ns/a-collector is managed by"):
        present(api, [NAMESPACE, resource()], adopt=("ns.a",))


def test_a_kind_that_may_not_be_listed_is_warned_of_and_the_rights_have_it() -> None:
    bundle = [NAMESPACE, resource(**SCALED)]
    purpose = next(one for one in purpose_rights.PURPOSES if "names that the operator gives" in one.purpose)
    compared, wanted = (
        set(purpose_rights.list_grants(bundle, purposes=[purpose])),
        set(purpose_rights.list_grants(bundle)),
    )
    assert {one.right.verb for one in compared} == {"list"}
    account = Account(there(), wanted)
    assert present(account.api, bundle)["warnings"] == []
    assert compared <= account.used
    api = there()
    Account(api, {one for one in wanted if one.right.resource not in ("services", "targetallocators")})
    (warning,) = present(api, bundle)["warnings"]
    assert warning.startswith("Not compared with those of others")
    assert warning.endswith("this user may not list them: services, targetallocators")


ALL = {"matchLabels": {"app.kubernetes.io/component": "opentelemetry-collector"}}
ALLOCATED = {"matchLabels": {"app.kubernetes.io/component": "opentelemetry-targetallocator"}}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("spec", "selector", "refused"),
    [
        ({}, ALL, True),
        ({"mode": "statefulset"}, {}, True),
        ({}, {"matchLabels": COLLECTOR}, True),
        ({"mode": "daemonset"}, ALL, False),
        ({"mode": "sidecar"}, ALL, False),
        ({}, ALLOCATED, False),
        (SCALED, ALLOCATED, True),
        ({}, {"matchLabels": {"app": "other"}}, False),
    ],
)
def test_the_budget_that_the_operator_makes_is_not_the_second_one(
    spec: Any, selector: Any, refused: bool, check: bool
) -> None:
    api = there(budget("platform-wide", selector))
    if not refused:
        assert present(api, [NAMESPACE, resource(**spec)], check=check)["changed"]
        return
    words = "PodDisruptionBudget ns/platform-wide of another owner selects the same pods"
    with pytest.raises(Problem, match=words) as caught:
        present(api, [NAMESPACE, resource(**spec)], check=check)
    assert "backend: kubernetes" in caught.value.fix
    assert api.sent("PATCH") == []


def test_a_budget_of_another_namespace_counts_only_there() -> None:
    elsewhere = obj("OpenTelemetryCollector", "b", "other", labels={**LABELS, RELEASE: "other.b"}, spec={})
    of_a = {"matchLabels": {"app.kubernetes.io/instance": "ns.a"}}
    api = there(obj("Namespace", "other"), budget("theirs", of_a, "other"))
    assert present(api, [NAMESPACE, resource(), elsewhere])["changed"]


def test_budgets_are_read_with_their_content_and_the_rest_without() -> None:
    api, accepts = there(), {}
    call = api.__call__

    def noted(method: str, target: str, headers: Any, body: Any) -> Any:
        accepts[target.split("?", maxsplit=1)[0].rpartition("/")[2]] = headers.get("Accept", "")
        return call(method, target, headers, body)

    api.cluster = lambda: type(FakeApi.cluster(api))(noted, clock=api.clock, sleep=api.clock.sleep)  # type: ignore[method-assign]
    present(api, [NAMESPACE, resource()])
    partial = {name for name, accept in accepts.items() if "PartialObjectMetadataList" in accept}
    assert ("services" in partial, "deployments" in partial, "poddisruptionbudgets" in partial) == (True, True, False)


def test_a_budget_of_the_operator_that_exists_is_not_compared_again_and_a_change_of_backends_has_one_of_ours() -> None:
    there_already = named(list_made_objects(resource())[-1], ownerReferences=made_by("OpenTelemetryCollector", "a"))
    api = ours(NAMESPACE, DEFINITION, resource(replicas=1))
    api.add({**there_already, "spec": {"selector": {"matchLabels": {"none": "x"}}}}, budget("theirs", ALL))
    assert actions(present(api, [NAMESPACE, resource(replicas=2)]))["OpenTelemetryCollector a"] == "changed"
    switched = there()
    switched.apply("us", budget("a", {"matchLabels": COLLECTOR}, labels=LABELS))
    assert present(switched, [NAMESPACE, resource()])["changed"]
