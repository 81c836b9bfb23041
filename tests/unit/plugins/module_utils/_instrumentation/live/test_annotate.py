# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of somebody else are annotated, and left as they were."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.live.annotate import (
    NamespaceOptions,
    annotate_namespaces,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ...live_helpers import obj

PYTHON, JAVA = (f"instrumentation.opentelemetry.io/inject-{name}" for name in ("python", "java"))
OURS = "telemetry/default"


def namespace(name: str, **annotations: str) -> dict[str, Any]:
    return dict(obj("Namespace", name, metadata={"annotations": annotations}))


def pod(name: str) -> dict[str, Any]:
    return dict(obj("Pod", name, "shop", spec={"containers": [{"name": "app"}]}))


def run(api: FakeApi, *names: str, absent: bool = False, check: bool = False) -> dict[str, Any]:
    wanted = [namespace(name, **{PYTHON: OURS}) for name in names]
    return annotate_namespaces(api.cluster(), NamespaceOptions(wanted, [OURS], absent=absent, check=check, diff=True))


def annotations(api: FakeApi, name: str) -> dict[str, Any]:
    return dict(api.objects[f"/api/v1/namespaces/{name}"]["metadata"].get("annotations") or {})


def test_once_is_enough_and_check_mode_changes_nothing() -> None:
    api = FakeApi(namespace("shop", team="a"))
    assert run(api, "shop", check=True)["changed"]
    assert annotations(api, "shop") == {"team": "a"}
    first = run(api, "shop")
    assert (first["changed"], first["msg"], first["uninstrumented"]) == (True, "1 changed", [])
    assert annotations(api, "shop") == {"team": "a", PYTHON: OURS}
    assert f"+    {PYTHON}" not in first["diff"][0]["before"]
    assert PYTHON in first["diff"][0]["after"]
    second = run(api, "shop")
    assert (second["changed"], second["msg"], second["diff"]) == (False, "1 unchanged", [])


def test_only_annotations_are_sent_for_the_version_that_was_read() -> None:
    api = FakeApi(namespace("shop"))
    sent: list[Any] = []
    original = api._patch
    api._patch = lambda path, query, body, match: sent.append((query, body)) or original(path, query, body, match)  # type: ignore[method-assign,func-returns-value]
    run(api, "shop")
    read_version = "2"
    metadata = {"annotations": {PYTHON: OURS}, "resourceVersion": read_version}
    assert sent == [({"fieldManager": "o11y.opentelemetry"}, {"metadata": metadata})]


@pytest.mark.parametrize("given", [{}, {"absent": True}])
def test_what_is_no_longer_wanted_is_taken_away_and_nothing_else(given: Any) -> None:
    api = FakeApi(namespace("shop", team="a"), namespace("web", **{PYTHON: "other/one"}))
    run(api, "shop")
    assert run(api, *(["shop"] if given else []), **given)["changed"]
    assert (annotations(api, "shop"), annotations(api, "web")) == ({"team": "a"}, {PYTHON: "other/one"})


@pytest.mark.parametrize("absent", [True, False])
def test_an_annotation_that_others_wrote_stays_with_a_warning(absent: bool) -> None:
    api = FakeApi(namespace("web", **{PYTHON: OURS}))
    found = run(api, absent=absent)
    assert (found["changed"], api.sent("PATCH"), annotations(api, "web")) == (False, [], {PYTHON: OURS})
    (warning,) = found["warnings"]
    assert all(part in warning for part in ("web", f"{PYTHON}: {OURS}", "field manager kubectl-create"))


def test_a_wanted_annotation_that_others_wrote_is_unchanged_and_stays_theirs() -> None:
    api = FakeApi(namespace("web", **{PYTHON: OURS}))
    found = run(api, "web")
    assert (found["msg"], found["warnings"], api.sent("PATCH")) == ("1 unchanged", [], [])
    run(api, absent=True)
    assert annotations(api, "web") == {PYTHON: OURS}


def test_an_annotation_that_others_took_over_is_theirs() -> None:
    api = FakeApi(namespace("shop"))
    run(api, "shop")
    path, body = "/api/v1/namespaces/shop", {"metadata": {"annotations": {PYTHON: "other/one"}}}
    for value in ("other/one", OURS):
        body["metadata"]["annotations"][PYTHON] = value
        api.cluster().request("PATCH", path, {"fieldManager": "kubectl-edit"}, body)
    assert "field manager kubectl-edit" in run(api, absent=True)["warnings"][0]
    assert annotations(api, "shop") == {PYTHON: OURS}


def test_a_namespace_that_is_not_there_is_told_or_planned() -> None:
    with pytest.raises(Problem, match="there is no namespace shop"):
        run(FakeApi(), "shop")
    planned = run(FakeApi(), "shop", check=True)
    assert (planned["changed"], len(planned["warnings"])) == (False, 1)


def test_namespaces_that_are_not_there_are_told_in_the_order_in_which_they_are_given() -> None:
    names = ["shop", "web", "cart", "ads", "mail", "pay"]
    planned = run(FakeApi(), *names, check=True)
    assert [warning.split()[1] for warning in planned["warnings"]] == names
    with pytest.raises(Problem, match="there is no namespace shop"):
        run(FakeApi(), *names)


def test_older_pods_are_named_with_the_command() -> None:
    api = FakeApi(namespace("shop", **{PYTHON: OURS}), pod("cart"))
    found = run(api, "shop")
    assert found["uninstrumented"] == [{"kind": "Pod", "namespace": "shop", "name": "cart", "language": "python"}]
    assert "kubectl -n shop rollout restart pod/cart" in found["warnings"][0]
    api = FakeApi(namespace("shop", **{PYTHON: OURS}), *(pod(f"p{number}") for number in range(12)))
    assert "and 2 more" in run(api, "shop")["warnings"][0]


def shop(written: str, made: str, pod_made: str, **more: str) -> FakeApi:
    """Return a namespace that this collection annotated, with its Instrumentation and a pod that has none of it."""
    api = FakeApi(namespace("shop"))
    run(api, "shop")
    metadata = api.objects["/api/v1/namespaces/shop"]["metadata"]
    metadata["annotations"] |= more
    metadata["managedFields"] = [entry | {"time": written} for entry in metadata["managedFields"]]
    api.add(obj("Instrumentation", "default", "telemetry", metadata={"creationTimestamp": made}))
    api.add(pod("cart") | {"metadata": pod("cart")["metadata"] | {"creationTimestamp": pod_made}})
    return api


def test_pods_that_the_operator_did_not_instrument_are_not_to_be_restarted() -> None:
    found = run(shop("12:00", "11:00", "12:01"), "shop")
    (warning,) = found["warnings"]
    assert found["uninstrumented"] == []
    assert "did not instrument pods in shop, although they are newer than its annotation: pod/cart." in warning
    assert warning.endswith("ask for another language.")
    assert "rollout restart" not in warning


@pytest.mark.parametrize(("written", "made"), [("12:02", "11:00"), ("12:00", "12:02")])
def test_pods_from_before_the_annotation_or_its_instrumentation_are_to_be_restarted(written: str, made: str) -> None:
    found = run(shop(written, made, "12:01"), "shop")
    assert [item["name"] for item in found["uninstrumented"]] == ["cart"]
    assert "rollout restart" in found["warnings"][0]


def test_a_second_language_is_named_as_a_cause() -> None:
    contested, refused = run(shop("12:00", "11:00", "12:01", **{JAVA: "true"}), "shop")["warnings"]
    assert f"Namespace shop asks for a second language, with {JAVA}: true" in contested
    assert f"ask for another language, now {JAVA}: true." in refused


@pytest.mark.parametrize("answer", [403, 500])
def test_an_instrumentation_that_cannot_be_read_leaves_the_annotation_to_tell(answer: int) -> None:
    api = shop("12:00", "12:02", "12:01")
    api.refuse("/instrumentations/default", status(answer, "", "may not read"))
    if answer == 403:
        assert run(api, "shop")["uninstrumented"] == []
    else:
        with pytest.raises(Problem, match="Read Instrumentation telemetry/default"):
            run(api, "shop")


def test_a_namespace_that_this_run_annotates_has_only_older_pods() -> None:
    api = shop("12:00", "11:00", "12:01")
    del api.objects["/api/v1/namespaces/shop"]["metadata"]["annotations"]
    assert [item["name"] for item in run(api, "shop")["uninstrumented"]] == ["cart"]


def test_who_may_not_list_namespaces_still_annotates_his_own() -> None:
    api = FakeApi(namespace("shop"))
    hidden, no = ("/api/v1/namespaces", "/api/v1/namespaces/shop/pods"), status(403, "Forbidden", "may not list")
    api.trouble = lambda _method, path: no if path in hidden else None
    found = run(api, "shop")
    assert annotations(api, "shop") == {PYTHON: OURS}
    assert ["may not list" in warning for warning in found["warnings"]] == [True, True]


def test_a_name_that_leads_to_another_object_is_refused_by_whoever_may_not_list_namespaces() -> None:
    api = FakeApi(obj("ConfigMap", "web", "shop"))
    api.trouble = lambda _method, path: status(403, "Forbidden", "no") if path == "/api/v1/namespaces" else None
    with pytest.raises(Problem, match="'shop/configmaps/web' is not a valid object name"):
        run(api, "shop/configmaps/web", check=True)


def test_a_refusal_is_explained() -> None:
    api = FakeApi(namespace("shop"))
    api.refuse("", method="PATCH")
    with pytest.raises(Problem, match="Annotate namespace shop: not allowed"):
        run(api, "shop")


@pytest.mark.parametrize(
    ("path", "check"), [("/api/v1/namespaces/web", False), ("/api/v1/namespaces/shop/pods", False), ("/web", True)]
)
def test_a_refusal_half_way_says_what_was_annotated_before(path: str, check: bool) -> None:
    api = FakeApi(namespace("shop"), namespace("web"))
    api.refuse(path, status(422, "Invalid", "no"))
    with pytest.raises(Problem) as refused:
        run(api, "shop", "web", check=check)
    assert ("not undone: changed Namespace shop" in refused.value.fix) is not check
    assert refused.value.facts["changed"] is True


def test_an_annotation_that_another_owner_takes_over_after_the_read_stays() -> None:
    api = FakeApi(namespace("shop"))
    run(api, "shop")
    path = "/api/v1/namespaces/shop"

    def taken(method: str, _path: str) -> None:
        metadata = api.objects[path]["metadata"]
        if method == "PATCH" and metadata["annotations"][PYTHON] == OURS:
            new = {"annotations": {PYTHON: "theirs/default"}, "resourceVersion": "99"}
            api.objects[path] = {**api.objects[path], "metadata": {**metadata, **new}}

    api.trouble = taken
    assert run(api, "shop", absent=True)["msg"] == "1 unchanged"
    assert annotations(api, "shop") == {PYTHON: "theirs/default"}


def test_an_annotation_that_another_owner_adds_after_the_read_stays() -> None:
    api = FakeApi(namespace("shop"))
    path = "/api/v1/namespaces/shop"

    def added(method: str, _path: str) -> None:
        metadata = api.objects[path]["metadata"]
        if method == "PATCH" and not metadata.get("annotations"):
            new = {"annotations": {PYTHON: "theirs/default"}, "resourceVersion": "99"}
            api.objects[path] = {**api.objects[path], "metadata": {**metadata, **new}}

    api.trouble = added
    with pytest.raises(Problem, match="theirs/default"):
        run(api, "shop")
    assert annotations(api, "shop") == {PYTHON: "theirs/default"}


def test_a_label_that_somebody_writes_after_the_read_ends_no_run() -> None:
    api = FakeApi(namespace("shop"))
    path = "/api/v1/namespaces/shop"

    def labelled(method: str, _path: str) -> None:
        metadata = api.objects[path]["metadata"]
        if method == "PATCH" and metadata["labels"] != {"team": "a"}:
            new = {"labels": {"team": "a"}, "resourceVersion": "99"}
            api.objects[path] = {**api.objects[path], "metadata": {**metadata, **new}}

    api.trouble = labelled
    assert run(api, "shop")["msg"] == "1 changed"
    assert annotations(api, "shop") == {PYTHON: OURS}
    assert api.objects[path]["metadata"]["labels"] == {"team": "a"}


@pytest.mark.parametrize(
    ("item", "missing"),
    [({}, "name"), ({"metadata": None}, "name"), ({"metadata": {"name": "shop"}}, "annotations"),
     ({"metadata": {"name": "shop", "annotations": "text"}}, "annotations")],
)  # fmt: skip
def test_an_item_that_is_no_namespace_is_refused_before_anything_is_written(item: Any, missing: str) -> None:
    api = FakeApi(namespace("shop"))
    wanted = [namespace("shop", **{PYTHON: OURS}), item]
    with pytest.raises(Problem, match=rf"namespaces\[1\] has no metadata.{missing}"):
        annotate_namespaces(api.cluster(), NamespaceOptions(wanted, [OURS], absent=False, check=False, diff=False))
    assert annotations(api, "shop") == {}
