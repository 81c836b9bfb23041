# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of the blueprint: no rule finds anything, and both backends make the same ways to its collectors."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT, request

INVENTORY = ROOT / "inventories" / "blueprint" / "group_vars" / "all.yml"


def planned(backend: str) -> list[_render.JudgedCollector]:
    variables: dict[str, Any] = _documents.read_yaml(INVENTORY)
    return _render.judge_request(request({**variables, "otel_collector_backend": backend}))


def reached(backend: str) -> list[dict[str, Any]]:
    """Return the Services and network policies, which are the same for both backends."""
    manifests = _render.build_bundle(planned(backend))["manifests"]
    return [item for item in manifests if item["kind"] in ("Service", "NetworkPolicy")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_rule_finds_anything_in_the_inventory(backend: str) -> None:
    found = planned(backend)
    assert [one.collector.name for one in found] == ["agent", "gateway", "sampler"]
    assert [str(finding) for one in found for finding in one.findings if finding.severity != "info"] == []


def test_clients_reach_the_collectors_of_both_backends_in_the_same_way() -> None:
    first, *others = [reached(backend) for backend in BACKENDS]
    assert {item["metadata"]["name"] for item in first} == {"agent", "gateway", "gateway-headless", "sampler"}
    assert others == [first]
