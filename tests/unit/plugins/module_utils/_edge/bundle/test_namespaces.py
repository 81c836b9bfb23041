# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace that a bundle made goes only when nothing of any kind is left in it."""

from __future__ import annotations

from typing import Any

import pytest

from ..fake_api import FakeApi, status
from .test_apply import obj
from .test_ownership import RBAC, remove, run

CRD = obj(
    "CustomResourceDefinition",
    "applications.argoproj.io",
    "",
    "apiextensions.k8s.io/v1",
    {"team": "b"},
    spec={
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Application", "plural": "applications"},
        "versions": [{"name": "v1alpha1", "served": True}],
    },
)


@pytest.mark.parametrize(
    "more",
    [
        obj("CronJob", "report", "shop", "batch/v1"),
        obj("Application", "shop", "shop", "argoproj.io/v1alpha1"),
        obj("RoleBinding", "readers", "shop", RBAC),
        obj("Instrumentation", "java", "shop", "opentelemetry.io/v1alpha1"),
    ],
    ids=lambda item: item["kind"],
)
def test_a_namespace_of_ours_stays_for_any_kind_of_object(more: Any) -> None:
    api = FakeApi(CRD)
    run(api, "shop")
    api.add(more)
    for check in (True, False):
        result = remove(api, "shop", check=check)
        assert f"Kept Namespace shop: it still has {more['kind']} shop/{more['metadata']['name']}" in result["warnings"]
    assert "/api/v1/namespaces/shop" in api.objects
    assert [path for path in api.objects if "/gw" in path] == []


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/apis", 503, "which kinds of objects it may hold is unknown"),
        ("/apis/batch/v1", 503, "which kinds of objects it may hold is unknown"),
        ("/apis/batch/v1/namespaces/shop/cronjobs", 403, "may not see whether it still has cronjobs"),
        ("/apis/batch/v1/namespaces/shop/cronjobs", 500, "may not see whether it still has cronjobs"),
    ],
)
def test_a_namespace_stays_when_what_it_holds_is_unknown(path: str, code: int, words: str) -> None:
    api = FakeApi()
    run(api, "shop")
    api.trouble = lambda _method, asked: status(code, "x", "no") if asked == path else None
    result = remove(api, "shop")
    assert any(warning.startswith("Kept Namespace shop: ") and words in warning for warning in result["warnings"])
    assert "/api/v1/namespaces/shop" in api.objects
