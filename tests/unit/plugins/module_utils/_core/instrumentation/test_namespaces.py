# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations of namespaces, and pods that run without what they ask for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector.names import OWNER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation import namespaces

from ..helpers import cases
from .helpers import instrumentation

PYTHON, JAVA = (f"instrumentation.opentelemetry.io/inject-{name}" for name in ("python", "java"))
OURS = "telemetry/default"


def test_a_namespace_is_annotated_with_the_full_name() -> None:
    found = namespaces.wanted(
        [instrumentation("apache_httpd", namespaces=["web"]), instrumentation(namespaces=["shop"])]
    )
    assert found == {"web": {"instrumentation.opentelemetry.io/inject-apache-httpd": OURS}, "shop": {PYTHON: OURS}}
    assert namespaces.manifest("shop", found["shop"])["metadata"] == {"name": "shop", "annotations": {PYTHON: OURS}}


def test_of_several_languages_a_namespace_takes_one() -> None:
    chosen = [{"name": "shop", "language": "java"}, {"name": "shop", "language": "java"}]
    assert namespaces.wanted([instrumentation("java", "python", namespaces=chosen)]) == {"shop": {JAVA: OURS}}


@cases(
    "entries, says",
    (["shop"], "does not say which of java, python its pods are. Write `{name: shop, language: java}`"),
    ([{"name": "shop", "language": "pyton"}], "'pyton'; did you mean 'python'"),
    ([{"name": "shop", "language": "go"}], "Languages of this Instrumentation: java, python"),
    (
        [{"name": "shop", "language": "java"}, {"name": "shop", "language": "python"}],
        "two Instrumentations or languages",
    ),
    ([{"language": "java"}], "not an entry of `namespaces`"),
    ([{"name": "shop", "languages": ["java"]}], "not an entry of `namespaces`"),
    ([5], "not an entry of `namespaces`"),
    ([{"name": "Shop", "language": "java"}], "not a valid namespace"),
)
def test_what_would_instrument_no_pod_is_told(entries: list[Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        namespaces.wanted([instrumentation("java", "python", namespaces=entries)])


def test_two_instrumentations_do_not_share_a_namespace() -> None:
    both = [instrumentation(name=name, namespaces=["shop"]) for name in ("a", "b")]
    with pytest.raises(Problem, match="instrumentation 'b': namespace 'shop' is given to two"):
        namespaces.wanted(both)


def live(*managers: str, **annotations: str) -> dict[str, Any]:
    """Return a namespace whose annotations these field managers wrote, without any this collection's."""
    named = {f"instrumentation.opentelemetry.io/inject-{key}": value for key, value in annotations.items()}
    fields = {"f:metadata": {"f:annotations": {".": {}, **{f"f:{key}": {} for key in named}}}}
    written = [{"manager": one, "operation": "Update", "fieldsV1": fields} for one in managers or [OWNER]]
    metadata = {"name": "shop", "annotations": named | {"team": OURS}, "managedFields": written}
    return {"metadata": metadata}


@cases(
    "before, wanted, patch",
    (live(), {PYTHON: OURS}, {PYTHON: OURS}),
    (live(python=OURS), {PYTHON: OURS}, {}),
    (live(python="telemetry/second"), {PYTHON: OURS}, {PYTHON: OURS}),
    (live(java=OURS), {PYTHON: OURS}, {JAVA: None, PYTHON: OURS}),
    (live(python=OURS, java="other/one"), {}, {PYTHON: None}),
    (live(java="true"), {}, {}),
    (live("kubectl-edit", python=OURS), {PYTHON: OURS}, {}),
    (live("kubectl-edit", python=OURS), {}, {}),
    (live(OWNER, "argocd-controller", python=OURS), {}, {}),
    ({"metadata": {"name": "shop", "annotations": {PYTHON: OURS}}}, {}, {}),
    ({"metadata": {"name": "shop"}}, {}, {}),
)
def test_nothing_but_ours_is_changed(before: Any, wanted: Any, patch: Any) -> None:
    assert namespaces.change(before, wanted, [OURS, "telemetry/second"]) == patch


@pytest.mark.parametrize("value", ["true", "false", "other/one", ""])
def test_what_somebody_else_wrote_is_not_replaced(value: str) -> None:
    with pytest.raises(
        Problem, match=r"kubectl annotate namespace shop instrumentation\.opentelemetry\.io/inject-python-"
    ):
        namespaces.change(live(python=value), {PYTHON: OURS}, [OURS])


def test_another_of_our_instrumentations_is_not_replaced_where_others_wrote_it() -> None:
    with pytest.raises(Problem, match="inject-python: telemetry/second already, from field manager kubectl-edit"):
        namespaces.change(live("kubectl-edit", python="telemetry/second"), {PYTHON: OURS}, [OURS, "telemetry/second"])


@cases(
    "before, wanted, says",
    (live(python=OURS), {}, []),
    (live("kubectl-edit", python="other/one"), {}, []),
    (live("kubectl-edit", python=OURS), {PYTHON: OURS}, []),
    (live("kubectl-edit", python=OURS), {}, ["field manager kubectl-edit"]),
    (live(OWNER, "argocd-controller", python=OURS), {}, ["field manager o11y.opentelemetry, argocd-controller"]),
    ({"metadata": {"name": "shop", "annotations": {PYTHON: OURS}}}, {}, ["an unknown field manager"]),
)
def test_what_others_wrote_for_our_instrumentation_is_named(before: Any, wanted: Any, says: list[str]) -> None:
    found = namespaces.kept(before, wanted, [OURS])
    assert [
        f"Namespace shop keeps the annotation {PYTHON}: {OURS} of {who}." in text
        for who, text in zip(says, found, strict=True)
    ] == [True] * len(says)


ADDED = {"initContainers": [{"name": "opentelemetry-auto-instrumentation-python"}], "containers": [{"name": "app"}]}


def pod(name: str, owner: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "shop", "ownerReferences": owners, **more.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Running"}, **more}


def test_workloads_of_older_pods_are_named_once() -> None:
    replicas = [pod(f"cart-{index}", ("ReplicaSet", "cart-5f7d")) for index in range(3)]
    found = namespaces.without([*replicas, pod("db-0", ("StatefulSet", "db")), pod("alone")], [PYTHON])
    assert [(item["kind"], item["name"]) for item in found] == [
        ("Deployment", "cart"),
        ("StatefulSet", "db"),
        ("Pod", "alone"),
    ]
    assert found[0] == {"kind": "Deployment", "namespace": "shop", "name": "cart", "language": "python"}


@cases(
    "settled",
    pod("a", spec=ADDED),
    pod("a", metadata={"annotations": {PYTHON: "false"}}),
    pod("a", metadata={"deletionTimestamp": "now"}),
    pod("a", status={"phase": "Succeeded"}),
)
def test_pods_that_need_no_restart_are_not_named(settled: dict[str, Any]) -> None:
    assert namespaces.without([settled], [PYTHON]) == []


def test_the_sidecar_of_go_counts() -> None:
    sidecar = {"containers": [{"name": "app"}, {"name": "opentelemetry-auto-instrumentation"}]}
    annotation = "instrumentation.opentelemetry.io/inject-go"
    assert namespaces.without([pod("a", spec=sidecar)], [annotation]) == []
    assert namespaces.without([pod("a")], [annotation])[0]["language"] == "go"
