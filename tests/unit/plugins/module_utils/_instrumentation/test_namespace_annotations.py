# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations of namespaces."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.namespace_annotations import (
    build_annotation_patch,
    build_namespace,
    find_kept_annotation_warnings,
    find_second_language_warnings,
    map_annotations,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER

from ..helpers import cases
from .helpers import instrumentation

PYTHON, JAVA = (f"instrumentation.opentelemetry.io/inject-{name}" for name in ("python", "java"))
OURS = "telemetry/default"
TWICE = [{"name": "shop", "language": "java"}, {"name": "shop", "language": "python"}]


def test_a_namespace_is_annotated_with_the_full_name_for_one_language() -> None:
    httpd = instrumentation("apache_httpd", namespaces=["web"])
    found = map_annotations([httpd, instrumentation(namespaces=["shop"])])
    web = {"instrumentation.opentelemetry.io/inject-apache-httpd": OURS}
    assert found == {"web": web, "shop": {PYTHON: OURS}}
    assert build_namespace("shop", found["shop"])["metadata"] == {"name": "shop", "annotations": {PYTHON: OURS}}
    chosen = [{"name": "shop", "language": "java"}, {"name": "shop", "language": "java"}]
    assert map_annotations([instrumentation("java", "python", namespaces=chosen)]) == {"shop": {JAVA: OURS}}


@cases(
    "entries, says",
    (["shop"], "does not say which of java, python its pods are. Write `{name: shop, language: java}`"),
    ([{"name": "shop", "language": "pyton"}], "'pyton'; did you mean 'python'"),
    ([{"name": "shop", "language": "go"}], "Languages of this Instrumentation: java, python"),
    (TWICE, "two Instrumentations or languages"),
    ([{"name": "shop", "language": 5}], "not an entry of `namespaces`"),
    ([{"name": "shop", "language": ["java"]}], "not an entry of `namespaces`"),
    ([{"name": "shop", "language": True}], "not an entry of `namespaces`"),
    ([{"language": "java"}], "not an entry of `namespaces`"),
    ([{"name": "shop", "languages": ["java"]}], "not an entry of `namespaces`"),
    ([5], "not an entry of `namespaces`"),
    ([{"name": "Shop", "language": "java"}], "not a valid namespace"),
)
def test_what_would_instrument_no_pod_is_told(entries: list[Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        map_annotations([instrumentation("java", "python", namespaces=entries)])


def test_two_instrumentations_do_not_share_a_namespace() -> None:
    both = [instrumentation(name=name, namespaces=["shop"]) for name in ("a", "b")]
    with pytest.raises(Problem, match="instrumentation 'b': namespace 'shop' is given to two"):
        map_annotations(both)


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
    assert build_annotation_patch(before, wanted, [OURS, "telemetry/second"]) == patch


@pytest.mark.parametrize("value", ["true", "false", "other/one", ""])
def test_what_somebody_else_wrote_is_not_replaced(value: str) -> None:
    fix = r"kubectl annotate namespace shop instrumentation\.opentelemetry\.io/inject-python-"
    with pytest.raises(Problem, match=fix):
        build_annotation_patch(live(python=value), {PYTHON: OURS}, [OURS])
    with pytest.raises(Problem, match="inject-python: telemetry/second already, from field manager kubectl-edit"):
        build_annotation_patch(
            live("kubectl-edit", python="telemetry/second"), {PYTHON: OURS}, [OURS, "telemetry/second"]
        )


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
    found = find_kept_annotation_warnings(before, wanted, [OURS])
    keeps = [f"Namespace shop keeps the annotation {PYTHON}: {OURS} of {who}." for who in says]
    assert [keep in text for keep, text in zip(keeps, found, strict=True)] == [True] * len(says)


@cases(
    "before, wanted, says",
    (
        live(python=OURS, java="true"),
        {PYTHON: OURS},
        [f"Namespace shop asks for a second language, with {JAVA}: true."],
    ),
    (live(python=OURS, java="False"), {PYTHON: OURS}, []),
    (live(python=OURS, java=OURS), {PYTHON: OURS}, []),
    (live(java="true"), {}, []),
)
def test_a_second_language_of_others_in_a_wanted_namespace_is_told(before: Any, wanted: Any, says: list[str]) -> None:
    found = find_second_language_warnings(before, wanted, [OURS])
    assert [text.partition(" The operator")[0] for text in found] == says
