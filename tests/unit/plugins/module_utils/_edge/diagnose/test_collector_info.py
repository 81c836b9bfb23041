# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.diagnose.collector_info import read

from ..fake_api import FakeApi, status


def obj(kind: str, name: str, api: str = "v1") -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "ns"}}


def test_what_runs_is_read_in_all_namespaces_and_nothing_else() -> None:
    api = FakeApi(obj("ConfigMap", "a"), obj("DaemonSet", "b", "apps/v1"), obj("Secret", "c"))
    found = read(api.cluster())
    assert {(item["kind"], item["metadata"]["name"]) for item in found["resources"]} == {
        ("ConfigMap", "a"),
        ("DaemonSet", "b"),
    }
    assert {item["apiVersion"] for item in found["resources"]} == {"v1", "apps/v1"}
    assert found["warnings"] == []  # no operator, no custom resources


def test_what_this_user_may_not_list_is_told() -> None:
    api = FakeApi(obj("ConfigMap", "a"))
    api.trouble = lambda _method, path: (
        status(403, "Forbidden", "no") if path.startswith("/api/v1/configmaps") else None
    )
    found = read(api.cluster())
    assert found["resources"] == []
    assert found["warnings"] == ["This user may not list configmaps of all namespaces, so they are not checked"]


def test_a_server_that_fails_is_told() -> None:
    api = FakeApi()
    api.trouble = lambda _method, path: status(400, "BadRequest", "what?") if "deployments" in path else None
    with pytest.raises(Problem, match="List deployments"):
        read(api.cluster())
