# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors, endpoints and network policies as Kubernetes reads them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.network import (
    Policies,
    endpoints,
    selects,
    slices_of,
    target_number,
)

LABELS = {"app": "a", "tier": "x"}


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"matchLabels": {"app": "a"}}, True),
        ({"matchLabels": {"app": "b"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selectors(selector: Any, fits: bool) -> None:
    assert selects(selector, LABELS) is fits


def test_endpoints_by_readiness_and_service() -> None:
    item: dict[str, Any] = {
        "metadata": {"labels": {"kubernetes.io/service-name": "s"}},
        "endpoints": [{"conditions": {"ready": True}}, {"conditions": {"ready": False}}, {}],
    }
    assert slices_of("s", [item]) == [item]
    assert slices_of("t", [item]) == []
    assert (len(endpoints([item], True)), len(endpoints([item], False))) == (2, 1)


@pytest.mark.parametrize(
    ("port", "number"),
    [({"port": 1}, 1), ({"port": 1, "targetPort": 2}, 2), ({"targetPort": "otlp"}, 4317), ({"targetPort": "x"}, None)],
)
def test_the_port_of_the_pod(port: Any, number: int | None) -> None:
    assert target_number(port, [{"name": "otlp", "containerPort": 4317}]) == number


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"podSelector": {"matchLabels": {"app": "a"}}, **spec}}


@pytest.mark.parametrize(
    ("spec", "admitted"),
    [
        ({}, "none"),
        ({"ingress": [{}]}, "all"),
        ({"ingress": [{"ports": [{"port": 4317}]}]}, "all"),
        ({"ingress": [{"ports": [{"port": 4317, "protocol": "UDP"}]}]}, "none"),
        ({"ingress": [{"ports": [{"port": 4000, "endPort": 5000}]}]}, "all"),
        ({"ingress": [{"ports": [{"port": "otlp"}]}]}, "all"),
        ({"ingress": [{"ports": [{"port": 80}]}]}, "none"),
        ({"ingress": [{"ports": [{}], "from": [{"podSelector": {}}]}]}, "some"),
        ({"policyTypes": ["Egress"]}, "all"),
        ({"podSelector": {"matchLabels": {"app": "other"}}}, "all"),
    ],
)
def test_what_policies_admit(spec: Any, admitted: str) -> None:
    assert Policies([policy(**spec)], LABELS, "Ingress").admits([4317], "TCP", ["otlp"]) == admitted


def test_egress_counts_only_where_it_is_spoken_of() -> None:
    assert Policies([policy()], LABELS, "Egress").admits([4317], "TCP") == "all"
    closed = Policies([policy(egress=[])], LABELS, "Egress")
    assert (closed.admits([4317], "TCP"), closed.names) == ("none", "p")
