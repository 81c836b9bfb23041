# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle in a cluster that other teams use: it writes and deletes what its releases own, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.write import MOST_TRIES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import (
    installed as releases,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import (
    PRODUCTS,
    Product,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.removal import (
    plan_removal,
    removal_label,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

from tests.support.cases import cases

from ...fake_api import FakeApi, status
from ...live_helpers import COLLECTORS, definition, obj
from .bundle_helpers import RELEASE, absent, actions, present, released, remove, run

HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}


def theirs(annotations: Any = None) -> list[Any]:
    """Return what others made in the namespace shop, of the names that a collector gw would have."""
    kinds = ("ServiceAccount", "ConfigMap", "Service", "Deployment")
    found = [item for item in released("shop") if item["kind"] in kinds]
    for item in found:
        item["metadata"] |= {"labels": {"app": "shop"}, "annotations": annotations or {}}
    return [obj("Namespace", "shop", labels={"team": "shop"}), *found]


@pytest.mark.parametrize("again", [run, remove])
def test_a_collector_in_another_namespace_and_a_copy_with_our_labels_lose_nothing(again: Any) -> None:
    api = FakeApi()
    run(api, "team-a")
    api.add(obj("Service", "copy", "team-b", labels={RELEASE: "team-b.gw"}, spec={"type": "LoadBalancer"}))
    before = copy.deepcopy(api.objects)
    run(api, "team-b")
    again(api, "team-b")
    assert {path: api.objects.get(path) for path in before} == before
    assert "/apis/rbac.authorization.k8s.io/v1/clusterroles/team-a.gw" in before


@pytest.mark.parametrize("check", [True, False])
def test_what_others_made_is_neither_removed_nor_written(check: bool) -> None:
    api = FakeApi(*theirs(HELM))
    before = copy.deepcopy(api.objects)
    result = remove(api, "shop", check=check)
    assert (api.objects, result["changed"]) == (before, False)
    assert "Kept Deployment shop/gw: it belongs to Helm release shop/shop" in result["warnings"]
    kept = {kind.split()[0] for kind, action in actions(result).items() if action == "unchanged"}
    assert kept == {"Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment"}
    with pytest.raises(Problem) as refused:
        run(api, "shop", check=check)
    assert "Deployment shop/gw is managed by Helm release shop/shop" in refused.value.wrong
    assert "adopt: true" in refused.value.fix
    assert refused.value.where == "release shop.gw"
    assert not api.sent("PATCH", "DELETE")


def test_what_is_adopted_is_taken_over_and_removed_later() -> None:
    api = FakeApi(*theirs())
    run(api, "shop", adopt=("shop.gw",))
    assert not run(api, "shop")["changed"]
    remove(api, "shop")
    assert [path for path in api.objects if "/shop" in path] == ["/api/v1/namespaces/shop"]


def test_one_adopted_release_opens_no_other() -> None:
    api = FakeApi(obj("ConfigMap", "ca", "shop"), *theirs())
    ca = obj("ConfigMap", "ca", "shop", labels={RELEASE: "shop_shared"})
    with pytest.raises(Problem, match="ConfigMap shop/ca is managed by field manager kubectl-create") as refused:
        present(api, [*released("shop"), ca], adopt=("shop.gw",))
    assert refused.value.where == "release shop_shared"


def test_what_others_change_in_an_object_of_ours_leaves_it_ours() -> None:
    api = FakeApi()
    run(api, "shop")
    found = api.objects["/apis/apps/v1/namespaces/shop/deployments/gw"]["metadata"]
    for manager in ("kubectl-rollout", "kube-controller-manager"):
        found["managedFields"].append({"manager": manager, "operation": "Update"})
        found["resourceVersion"] += "1"
    run(api, "shop")
    remove(api, "shop")
    assert not [path for path in api.objects if "/shop" in path]


def test_an_object_of_another_field_manager_is_not_ours_by_its_label() -> None:
    api = FakeApi()
    api.apply("argocd-controller", *released("shop"))
    with pytest.raises(Problem, match="Service shop/gw is managed by field manager argocd-controller"):
        run(api, "shop")
    assert not remove(api, "shop")["changed"]


def test_check_mode_compares_what_another_tool_applies_of_the_same_release() -> None:
    """GitOps applies what playbook render wrote; check mode then shows the drift."""
    api = FakeApi()
    api.apply("kubectl", *released("shop"))
    before = copy.deepcopy(api.objects)
    same = run(api, "shop", check=True)
    assert not same["changed"]
    (warning,) = same["warnings"]
    assert "Another tool applies objects of this inventory: ServiceAccount shop/gw is managed by field mana" in warning
    assert "A run without check mode is refused; to let it manage them, set adopt: true." in warning
    api.objects["/api/v1/namespaces/shop/configmaps/gw"]["data"] = {"a": "changed by hand"}
    before = copy.deepcopy(api.objects)
    drifted = run(api, "shop", check=True)
    assert drifted["changed"]
    assert api.objects == before
    with pytest.raises(Problem, match="is managed by field manager kubectl"):
        run(api, "shop")


def test_check_mode_refuses_what_is_of_another_release() -> None:
    api = FakeApi(*theirs())
    with pytest.raises(Problem, match="are managed by others"):
        run(api, "shop", check=True)


ARGO, FLUX, CHART = "argocd.argoproj.io/tracking-id", "kustomize.toolkit.fluxcd.io/name", "meta.helm.sh/release-name"


def marked(api: FakeApi, part: str, mark: str, value: str, **more: str) -> None:
    """Let a tool put its mark on the Deployment, which a run has applied a day before."""
    found = api.objects["/apis/apps/v1/namespaces/shop/deployments/gw"]["metadata"]
    found[part] = {**found.get(part, {}), mark: value}
    for entry in found["managedFields"]:
        entry["time"] = "2026-01-01T00:00:00Z"
    fields = {"f:metadata": {f"f:{part}": {f"f:{mark}": {}}}}
    entry = {"manager": "tool", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": fields}
    found["managedFields"].append({**entry, **more})


@cases(
    "part, mark, value, tool",
    ("annotations", ARGO, "shop:apps/Deployment:shop/gw", "Argo CD application shop"),
    ("labels", FLUX, "shop", "Flux Kustomization /shop"),
    ("annotations", CHART, "shop", "Helm release /shop"),
)
def test_what_another_tool_took_over_is_its_own(part: str, mark: str, value: str, tool: str) -> None:
    api = FakeApi()
    run(api, "shop")
    marked(api, part, mark, value)
    with pytest.raises(Problem, match=f"Deployment shop/gw is managed by {tool}"):
        run(api, "shop")
    result = remove(api, "shop")
    assert actions(result)["Deployment gw"] == "unchanged"
    assert f"Kept Deployment shop/gw: it belongs to {tool}" in result["warnings"]


def test_who_adopts_what_another_tool_took_over_has_it_for_good() -> None:
    api = FakeApi()
    run(api, "shop")
    marked(api, "annotations", ARGO, "shop:apps/Deployment:shop/gw")
    run(api, "shop", adopt=["shop.gw"])
    run(api, "shop")
    assert actions(remove(api, "shop"))["Deployment gw"] == "deleted"


@pytest.mark.parametrize("check", [False, True])
def test_what_is_adopted_from_helm_loses_its_marks_and_a_warning_names_the_record(check: bool) -> None:
    api = FakeApi(*theirs(HELM))
    first = run(api, "shop", adopt=["shop.gw"], check=check)
    (told,) = [text for text in first["warnings"] if "Helm" in text]
    assert told.startswith("Adopted from the Helm release shop/shop: ServiceAccount shop/gw, ConfigMap shop/gw, ")
    assert told.endswith("`kubectl delete secret --namespace shop --selector owner=helm,name=shop`")
    marked = [path for path, item in api.objects.items() if HELM.keys() & (item["metadata"].get("annotations") or {})]
    assert bool(marked) == check
    if not check:
        assert run(api, "shop", adopt=["shop.gw"])["warnings"] == []
        assert not run(api, "shop")["changed"]


PORTS = [{"name": "otlp-grpc", "port": 4317, "protocol": "TCP"}, {"name": "otlp-http", "port": 4318}]
NAMELESS = 'Service "gw" is invalid: spec.ports[0].name: Required value'


@pytest.mark.parametrize("check", [False, True])
def test_what_the_server_would_refuse_to_merge_is_adopted_by_no_half(check: bool) -> None:
    """Server-side apply keeps Helm's port without a name beside those of the bundle, and each of several needs one."""
    manifests = [item | {"spec": {"ports": PORTS}} if item["kind"] == "Service" else item for item in released("shop")]
    api = FakeApi(*theirs(HELM))
    service = "/api/v1/namespaces/shop/services/gw"
    api.objects[service]["spec"]["ports"] = [{"port": 80, "protocol": "TCP"}, {"port": 4317, "protocol": "TCP"}]
    before = copy.deepcopy(api.objects)
    invalid = status(422, "Invalid", NAMELESS)
    api.trouble = lambda method, path: invalid if (method, path) == ("PATCH", service) else None
    with pytest.raises(Problem) as caught:
        present(api, manifests, adopt=["shop.gw"], check=check)
    assert api.objects == before
    assert caught.value.asked == "Adopt Service shop/gw"
    assert "spec.ports[0].name: Required value" in caught.value.wrong
    ports = '[{"name":"otlp-grpc","port":4317,"protocol":"TCP"},{"name":"otlp-http","port":4318}]'
    assert caught.value.fix == (
        "An apply keeps the ports of the earlier owner beside those of the collector: 80/TCP. If nothing else uses "
        "them, remove them, then run again: `kubectl -n shop patch service gw --type=json --patch "
        f"""'[{{"op":"replace","path":"/spec/ports","value":{ports}}}]'`."""
    )


def test_ports_are_removed_for_a_refusal_of_ports_alone() -> None:
    api = FakeApi(*theirs(HELM))
    service = "/api/v1/namespaces/shop/services/gw"
    api.objects[service]["spec"]["ports"] = [{"port": 80, "protocol": "TCP"}]
    invalid = status(422, "Invalid", 'Service "gw" is invalid: spec.clusterIPs[0]: may not change once set')
    api.trouble = lambda method, path: invalid if (method, path) == ("PATCH", service) else None
    with pytest.raises(Problem, match="may not change once set") as caught:
        run(api, "shop", adopt=["shop.gw"])
    assert "spec.clusterIPs" in caught.value.wrong
    assert "patch service" not in caught.value.fix


@pytest.mark.parametrize(("path", "code", "wrong"), [("configmaps", 422, "Adopt"), ("deployments", 503, "Apply")])
def test_what_may_pass_later_holds_no_adoption_up(path: str, code: int, wrong: str) -> None:
    api = FakeApi(*theirs(HELM))
    denied = status(code, "", "field is immutable")
    api.trouble = lambda method, where: denied if method == "PATCH" and f"/{path}/" in where else None
    with pytest.raises(Problem, match=f"^{wrong} "):
        run(api, "shop", adopt=["shop.gw"])


@cases(
    "name, namespace",
    ("shop,name!=x", "shop"),  # a selector of other Secrets
    ("x)|curl evil|(", "shop"),
    ("shop", "kube-system"),
    ("shop", "--all-namespaces"),
    ("shop\n", "shop"),
    ("shop", ""),
)
def test_marks_of_helm_make_no_command_unless_they_name_a_release_beside_the_object(name: str, namespace: str) -> None:
    """Whoever may write an annotation must not write what an administrator runs."""
    api = FakeApi(*theirs({CHART: name, "meta.helm.sh/release-namespace": namespace}))
    (told,) = run(api, "shop", adopt=["shop.gw"])["warnings"]
    assert told.startswith("Adopted from a Helm release, which the annotations do not name: ServiceAccount shop/gw, ")
    assert "helm list --all-namespaces" in told
    assert not [word for word in ("kubectl", "curl", "kube-system", "name!=") if word in told]


@cases(
    "mark, value, more",
    (ARGO, "shop:apps/Deployment:shop/another", {}),  # copied with all annotations of another object
    (ARGO, "shop:apps/Deployment:other/gw", {}),
    (ARGO, "shop:opentelemetry.io/OpenTelemetryCollector:shop/gw", {}),
    (CHART, "shop", {"time": "2025-12-31T00:00:00Z"}),  # before a run adopted it
    (CHART, "shop", {"manager": "us"}),  # an annotation that the inventory sets
)
def test_a_mark_that_takes_nothing_away(mark: str, value: str, more: dict[str, str]) -> None:
    api = FakeApi()
    run(api, "shop")
    marked(api, "annotations", mark, value, **more)
    assert actions(remove(api, "shop"))["Deployment gw"] == "deleted"


def deletions(api: FakeApi, between: Any) -> None:
    """Do something between the moment when an object is read and its deletion, once."""
    done: list[str] = []

    def trouble(method: str, path: str) -> None:
        if method == "DELETE" and path.endswith("/deployments/gw") and not done:
            done.append(path)
            between(path)

    api.trouble = trouble


def test_an_object_that_changes_before_it_is_deleted_is_read_again() -> None:
    api = FakeApi()
    run(api, "shop")
    deletions(api, lambda path: api.objects[path]["metadata"].update(resourceVersion="later"))
    assert actions(remove(api, "shop"))["Deployment gw"] == "deleted"
    assert api.clock.now == 0


def test_an_object_that_others_made_in_its_place_stays() -> None:
    api = FakeApi()
    run(api, "shop")
    deletions(api, lambda _path: api.add(next(item for item in theirs() if item["kind"] == "Deployment")))
    result = remove(api, "shop")
    assert actions(result)["Deployment gw"] == "unchanged"
    assert "/apis/apps/v1/namespaces/shop/deployments/gw" in api.objects
    assert "Kept Deployment shop/gw: it was made anew since this run read it" in result["warnings"]


def test_an_object_that_goes_into_other_hands_before_it_is_deleted_stays() -> None:
    api = FakeApi()
    run(api, "shop")

    def take_over(path: str) -> None:
        api.objects[path]["metadata"]["labels"]["o11y.opentelemetry/release"] = "theirs"
        api.objects[path]["metadata"]["resourceVersion"] = "later"

    deletions(api, take_over)
    assert "Kept Deployment shop/gw: it belongs to another owner now" in remove(api, "shop")["warnings"]


def test_an_object_that_is_gone_after_the_last_try_is_deleted() -> None:
    api, tries = FakeApi(), []
    run(api, "shop")

    def refuse(method: str, path: str) -> Any:
        if method != "DELETE" or not path.endswith("/deployments/gw"):
            return None
        tries.append(path)
        if len(tries) == MOST_TRIES:
            del api.objects[path]
        return status(409, "Conflict", "the resourceVersion in the precondition does not match")

    api.trouble = refuse
    assert actions(remove(api, "shop"))["Deployment gw"] == "deleted"
    assert len(tries) == MOST_TRIES


def test_an_object_that_never_rests_is_given_up() -> None:
    api = FakeApi()
    run(api, "shop")
    api.refuse("/gw", status(409, "Conflict", "the resourceVersion in the precondition does not match"), "DELETE")
    with pytest.raises(Problem, match=r"Delete Deployment shop/gw: it has changed 10 times meanwhile"):
        remove(api, "shop")


def test_a_deletion_names_the_very_state_that_was_judged() -> None:
    api, sent = FakeApi(), []
    run(api, "shop")
    call = api.__call__

    def noted(method: str, target: str, headers: Any, body: Any) -> Any:
        sent.extend([json.loads(body)["preconditions"]] if method == "DELETE" else [])
        return call(method, target, headers, body)

    api.cluster = lambda: type(FakeApi.cluster(api))(noted, clock=api.clock, sleep=api.clock.sleep)  # type: ignore[method-assign]
    remove(api, "shop")
    assert {frozenset(found) for found in sent} == {frozenset({"uid", "resourceVersion"})}


def test_what_comes_while_we_look_loses_no_field() -> None:
    api = FakeApi()
    new = obj("ConfigMap", "gw", "shop", labels={"app": "b"}, data={"a": "b"})
    written = ("PATCH", "/api/v1/namespaces/shop")
    api.trouble = lambda method, path: api.add(new) if (method, path) == written else None
    with pytest.raises(Problem, match="other field managers own some of its fields"):
        run(api, "shop")
    assert api.objects["/api/v1/namespaces/shop/configmaps/gw"]["data"] == {"a": "b"}


def test_adopting_takes_nothing_that_another_collector_owns() -> None:
    """The headless Service of `gw` has the name of the collector `gw-headless`."""
    api = FakeApi(obj("Namespace", "shop"))
    service = obj("Service", "gw-headless", "shop", labels={RELEASE: "shop.gw-headless"}, spec={"ports": []})
    present(api, [service], field_manager=names.OWNER)
    before = copy.deepcopy(api.objects)
    theirs = {**service, "metadata": {**service["metadata"], "labels": {RELEASE: "shop.gw"}}}
    with pytest.raises(Problem, match=r"is managed by release shop\.gw-headless of this collection"):
        present(api, [theirs], field_manager=names.OWNER, adopt=("shop.gw",))
    assert api.objects == before


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_definitions_go_when_the_rest_of_their_product_is_gone(product: Product) -> None:
    mine, charts = (definition(kind, COLLECTORS, labels={}) for kind in ("Thing", "Other"))
    for item in (mine, charts):
        item["spec"]["versions"][0]["storage"] = True
    mine["metadata"]["labels"][RELEASE] = product.name
    charts["metadata"]["annotations"] = HELM
    api = FakeApi(charts)
    api.apply(names.OWNER, mine)
    there = [
        releases.describe_definition(product, item) for item in api.objects.values() if item["kind"] == mine["kind"]
    ]
    nothing = {"installed": False, "ours": False, "namespace": "", "objects": [], "resources": [], "denied": []}
    plan = plan_removal(product, {**nothing, "crds": there}, "refuse", True, "shop/shop")
    result = absent(api, plan.manifests, adopt=(removal_label(product),), field_manager=names.OWNER)
    assert (list(actions(result).values()), result["warnings"]) == (["deleted", "deleted"], [])
