# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What senders meet on their way in: listeners, Services, policies."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.reach import Around, Reach, policies_to

from ..helpers import LISTENERS

LABELS = {"app": "a", "app.kubernetes.io/instance": "i"}
POD: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {}}
CONTAINER: dict[str, Any] = {"ports": [{"name": "otlp", "containerPort": 4317}]}


def config(host: str = "0.0.0.0") -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"{host}:4317"}}}},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
    }


def service(name: str = "gateway", labels: Any = None, port: Any = None, **selector: str) -> dict[str, Any]:
    ports = [port or {"port": 4317, "targetPort": "otlp"}]
    metadata = {"name": name, "namespace": "ns", "labels": labels or {}}
    return {"metadata": metadata, "spec": {"selector": selector, "ports": ports}}


def slices(name: str = "gateway", ready: bool = True) -> dict[str, Any]:
    metadata = {"labels": {"kubernetes.io/service-name": name}}
    return {"metadata": metadata, "endpoints": [{"conditions": {"ready": ready}}]}


def reach(services: Any, found: Any = (), policies: Any = (), host: str = "0.0.0.0", pod: Any = POD) -> Reach:
    return Reach("gateway", config(host), pod, CONTAINER, Around(services, found, policies), listeners=LISTENERS)


@pytest.mark.parametrize(
    ("item", "found", "state"),
    [
        (service(app="a"), [slices()], "ok"),
        (service(app="a"), [slices(ready=False)], "not_ready"),
        (service(app="b"), [], "selects_nothing"),
        (service(app="b"), [slices()], "other"),
        (service(app="a", port={"port": 4317, "targetPort": 14317}), [slices()], "wrong_port"),
        (service("front", {"app.kubernetes.io/instance": "i"}, app="b"), [], "selects_nothing"),
        (service("gateway-collector", app="b"), [], "selects_nothing"),
    ],
)
def test_services(item: Any, found: Any, state: str) -> None:
    (row,) = reach([item], found).services() or []
    assert (row["state"], row["about"]) == (state, "in")


def test_the_service_of_another_collector_of_the_same_instance_is_no_mistake() -> None:
    other = {"app.kubernetes.io/instance": "i", "o11y.opentelemetry/collector": "gateway"}
    mine = {"metadata": {"labels": {**LABELS, "o11y.opentelemetry/collector": "agent"}}, "spec": {}}
    around = Around([service("front", other, app="b")], [slices("front")], [])
    assert Reach("agent", config(), mine, CONTAINER, around, listeners=LISTENERS).services() == []


def test_a_wrong_selector_says_how_it_differs() -> None:
    (row,) = reach([service(app="b", role="x")]).services() or []
    assert row["differs"] == "it asks for app=b, the pods have app=a, it asks for role=x, the pods have no such label"


def test_services_of_others_do_not_matter_and_what_is_hidden_is_not_told() -> None:
    allocator = {"app.kubernetes.io/instance": "i", "app.kubernetes.io/component": "target-allocator"}
    others = [service("other", app="b"), service("headless"), service("targets", allocator, app="b")]
    assert reach(others).services() == []
    assert reach(None).services() is None
    assert reach(None).listeners()[0]["state"] == "served"


@pytest.mark.parametrize(
    ("made", "state"),
    [
        (reach([service(app="a")], [slices()]), "served"),
        (reach([]), "unserved"),
        (reach([service(app="a")], [slices()], host="localhost"), "loopback"),
        (reach([], pod={**POD, "spec": {"hostNetwork": True}}), "served"),
        (reach([], policies=[{"metadata": {"name": "p"}, "spec": {"podSelector": {}}}]), "blocked"),
    ],
)
def test_listeners(made: Reach, state: str) -> None:
    (row,) = made.listeners()
    assert (row["receiver"], row["port"], row["state"]) == ("otlp", 4317, state)


def test_a_policy_for_some_peers_is_told() -> None:
    some = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}
    (row,) = reach([service(app="a")], [slices()], [some]).listeners()
    assert (row["state"], row["policies"]) == ("served", "p")


def test_policies_out() -> None:
    assert policies_to(None, {}).admits([1], "TCP") == "all"
